/** A model family is one file and one line: here a toy, Qwen3 without the norms of queries and keys. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { ggufTokenizer } from '../../src/chat/gguf-tokenizer.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { Device } from '../../src/ggml/device.ts';
import { crossEntropy } from '../../src/losses/all.ts';
import { type ModelConfig, parameterSpecs, weightCount } from '../../src/model/arch/config.ts';
import { defineFamily } from '../../src/model/arch/family.ts';
import { gatedNetwork, GGUF_PROJECTIONS, projectHeads, siluOnly } from '../../src/model/arch/parts.ts';
import { families } from '../../src/model/arch/index.ts';
import { qwen3 } from '../../src/model/arch/qwen3.ts';
import {
  initialiseWeights,
  loadConfig,
  loadModel,
  saveCheckpoint,
} from '../../src/model/checkpoint/checkpoint.ts';
import { exportGguf } from '../../src/model/checkpoint/gguf.ts';
import { Generator } from '../../src/model/generate/generation.ts';
import { add, rmsNorm } from '../../src/tensor/ops/index.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { rowsFrom } from '../../src/train/examples.ts';
import { Trainer } from '../../src/train/trainer.ts';

const isKept = ([name]: readonly [string, unknown]): boolean => !/\.[qk]_norm$/.test(name);

/** The whole of the toy's file. */
const toy = defineFamily({
  huggingFace: {
    architecture: 'ToyForCausalLM',
    keys: { hidden_act: siluOnly },
    constants: { hidden_act: 'silu' },
  },
  weights: (config, layer) => Object.fromEntries(Object.entries(qwen3.weights(config, layer)).filter(isKept)),
  gguf: { names: GGUF_PROJECTIONS },
  block(g, config, layer, input) {
    const { weight, linear, select } = layer;
    const h = rmsNorm(g, input, weight('input_layernorm'), config.rmsNormEps);
    const mixed = select(layer.attend(layer.index, projectHeads(g, config, layer, h)));
    const x = add(g, select(input), linear('self_attn.o_proj', mixed));
    const f = rmsNorm(g, x, weight('post_attention_layernorm'), config.rmsNormEps);
    return add(g, x, gatedNetwork(g, layer, f));
  },
});

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-family-'));
const folder = join(scratch, 'toy');
const tokenizer = trainVocabulary({ seed: 3, size: 300, groups: 2 });
const config: ModelConfig = {
  family: 'toy',
  vocabSize: 300,
  hiddenSize: 32,
  intermediateSize: 48,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-6,
  ropeTheta: 1e4,
  tiedEmbeddings: true,
  contextLength: 128,
  bosTokenId: null,
  eosTokenId: tokenizer.turnEndId,
};
const ids = (length: number) => asTokenIds(Int32Array.from({ length }, (_, i) => (7 * i) % 290));
const greedy = { temperature: 0, generate_max_len: 8, stopIds: [] };

beforeAll(() => {
  // The one line.
  families['toy'] = toy;
});
afterAll(() => {
  delete families['toy'];
  rmSync(scratch, { recursive: true, force: true });
});

it('a toy family trains, is saved and loaded as safetensors and as GGUF, and answers the same', async () => {
  using device = Device.open('cpu', 1);
  using parameters = new ParameterSet(device, parameterSpecs(config), 'trainable');
  initialiseWeights(config, parameters, Rng.seeded(1), 0.3);
  expect(weightCount(config)).toBe(parameters.count);

  using trainer = new Trainer(config, parameters, crossEntropy(), {});
  const tokens = ids(9);
  const example = { prompt: ids(20), completions: [{ tokens, rows: rowsFrom(tokens, 0), inputs: {} }] };
  const losses = [];
  for (let step = 0; step < 4; step++) losses.push((await trainer.step([example], 0.01)).loss);
  expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);

  tokenizer.save(join(scratch, 'tokenizer'));
  saveCheckpoint(folder, config, parameters, { tokenizerFiles: join(scratch, 'tokenizer') });
  const gguf = join(scratch, 'toy.gguf');
  exportGguf(gguf, config, parameters, ggufTokenizer(folder), { dtype: 'f32' });
  const json = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
  expect(json).toMatchObject({ model_type: 'toy', architectures: ['ToyForCausalLM'] });

  using trained = new Generator(device, config, parameters);
  const want = await trained.generate([ids(20), ids(5)], greedy);
  for (const source of [folder, gguf]) {
    const loaded = loadModel(device, source, { trainable: false });
    using weights = loaded.parameters;
    using generator = new Generator(device, loaded.config, weights);
    expect(loaded.config).toEqual(source === folder ? config : { ...config, bosTokenId: tokenizer.padId });
    expect(await generator.generate([ids(20), ids(5)], greedy)).toEqual(want);
  }
});

it('a checkpoint of no family names those that there are', () => {
  const other = { ...JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')), model_type: 'gpt9' };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(other));
  expect(() => loadConfig(folder)).toThrow(
    'its model_type is "gpt9", and tinystar computes gemma3_text, granite, granitemoehybrid, lfm2, llama, qwen2, qwen3, toy alone',
  );
});

it('norms of queries and keys are switched on in Qwen3 alone', () => {
  const json = { ...JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')), use_qk_norm: true };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...json, model_type: 'toy' }));
  expect(() => loadConfig(folder)).toThrow('use_qk_norm is true, which tinystar does not compute');
});
