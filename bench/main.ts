/**
 * `npm run bench`: speeds on this machine, with what was run; `npm run bench -- --real` at Qwen3-0.6B's shape. Repetitions of what is compared are interleaved, since
 * machines are noisy: the medians' ratio is the result, the spread says how far to trust it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rng } from '../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../src/base/token-ids.ts';
import { Device } from '../src/ggml/device.ts';
import { initialiseWeights, saveCheckpoint } from '../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs, type ModelConfig } from '../src/model/arch/config.ts';
import { Generator } from '../src/model/generate/generation.ts';
import { crossEntropy } from '../src/losses/all.ts';
import { ParameterSet } from '../src/tensor/parameters.ts';
import { rowsFrom, type TrainExample } from '../src/train/examples.ts';
import { Trainer } from '../src/train/trainer.ts';
import { acebench } from './acebench.ts';
import { bfcl } from './bfcl.ts';
import { compare, type Timed } from './compare.ts';
import { dataPipeline } from './data.ts';
import { PyTorchStep, pythonWithTorch } from './peers/pytorch.ts';
import { real } from './real/main.ts';
import { rewards } from './rewards.ts';

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

const rng = Rng.seeded(1);
const draw = (length: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(CONFIG.vocabSize)));

function openModel(device: Device): ParameterSet {
  const parameters = new ParameterSet(device, parameterSpecs(CONFIG), 'trainable');
  initialiseWeights(CONFIG, parameters, Rng.seeded(1));
  return parameters;
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

async function training(device: Device): Promise<void> {
  for (const completionTokens of [32, 48, 64]) {
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
    await compare(
      `training step, ${PROMPTS} prompts of ${PROMPT_TOKENS} tokens x ${SAMPLES} completions of ${completionTokens}`,
      candidates,
    );
  }
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

async function generation(device: Device): Promise<void> {
  using parameters = openModel(device);
  const generator = new Generator(device, CONFIG, parameters);
  const prompts = Array.from({ length: SAMPLES }, () => draw(PROMPT_TOKENS));
  const copies = prompts.flatMap((prompt) => Array.from({ length: SAMPLES }, () => prompt));
  const options = { generate_max_len: 48, stopIds: [], seed: 1 };
  const work = SAMPLES * SAMPLES * 48;
  await compare(
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
  generator[Symbol.dispose]();
}

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

async function tiny(): Promise<void> {
  const { hiddenSize, layers, heads, kvHeads, headDim, intermediateSize, vocabSize } = CONFIG;
  using device = Device.open('cpu', availableParallelism());
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${device.threads} threads, Node.js ${process.versions.node}, ${device.title}`,
  );
  console.log(
    `model: hidden ${hiddenSize}, ${layers} layers, ${heads}/${kvHeads} heads of ${headDim}, feed-forward ${intermediateSize}, vocabulary ${vocabSize}`,
  );
  if (pythonWithTorch() === undefined)
    console.log('no Python with PyTorch here (Debian: python3-torch; or set PYTHON): it is left out');
  await training(device);
  await generation(device);
  await rewards();
  await dataPipeline();
  await bfcl();
  await acebench();
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === '--real') await real(rest);
else await tiny();
