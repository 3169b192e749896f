/** The check of exported files: alike where nothing was lost, visibly not where something was. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { trainTokenizer } from '../../src/chat/bpe-trainer.ts';
import { ggufTokenizer } from '../../src/chat/gguf-tokenizer.ts';
import { generateAssistant } from '../../packages/assistant/src/index.ts';
import { exportParity, type Parity } from '../../src/eval/parity.ts';
import { Device } from '../../src/ggml/device.ts';
import { LlamaModel } from '../../src/ggml/llama.ts';
import { QUANTIZED_TYPES, type QuantizedType } from '../../src/ggml/quantize.ts';
import { initialiseWeights } from '../../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs, type ModelConfig } from '../../src/model/arch/config.ts';
import { exportGguf, type GgufDType } from '../../src/model/checkpoint/gguf.ts';
import { ChatTemplate, OWN_TEMPLATE } from '../../src/chat/template.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';

const scratch = mkdtempSync(join(tmpdir(), 'parity-'));
const device = Device.open('cpu', 1);
const dialogues = generateAssistant({ seed: 3, split: 'test', groups: 1 }).slice(0, 4);
const tokenizer = trainTokenizer(
  dialogues.map(({ messages }) => messages[0]!.content),
  { size: 320, chatTemplate: OWN_TEMPLATE.source },
);
tokenizer.save(scratch);
const config: ModelConfig = {
  vocabSize: tokenizer.vocabSize,
  hiddenSize: 64,
  intermediateSize: 256,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  rmsNormEps: 1e-6,
  ropeTheta: 10_000,
  tiedEmbeddings: true,
  family: 'qwen3',
  contextLength: 1024,
  bosTokenId: null,
  eosTokenId: tokenizer.eosId,
};

/** Random weights, large enough for the answers to depend on them. */
function randomise(set: ParameterSet, seed: number): void {
  initialiseWeights(config, set, Rng.seeded(seed, 'weights'));
  for (const { name, shape } of parameterSpecs(config)) {
    if (shape.length > 1)
      set.set(
        name,
        set.read(name).map((x) => 12 * x),
      );
  }
}

const parameters = new ParameterSet(device, parameterSpecs(config), 'weights');
randomise(parameters, 5);
afterAll(() => {
  parameters[Symbol.dispose]();
  device.close();
  rmSync(scratch, { recursive: true, force: true });
});

function exported(dtype: GgufDType): string {
  const path = join(scratch, `${dtype}.gguf`);
  exportGguf(path, config, parameters, ggufTokenizer(scratch), { dtype });
  return path;
}

const parityWith = (gguf: string, weights = parameters): Promise<Parity> =>
  exportParity({
    device,
    config,
    weights,
    tokenizer,
    template: ChatTemplate.of(tokenizer),
    gguf,
    dialogues,
    maxTokens: 12,
  });

test('an f32 file says what its checkpoint says', async () => {
  const parity = await parityWith(exported('f32'));
  expect(parity).toMatchObject({ prompts: 4, samePrompts: 4, sameAnswers: 4 });
  expect(parity.sameTokens).toBe(parity.tokens);
  expect(parity.tokens).toBeGreaterThan(12);
  expect(parity.largestKl).toBeLessThan(1e-5);
});

test('a file of other weights is found out', async () => {
  using other = new ParameterSet(device, parameterSpecs(config), 'weights');
  randomise(other, 6);
  const parity = await parityWith(exported('f32'), other);
  expect(parity.samePrompts).toBe(4);
  expect(parity.sameTokens).toBeLessThan(parity.tokens);
  expect(parity.meanKl).toBeGreaterThan(0.01);
});

test('quantised files are smaller the fewer bits they have, load, and drift the further', async () => {
  const types = Object.keys(QUANTIZED_TYPES) as QuantizedType[];
  const sizes = new Map<string, number>([['f32', statSync(exported('f32')).size]]);
  for (const type of types) {
    const path = exported(type);
    sizes.set(type, statSync(path).size);
    using model = LlamaModel.load(path, { threads: 1 });
    expect(model.vocabSize).toBe(config.vocabSize);
  }
  expect(sizes.get('bf16')!).toBeLessThan(sizes.get('f32')!);
  expect(sizes.get('q8_0')!).toBeLessThan(sizes.get('bf16')!);
  expect(sizes.get('q4_0')!).toBeLessThan(sizes.get('q8_0')!);
  const [eight, four] = [await parityWith(exported('q8_0')), await parityWith(exported('q4_0'))];
  expect(eight.meanKl).toBeGreaterThan(1e-8);
  expect(eight.meanKl).toBeLessThan(0.1);
  expect(four.meanKl).toBeGreaterThan(2 * eight.meanKl);
});
