/** The bench's tiny model: a training step as prompt trees, flat and in PyTorch; generation. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rng } from '../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../src/base/token-ids.ts';
import type { Device } from '../src/ggml/device.ts';
import { initialiseWeights, saveCheckpoint } from '../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs, type ModelConfig } from '../src/model/arch/config.ts';
import { Generator } from '../src/model/generate/generation.ts';
import { crossEntropy } from '../src/losses/all.ts';
import { ParameterSet } from '../src/tensor/parameters.ts';
import { rowsFrom, type TrainExample } from '../src/train/examples.ts';
import { Trainer } from '../src/train/trainer.ts';
import { compare, type Ratio, type Timed } from './compare.ts';
import { PyTorchStep, pythonWithTorch } from './peers/pytorch.ts';

const CONFIG: ModelConfig = {
  vocabSize: 2048,
  hiddenSize: 128,
  intermediateSize: 384,
  layers: 4,
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  rmsNormEps: 1e-6,
  ropeTheta: 1e4,
  tiedEmbeddings: true,
  family: 'qwen3',
  contextLength: 2048,
  bosTokenId: null,
  eosTokenId: 2,
};
const PROMPTS = 4;
const SAMPLES = 8;
const PROMPT_TOKENS = 256;
const LR = 1e-4;

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const rng = Rng.seeded(1);
const draw = (length: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(CONFIG.vocabSize)));

function openModel(device: Device): ParameterSet {
  const parameters = new ParameterSet(device, parameterSpecs(CONFIG), 'trainable');
  initialiseWeights(CONFIG, parameters, Rng.seeded(1));
  return parameters;
}

/** A line on the model. */
export function tinyTitle(): string {
  const { hiddenSize, layers, heads, kvHeads, headDim, intermediateSize, vocabSize } = CONFIG;
  return `model: hidden ${hiddenSize}, ${layers} layers, ${heads}/${kvHeads} heads of ${headDim}, feed-forward ${intermediateSize}, vocabulary ${vocabSize}`;
}

/** The same completions, once in trees and once each with its own copy of the prompt. */
function batches(completionTokens: number): { tree: TrainExample[]; flat: TrainExample[] } {
  const completion = () => {
    const tokens = draw(completionTokens);
    return { tokens, rows: rowsFrom(tokens), inputs: {} };
  };
  const tree = Array.from({ length: PROMPTS }, () => ({
    prompt: draw(PROMPT_TOKENS),
    completions: Array.from({ length: SAMPLES }, completion),
  }));
  const flat = tree.flatMap(({ prompt, completions }) =>
    completions.map((c) => ({ prompt, completions: [c] })),
  );
  return { tree, flat };
}

function newTrainer(parameters: ParameterSet): Trainer {
  return new Trainer(CONFIG, parameters, crossEntropy(), {
    adam_beta1: 0.9,
    adam_beta2: 0.95,
    adam_eps: 1e-8,
    weight_decay: 0,
    max_norm: 1,
    microBatchTokens: 4096,
    micro_train_batch_size: 16,
  });
}

/** A training step for completions of each of these lengths; returns how many times as fast the tree is. */
export async function training(device: Device, lengths: readonly number[]): Promise<Ratio[]> {
  const ratios: Ratio[] = [];
  for (const completionTokens of lengths) {
    using parameters = openModel(device);
    const { tree, flat } = batches(completionTokens);
    using one = newTrainer(parameters);
    using other = newTrainer(parameters);
    const step = (name: string, own: Trainer, examples: readonly TrainExample[]): Timed => ({
      name,
      work: PROMPTS * SAMPLES * completionTokens,
      unit: 'completion tokens/s',
      run: async () => void (await own.step(examples, LR)),
    });
    const work = PROMPTS * SAMPLES * completionTokens;
    using peer = await peerOf(device, parameters, tree);
    const candidates = [step('prompt tree', one, tree), step('flat: a copy of the prompt each', other, flat)];
    if (peer !== undefined) candidates.push(await besides(peer, parameters, flat, work));
    const title = `training step, ${PROMPTS} prompts of ${PROMPT_TOKENS} tokens x ${SAMPLES} completions of ${completionTokens}`;
    ratios.push(...(await compare(title, candidates)));
  }
  return ratios;
}

/** The same step in PyTorch, if this machine has it: same weights, same tokens. */
async function peerOf(
  device: Device,
  parameters: ParameterSet,
  tree: readonly TrainExample[],
): Promise<PyTorchStep | undefined> {
  const python = pythonWithTorch();
  if (python === undefined) return undefined;
  const folder = join(scratch, 'model');
  saveCheckpoint(folder, CONFIG, parameters);
  const tokens = tree.flatMap(({ prompt, completions }) =>
    completions.map((completion) => [...prompt, ...completion.tokens]),
  );
  const batch = join(scratch, 'batch.json');
  writeFileSync(batch, JSON.stringify({ tokens, prompt_tokens: PROMPT_TOKENS, lr: LR }));
  return PyTorchStep.start(python, folder, batch, device.threads);
}

/** The peer as a candidate, once its loss on the same weights is the same as ours. */
async function besides(
  peer: PyTorchStep,
  parameters: ParameterSet,
  flat: readonly TrainExample[],
  work: number,
): Promise<Timed> {
  using judge = newTrainer(parameters);
  const ours = (await judge.accumulate(flat)).loss;
  const theirs = (await peer.step()).loss;
  if (Math.abs(ours - theirs) > 1e-4 * ours)
    throw new Error(`the peer computes something else: its loss is ${theirs}, ours ${ours}`);
  return {
    name: `PyTorch ${peer.version}, flat (same loss: ${ours.toFixed(4)})`,
    work,
    unit: 'completion tokens/s',
    run: async () => (await peer.step()).seconds,
  };
}

/** Generation; returns how many times as fast 8 samples of a prompt are as 8 copies of it. */
export async function generation(device: Device): Promise<Ratio[]> {
  using parameters = openModel(device);
  using generator = new Generator(device, CONFIG, parameters);
  const prompts = Array.from({ length: SAMPLES }, () => draw(PROMPT_TOKENS));
  const copies = prompts.flatMap((prompt) => Array.from({ length: SAMPLES }, () => prompt));
  const options = { generate_max_len: 48, stopIds: [], seed: 1 };
  const work = SAMPLES * SAMPLES * 48;
  return await compare(
    `generation, 8 prompts of ${PROMPT_TOKENS} tokens, 8 samples of 48 tokens each, prefill included`,
    [
      {
        name: '8 samples of one prompt',
        work,
        unit: 'tokens/s',
        run: async () =>
          void (await generator.generate(prompts, { ...options, n_samples_per_prompt: SAMPLES })),
      },
      {
        name: '8 copies of the prompt',
        work,
        unit: 'tokens/s',
        run: async () => void (await generator.generate(copies, { ...options, n_samples_per_prompt: 1 })),
      },
    ],
  );
}
