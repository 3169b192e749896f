/** GGUF files as checkpoints: what was exported is read back, quantised weights mean what the format says they mean. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { Rng } from '../../src/base/rng.ts';
import { ggufTokenizer, tokenizerFilesOf } from '../../src/chat/gguf-tokenizer.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { type GgufTensor, type GgufValue, writeGguf } from '../../src/ggml/gguf.ts';
import { openLibrary } from '../../src/ggml/library.ts';
import {
  initialiseWeights,
  loadConfig,
  loadModel,
  saveCheckpoint,
} from '../../src/model/checkpoint/checkpoint.ts';
import { checkpointAt, requireCheckpoint } from '../../src/model/checkpoint/checkpoint-path.ts';
import { parameterSpecs, type ModelConfig } from '../../src/model/arch/config.ts';
import { Generator } from '../../src/model/generate/generation.ts';
import { exportGguf, type GgufDType } from '../../src/model/checkpoint/gguf.ts';
import type { GgufTokenizer } from '../../src/model/checkpoint/gguf-tokenizer.ts';
import { storedTensors } from '../../src/model/checkpoint/gguf-tensors.ts';
import { publishedConfig } from '../../src/model/arch/index.ts';
import { narrowF16, widenF16 } from '../../src/model/checkpoint/safetensors.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { dequantiseQ4K, dequantiseQ8, rawTensors } from '../helpers/gguf-bytes.ts';
import { goldenFolder } from '../helpers/golden-folder.ts';
import { makeTinyStudent } from '../helpers/tiny-student.ts';

const scratch = mkdtempSync(join(tmpdir(), 'gguf-checkpoint-'));
const device = Device.open('cpu', 1);
const { checkpoint, gguf, tokenizer } = makeTinyStudent(scratch);
afterAll(() => {
  device.close();
  rmSync(scratch, { recursive: true, force: true });
});

const load = (source: string): ReturnType<typeof loadModel> =>
  loadModel(device, source, { trainable: false });

/** The message of the UserError that `action` throws. */
function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message.replaceAll(scratch, 'DIR');
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('a checkpoint that was exported as f32', () => {
  it('is read back to the bit, with its configuration', () => {
    const { config, parameters } = load(gguf);
    using model = parameters;
    using want = load(checkpoint).parameters;
    // Of a model without a first token, a GGUF file names the padding.
    expect(config).toEqual({ ...loadConfig(checkpoint), bosTokenId: tokenizer.padId });
    for (const { name } of parameterSpecs(config)) expect(model.read(name), name).toEqual(want.read(name));
  });

  it('is one under any name, by what it begins with', () => {
    const path = join(scratch, 'blob-of-a-download');
    copyFileSync(gguf, path);
    requireCheckpoint(path);
    expect(checkpointAt(path)).toBe(path);
    expect(loadConfig(path)).toEqual(loadConfig(gguf));
    expect(Tokenizer.load(path).fingerprint()).toBe(tokenizer.fingerprint());
    for (const other of ['', 'GGU', 'no model at all']) {
      writeFileSync(path, other);
      expect(messageOf(() => requireCheckpoint(path))).toContain('is no checkpoint: it has no config.json');
    }
  });

  it('has its output projection where it is not tied, and weights in the compute type that is asked for', () => {
    const config: ModelConfig = {
      ...loadConfig(checkpoint),
      tiedEmbeddings: false,
      ropeTheta: 5e5,
      vocabSize: 413,
    };
    using fresh = new ParameterSet(device, parameterSpecs(config), 'weights');
    initialiseWeights(config, fresh, Rng.seeded(8));
    const path = join(scratch, 'untied.gguf');
    exportGguf(path, config, fresh, tokenizerOf(tokenizer), { dtype: 'f32' });
    const read = loadModel(device, path, { trainable: false, dtype: 'f16' });
    using model = read.parameters;
    expect(read.config).toMatchObject({
      tiedEmbeddings: false,
      ropeTheta: 5e5,
      rmsNormEps: 1e-6,
      vocabSize: 413,
    });
    const halves = widenF16(narrowF16(fresh.read('lm_head.weight')));
    expect(model.read('lm_head.weight')).toEqual(halves);
  });

  it('speaks through the same tokens and the same template', () => {
    const read = Tokenizer.load(gguf);
    expect(read.fingerprint()).toBe(tokenizer.fingerprint());
    expect(read.chatTemplate).toBe(tokenizer.chatTemplate);
    expect([read.vocabSize, read.eosId, read.padId]).toEqual([
      tokenizer.vocabSize,
      tokenizer.eosId,
      tokenizer.padId,
    ]);
    for (const text of [
      '<|im_start|>user\nSet a timer, please.<|im_end|>\n<think>\n</think>\n<tool_call>',
      'Grüße,  naïve 12:30\r\n\n 中文 👩‍👩‍👧 e\u0301',
      '<|im_start <tool_call',
    ]) {
      expect(read.encode(text)).toEqual(tokenizer.encode(text));
      const ids = read.encode(text);
      expect(read.decode(ids.filter((id) => !read.isSpecial(id)))).toBe(
        tokenizer.decode(ids.filter((id) => !tokenizer.isSpecial(id))),
      );
    }
    const folder = join(scratch, 'written');
    mkdirSync(folder);
    const write = tokenizerFilesOf(gguf);
    expect(typeof write).toBe('function');
    if (typeof write === 'function') write(folder);
    expect(Tokenizer.load(folder).fingerprint()).toBe(tokenizer.fingerprint());
  });

  it('answers greedily as the checkpoint does', async () => {
    const answers = async (source: string): Promise<string[]> => {
      const { config, parameters } = load(source);
      using model = parameters;
      using generator = new Generator(device, config, model);
      const speech = Tokenizer.load(source);
      const prompts = ['Set a timer', 'Play some jazz', 'What is'].map((text) => speech.encode(text));
      const drawn = await generator.generate(prompts, {
        n_samples_per_prompt: 1,
        temperature: 0,
        generate_max_len: 20,
        stopIds: [speech.eosId],
        seed: 1,
      });
      return drawn.map(([sample]) => speech.decode(sample!.tokens));
    };
    const want = await answers(checkpoint);
    expect(new Set(want).size).toBe(3);
    expect(await answers(gguf)).toEqual(want);
  });

  it('is saved as a folder again', () => {
    const { config, parameters } = load(gguf);
    using model = parameters;
    const folder = join(scratch, 'again');
    saveCheckpoint(folder, config, model, { tokenizerFiles: tokenizerFilesOf(gguf) });
    expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(
      readFileSync(join(checkpoint, 'model.safetensors')),
    );
    expect(Tokenizer.load(folder).chatTemplate).toBe(tokenizer.chatTemplate);
  });
});

const sameBits = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

/** A tokenizer of nothing but padding, for models that no text is asked of. */
function tokenizerOf({ eosId, padId }: Tokenizer): GgufTokenizer {
  const flags = { addBos: false, addEos: false, addSpacePrefix: false };
  const none = { tokens: [], types: [], merges: [], chatTemplate: undefined };
  return { model: 'gpt2', pre: 'qwen2', eosId, padId, ...flags, ...none };
}

describe('quantised weights', () => {
  const config: ModelConfig = {
    ...loadConfig(checkpoint),
    hiddenSize: 256,
    intermediateSize: 512,
    heads: 2,
    kvHeads: 1,
    headDim: 128,
    layers: 4,
  };
  const fresh = new ParameterSet(device, parameterSpecs(config), 'weights');
  initialiseWeights(config, fresh, Rng.seeded(6), 0.05);
  afterAll(() => fresh[Symbol.dispose]());

  /** Compares every matrix of ggml type `type` with `dequantise`; returns how many there were. */
  function compare(
    dtype: GgufDType,
    type: number,
    dequantise: (bytes: Buffer, start: number, count: number) => Float32Array,
  ): number {
    const path = join(scratch, `${dtype}.gguf`);
    exportGguf(path, config, fresh, tokenizerOf(tokenizer), { dtype });
    const { bytes, tensors } = rawTensors(path);
    using model = load(path).parameters;
    let compared = 0;
    for (const spec of parameterSpecs(config)) {
      const { name, shape } = spec;
      const raw = tensors.get(storedTensors(config, spec)[0]!.name)!;
      const values = model.read(name);
      const exact = fresh.read(name);
      // Whatever the type, it is the weight that was quantised.
      const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - exact[i]!)), 0);
      expect(worst, name).toBeLessThan(shape.length === 1 ? 1e-9 : 0.03);
      if (raw.type !== type) continue;
      expect(sameBits(values, dequantise(bytes, raw.start, values.length)), name).toBe(true);
      compared += 1;
    }
    return compared;
  }

  it('are those that Q8_0 stands for', () => {
    expect(compare('q8_0', 8, dequantiseQ8)).toBe(1 + 7 * config.layers);
  });

  it('are those that Q4_K stands for, in the mixture Q4_K_M', () => {
    const compared = compare('q4_k_m', 12, dequantiseQ4K);
    // Some matrices are Q6_K there.
    expect(compared).toBeGreaterThan(5 * config.layers);
    expect(compared).toBeLessThan(1 + 7 * config.layers);
  });
});

describe('what is no model that is whole', () => {
  const path = join(scratch, 'faulty.gguf');
  const lib = openLibrary();

  function written(metadata: Record<string, GgufValue>, tensors: readonly GgufTensor[] = []): string {
    writeGguf(lib, path, metadata, tensors);
    return messageOf(() => load(path));
  }

  it('is refused in one sentence', () => {
    const whole = readFileSync(gguf);
    const cut = (length: number): string => {
      writeFileSync(path, whole.subarray(0, length));
      return messageOf(() => load(path));
    };
    expect(cut(whole.length - 2000)).toMatch(/^DIR\/faulty\.gguf ends before its tensor \S+ does; copy/);
    expect(cut(5000)).toMatch(/cannot be read as GGUF \(.*failed to read.*\); copy or download it again\.$/);
    expect(cut(0)).toContain('cannot be read as GGUF');
    writeFileSync(path, 'no model at all');
    expect(messageOf(() => load(path))).toContain("invalid magic characters: 'no m'");
    expect(messageOf(() => load(join(scratch, 'none.gguf')))).toContain('it does not exist');
    mkdirSync(join(scratch, 'folder.gguf'));
    expect(messageOf(() => load(join(scratch, 'folder.gguf')))).toContain('it is a folder');
  });

  it('names another architecture, and a part of a split file', () => {
    expect(written({ 'general.architecture': { string: 'gpt9' } })).toBe(
      'DIR/faulty.gguf is of the architecture gpt9, and tinystar computes gemma3, granite, lfm2, llama, qwen2, qwen3 alone; serve the model and give its address, or give one of these.',
    );
    expect(written({})).toContain('is of the architecture that it does not name');
    const split = { 'general.architecture': { string: 'qwen3' }, 'split.count': { u32: 2 } };
    expect(written(split)).toContain('is one part of a model that was split');
    const yarn = {
      'general.architecture': { string: 'qwen3' },
      'qwen3.rope.scaling.type': { string: 'yarn' },
    };
    expect(written(yarn)).toContain('has RoPE scaling of type yarn');
    for (const [key, value, words] of [
      ['qwen3.attention.sliding_window', { u32: 4096 }, 'qwen3.attention.sliding_window is 4096'],
      ['qwen3.expert_count', { u32: 128 }, 'qwen3.expert_count is 128'],
      ['qwen3.rope.scaling.factor', { f32: 4 }, 'qwen3.rope.scaling.factor is 4'],
      ['qwen3.rope.dimension_sections', { i32s: Int32Array.of(1, 2) }, 'dimension_sections is a list'],
      ['qwen3.logit_scale', { f32: 0.5 }, 'qwen3.logit_scale is 0.5'],
      ['qwen3.attention.causal', { bool: false }, 'qwen3.attention.causal is false'],
    ] as const) {
      expect(written({ 'general.architecture': { string: 'qwen3' }, [key]: value })).toContain(
        `asks for what tinystar does not compute (${words.startsWith('qwen3') ? words : `qwen3.rope.${words}`})`,
      );
    }
    // Keys that change nothing are passed over, up to what is missing.
    const plain = { 'qwen3.expert_count': { u32: 0 }, 'qwen3.rope.scaling.factor': { f32: 1 } };
    expect(written({ 'general.architecture': { string: 'qwen3' }, ...plain })).toBe(
      'The metadata of DIR/faulty.gguf lack qwen3.block_count, qwen3.context_length, qwen3.embedding_length, qwen3.feed_forward_length, qwen3.attention.head_count, qwen3.attention.layer_norm_rms_epsilon, qwen3.rope.freq_base; convert the model again.',
    );
    const adapter = { 'general.architecture': { string: 'qwen3' }, 'general.type': { string: 'adapter' } };
    expect(written(adapter)).toContain('is an adapter and no whole model; merge it');
    expect(written({ 'general.architecture': { u32: 3 } })).toContain(
      'has a general.architecture that is not a text',
    );
  });

  it('lacks tensors, or has them in another shape or type', () => {
    const { bytes, tensors } = rawTensors(gguf);
    const change = (edit: (copy: Buffer) => void): string => {
      const copy = Buffer.from(bytes);
      edit(copy);
      writeFileSync(path, copy);
      return messageOf(() => load(path));
    };
    const norm = tensors.get('output_norm.weight')!;
    const renamed = bytes.indexOf('output_norm.weight');
    expect(change((copy) => copy.write('output_nork.weight', renamed))).toBe(
      'The weights in DIR/faulty.gguf do not fit its metadata: it lacks output_norm.weight; it has the unknown output_nork.weight; convert the model again, or copy the file again.',
    );
    expect(change((copy) => copy.writeUInt32LE(99, norm.typeAt))).toContain(
      "tensor 'output_norm.weight' has invalid ggml type 99",
    );
    // i32: as wide as f32, and no type of weights.
    expect(change((copy) => copy.writeUInt32LE(26, norm.typeAt))).toContain(
      'holds output_norm.weight as i32, which is no type of weights',
    );
    const layers = bytes.indexOf('qwen3.block_count') + 'qwen3.block_count'.length + 4;
    expect(change((copy) => copy.writeUInt32LE(3, layers))).toMatch(/it lacks blk\.2\.\S+, .* and \d+ more;/);
    expect(change((copy) => copy.writeUInt32LE(9999, layers))).toContain(
      'The metadata of DIR/faulty.gguf name 9999 layers, and it has only 24 tensors',
    );
    expect(change((copy) => copy.writeUInt32LE(0xff000002, layers))).toMatch(
      /is not a model configuration .*: num_hidden_layers is \d+ and must be at most 10000/,
    );
    const width = bytes.indexOf('qwen3.feed_forward_length') + 'qwen3.feed_forward_length'.length + 4;
    expect(change((copy) => copy.writeUInt32LE(48, width))).toContain(
      'blk.0.ffn_gate.weight is 32 x 64 where 32 x 48 is needed',
    );
  });

  it('has a tokenizer of another kind', () => {
    const fault = (metadata: Record<string, GgufValue>): string => {
      writeGguf(lib, path, metadata, []);
      return messageOf(() => Tokenizer.load(path));
    };
    expect(fault({})).toContain(
      'has no tokenizer, and tinystar reads SentencePiece (llama) and byte-level BPE',
    );
    expect(
      fault({ 'tokenizer.ggml.model': { string: 'gpt2' }, 'tokenizer.ggml.pre': { string: 'deepseek-llm' } }),
    ).toContain('of type gpt2 that cuts words as deepseek-llm');
    const qwen = { 'tokenizer.ggml.model': { string: 'gpt2' }, 'tokenizer.ggml.pre': { string: 'qwen2' } };
    expect(fault(qwen)).toContain('has no tokens');
    const strange = {
      'tokenizer.ggml.tokens': { strings: ['a'] },
      'tokenizer.ggml.token_type': { i32s: Int32Array.of(7) },
    };
    expect(fault({ ...qwen, ...strange })).toContain('has the token "a" of unknown type 7');
  });
});

it('a file that is not there yet has the shape that its name says', () => {
  const shape = publishedConfig('Qwen3-8B');
  for (const name of [
    'models/Qwen3-8B-Q4_K_M.gguf',
    'qwen3-8b.gguf',
    'Qwen3-8B-BF16.gguf',
    'Teacher-8B.Q8_0.gguf',
  ])
    expect(publishedConfig(name), name).toEqual(shape);
  expect(publishedConfig('Qwen3-8B-Instruct.gguf')).toBeUndefined();
});

describe("Qwen3's own tokenizer", () => {
  it('comes back from a GGUF file', () => {
    const real = goldenFolder('qwen3-tokenizer');
    const want = Tokenizer.load(real);
    const config: ModelConfig = { ...loadConfig(checkpoint), vocabSize: 151_936, hiddenSize: 2, layers: 1 };
    using tiny = new ParameterSet(device, parameterSpecs(config), 'weights');
    const path = join(scratch, 'qwen3.gguf');
    exportGguf(path, config, tiny, ggufTokenizer(real), { dtype: 'f16' });
    const got = Tokenizer.load(path);
    expect(got.fingerprint()).toBe(want.fingerprint());
    expect(got.chatTemplate).toBe(want.chatTemplate);
    expect([got.eosId, got.padId, got.vocabSize]).toEqual([want.eosId, want.padId, want.vocabSize]);
    const text = readFileSync(new URL('../../docs/data.md', import.meta.url), 'utf8');
    expect(got.encode(text)).toEqual(want.encode(text));
  }, 60_000);
});
