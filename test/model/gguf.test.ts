/** GGUF files, judged by llama.cpp: it must read them, say the same tokens for a text, and continue it the same way. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { trainTokenizer } from '../../src/chat/bpe-trainer.ts';
import { ggufTokenizer } from '../../src/chat/gguf-tokenizer.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { LlamaModel } from '../../src/ggml/llama.ts';
import { initialiseWeights, loadModel, saveCheckpoint } from '../../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs, type ModelConfig } from '../../src/model/arch/config.ts';
import { exportGguf } from '../../src/model/checkpoint/gguf.ts';
import type { GgufTokenizer } from '../../src/model/checkpoint/gguf-tokenizer.ts';
import { storedTensors } from '../../src/model/checkpoint/gguf-tensors.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { fullLogits } from '../helpers/full-logits.ts';

const fixture = fileURLToPath(new URL('../fixtures/qwen3-2layer', import.meta.url));
const device = Device.open('cpu', 1);
const scratch = mkdtempSync(join(tmpdir(), 'gguf-'));
afterAll(() => {
  device.close();
  rmSync(scratch, { recursive: true, force: true });
});

interface Model {
  readonly config: ModelConfig;
  readonly parameters: ParameterSet;
}

/** Our logits after a prompt, by a whole forward pass: nothing of the generation code is in it. */
async function logitsAfter({ config, parameters }: Model, ids: TokenIds): Promise<Float32Array> {
  const logits = await fullLogits(device, config, parameters, ids);
  return logits[ids.length - 1]!;
}

async function continueGreedily(model: Model, prompt: TokenIds, count: number): Promise<TokenIds> {
  const ids = [...prompt];
  while (ids.length < prompt.length + count) {
    const logits = await logitsAfter(model, asTokenIds(ids));
    ids.push(logits.indexOf(Math.max(...logits)));
  }
  return asTokenIds(ids.slice(prompt.length));
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);

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

/** 96 tokens for the fixture: three special ones and the printable ASCII characters. */
const ascii: GgufTokenizer = {
  tokens: [
    '<|endoftext|>',
    '<|im_start|>',
    '<|im_end|>',
    ...Array.from('!'.repeat(93), (_, i) => String.fromCharCode(33 + i)),
  ],
  types: Array.from({ length: 96 }, (_, id) => (id < 3 ? 'control' : 'normal')),
  merges: [],
  model: 'gpt2',
  pre: 'qwen2',
  eosId: 2,
  padId: 0,
  addBos: false,
  addEos: false,
  addSpacePrefix: false,
  chatTemplate: '{{ messages }}',
};

const fixtureModel = (): ReturnType<typeof loadModel> => loadModel(device, fixture, { trainable: false });

describe('the two-layer reference model', () => {
  const rng = Rng.seeded(3);
  const prompts = Array.from({ length: 6 }, (_, i) =>
    asTokenIds(Array.from({ length: 1 + 3 * i }, () => rng.below(96))),
  );

  it('has the logits of our forward pass and the same greedy continuations, as f32', async () => {
    const { config, parameters } = fixtureModel();
    using model = parameters;
    const path = join(scratch, 'fixture-f32.gguf');
    exportGguf(path, config, model, ascii, { dtype: 'f32' });
    using theirs = LlamaModel.load(path, { threads: 1 });
    const ours = { config, parameters: model };
    const continuations = new Set<number>();
    for (const prompt of prompts) {
      const want = await logitsAfter(ours, prompt);
      expect(largestDifference(await theirs.logitsAfter(prompt), want)).toBeLessThan(1e-4);
      const continuation = await theirs.continueGreedily(prompt, 20);
      expect(continuation).toEqual(await continueGreedily(ours, prompt, 20));
      for (const id of continuation) continuations.add(id);
    }
    // Otherwise equality would say little.
    expect(continuations.size).toBeGreaterThan(5);
  });

  it('differs as f16 by no more than the rounding of its weights', async () => {
    const { config, parameters } = fixtureModel();
    using model = parameters;
    const path = join(scratch, 'fixture-f16.gguf');
    exportGguf(path, config, model, ascii);
    using theirs = LlamaModel.load(path, { threads: 1 });
    const ours = { config, parameters: model };
    for (const prompt of prompts) {
      const difference = largestDifference(await theirs.logitsAfter(prompt), await logitsAfter(ours, prompt));
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThan(0.03);
    }
  });
});

describe('a fresh model with a trained vocabulary', () => {
  const dir = join(scratch, 'fresh');
  const texts = [
    'Set a timer for ten minutes, please.',
    'What is the weather in Zürich? 12:30',
    '{"name": "set_timer", "arguments": {"minutes": 10}}',
  ];
  const tokenizer = trainTokenizer(texts, {
    size: 320,
    chatTemplate: '{% for m in messages %}{{ m.content }}{% endfor %}',
  });
  const config: ModelConfig = {
    // More rows than tokens, as in Qwen3 itself; nothing tied; heads wider together than the model.
    vocabSize: tokenizer.vocabSize + 13,
    hiddenSize: 48,
    intermediateSize: 80,
    layers: 3,
    heads: 6,
    kvHeads: 2,
    headDim: 16,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
    tiedEmbeddings: false,
    family: 'qwen3',
    contextLength: 512,
    bosTokenId: null,
    eosTokenId: tokenizer.eosId,
  };
  const parameters = new ParameterSet(device, parameterSpecs(config), 'weights');
  initialiseWeights(config, parameters, Rng.seeded(5, 'weights'));
  const files = join(scratch, 'tokenizer');
  tokenizer.save(files);
  saveCheckpoint(dir, config, parameters, { tokenizerFiles: files });
  const path = join(scratch, 'fresh.gguf');
  exportGguf(path, config, parameters, ggufTokenizer(dir), { dtype: 'f32', name: 'fresh' });
  const theirs = LlamaModel.load(path, { threads: 1 });
  afterAll(() => {
    theirs[Symbol.dispose]();
    parameters[Symbol.dispose]();
  });

  it('is continued greedily as we do, from texts', async () => {
    const ours = { config, parameters };
    for (const text of texts) {
      const prompt = tokenizer.encode(`<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`);
      expect(await theirs.continueGreedily(prompt, 16)).toEqual(await continueGreedily(ours, prompt, 16));
    }
  });

  it('cuts texts into the same tokens', () => {
    const strings = [
      ...texts,
      '',
      ' ',
      '  two  spaces  ',
      'tabs\tand\r\nlines\n\n\n  indented',
      "I'm, you'LL, it'S, don't; 'tis",
      'numbers 1234567890 3.14 ½ ²',
      'Grüße, naïve café, ſtraße, ΣΊΣΥΦΟΣ',
      '中文 日本語 한국어 العربية हिन्दी ไทย',
      '👩‍👩‍👧 emoji 🏳️‍🌈 and \u00a0 spaces\u3000here',
      '<|im_start|>system\n<tools>\n{"a": [1, 2]}\n</tools><|im_end|>\n<think>\n\n</think>\n\n<tool_call>\n{}\n</tool_call><|endoftext|>',
      '<|im_start <|im_end|>> <tool_call',
      '"}}]\n!?...--->=== $%^&*()',
    ];
    for (const text of strings) {
      expect(theirs.tokenize(text)).toEqual(tokenizer.encode(text));
      const ids = tokenizer.encode(text);
      expect(theirs.detokenize(ids)).toBe(tokenizer.decode(ids.filter((id) => !tokenizer.isSpecial(id))));
    }
  });

  it('carries its tokenizer, template and sizes', () => {
    const want = {
      'general.architecture': 'qwen3',
      'general.name': 'fresh',
      'general.file_type': '0',
      'qwen3.block_count': '3',
      'qwen3.context_length': '512',
      'qwen3.attention.head_count_kv': '2',
      'qwen3.attention.key_length': '16',
      'qwen3.rope.freq_base': '10000.000000',
      'tokenizer.ggml.pre': 'qwen2',
      'tokenizer.ggml.eos_token_id': String(tokenizer.eosId),
      'tokenizer.ggml.padding_token_id': String(tokenizer.padId),
      'tokenizer.ggml.add_bos_token': 'false',
      'tokenizer.chat_template': tokenizer.chatTemplate,
    };
    const got = Object.fromEntries(Object.keys(want).map((key) => [key, theirs.metadata(key)]));
    expect(got).toEqual(want);
    expect(theirs.metadata('no.such.key')).toBeUndefined();
    expect(theirs.vocabSize).toBe(config.vocabSize);
    expect(theirs.contextTokens).toBe(512);
    expect(theirs.isEnd(tokenizer.eosId)).toBe(true);
    expect(theirs.isEnd(tokenizer.idOf('<tool_call>'))).toBe(false);
  });

  it('ends early on request, and never computes more than the context or two things at once', async () => {
    const prompt = tokenizer.encode('Set');
    const all = await theirs.continueGreedily(prompt, 8);
    expect(await theirs.continueGreedily(prompt, 8, { stopAtEnd: true })).toEqual(
      all.slice(0, all.findIndex((id) => theirs.isEnd(id)) + 1 || undefined),
    );
    await expect(theirs.continueGreedily(prompt, 512)).rejects.toThrow(/do not fit a context of 512/);
    const running = theirs.logitsAfter(prompt);
    await expect(theirs.logitsAfter(prompt)).rejects.toThrow(/already computing/);
    expect(() => theirs[Symbol.dispose]()).toThrow(/closed while it is computing/);
    await running;
    await expect(theirs.logitsAfter(asTokenIds([config.vocabSize]))).rejects.toThrow(
      /is not in a vocabulary/,
    );
    await expect(theirs.logitsAfter(asTokenIds([]))).rejects.toThrow(/nothing to decode/);
  });

  it('is refused when its tokenizer cuts words by another pattern', () => {
    const other = join(scratch, 'other');
    cpSync(files, other, { recursive: true });
    const path = join(other, 'tokenizer.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('\\\\p{N}|', '\\\\p{N}{1,2}|'));
    expect(Tokenizer.load(other).encode('123').length).toBeGreaterThan(0);
    expect(messageOf(() => ggufTokenizer(other))).toContain(
      'The tokenizer in DIR/other prepares, cuts or merges text in another way than llama.cpp has a name for',
    );
  });
});

describe('a faulty export', () => {
  const attempt = (changes: Partial<GgufTokenizer>, change?: (model: ParameterSet) => void): string => {
    const { config, parameters } = fixtureModel();
    using model = parameters;
    change?.(model);
    const path = join(scratch, 'faulty.gguf');
    const message = messageOf(() => exportGguf(path, config, model, { ...ascii, ...changes }));
    const left = readdirSync(scratch).filter((name) => name.includes('faulty'));
    return left.length === 0 ? message : `left ${left.join(', ')}`;
  };

  it('says what cannot be written, and leaves no file', () => {
    const tokens = (replace: string): string[] =>
      ascii.tokens.map((token, id) => (id === 9 ? replace : token));
    expect(attempt({ tokens: tokens('!') })).toContain('has the token "!" twice or empty');
    expect(attempt({ tokens: tokens('') })).toContain('has the token "" twice or empty');
    expect(attempt({ tokens: tokens('a\0b') })).toContain(
      'tokenizer.ggml.tokens has a string with a zero character',
    );
    expect(attempt({ tokens: [...ascii.tokens, 'x'], types: [...ascii.types, 'normal'] })).toContain(
      'has 97 tokens and the model only 96',
    );
    const huge = (model: ParameterSet): void =>
      model.set('model.embed_tokens.weight', new Float32Array(96 * 32).fill(1e6));
    expect(attempt({}, huge)).toContain('model.embed_tokens.weight holds 1000000, which f16 cannot');
  });

  it('does not touch an older file', () => {
    const { config, parameters } = fixtureModel();
    using model = parameters;
    const path = join(scratch, 'kept.gguf');
    writeFileSync(path, 'older');
    model.set('model.layers.1.mlp.down_proj.weight', new Float32Array(32 * 48).fill(Number.NaN));
    expect(messageOf(() => exportGguf(path, config, model, ascii))).toContain('holds NaN');
    expect(readFileSync(path, 'utf8')).toBe('older');
    expect(messageOf(() => exportGguf(join(path, 'below.gguf'), config, model, ascii))).toMatch(
      /^Cannot write DIR/,
    );
  });

  it('of a name that llama.cpp does not know is a bug of ours', () => {
    const namesOf = (name: string) =>
      storedTensors({ family: 'qwen3' }, { name, shape: [4, 6] }).map((tensor) => tensor.name);
    expect(namesOf('model.layers.12.self_attn.o_proj.weight')).toEqual(['blk.12.attn_output.weight']);
    expect(() => namesOf('model.layers.0.self_attn.q_proj.bias')).toThrow(/has no name there/);
  });
});

describe('llama.cpp refuses', () => {
  it('a missing, a cut and a foreign file, in its own words', () => {
    expect(messageOf(() => LlamaModel.load(join(scratch, 'none.gguf')))).toContain('it does not exist');
    const { config, parameters } = fixtureModel();
    using model = parameters;
    const path = join(scratch, 'cut.gguf');
    exportGguf(path, config, model, ascii);
    const whole = readFileSync(path);
    writeFileSync(path, whole.subarray(0, whole.length - 2000));
    expect(messageOf(() => LlamaModel.load(path))).toContain('is not within the file bounds');
    writeFileSync(path, 'no model at all');
    expect(messageOf(() => LlamaModel.load(path))).toContain("invalid magic characters: 'no m'");
    expect(existsSync(path)).toBe(true);
  });
});
