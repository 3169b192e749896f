/** Checkpoints: what is saved is what is loaded, in every layout, and each fault is named. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { Rng } from '../../src/base/rng.ts';
import { Device } from '../../src/ggml/device.ts';
import {
  initialiseWeights,
  loadConfig,
  loadModel,
  saveCheckpoint,
} from '../../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs, type ModelConfig } from '../../src/model/arch/config.ts';
import {
  type OutgoingTensor,
  SafetensorsFile,
  writeSafetensors,
} from '../../src/model/checkpoint/safetensors.ts';
import { loadCheckpoint } from '../helpers/load-checkpoint.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';

const fixture = fileURLToPath(new URL('../fixtures/qwen3-2layer', import.meta.url));
const device = Device.open('cpu', 1);
const scratch = mkdtempSync(join(tmpdir(), 'checkpoint-'));
afterAll(() => {
  device.close();
  rmSync(scratch, { recursive: true, force: true });
});

let dir = '';
let count = 0;
beforeEach(() => {
  dir = join(scratch, String(count++));
});

const golden = new Map(loadCheckpoint(fixture).weights);
const goldenConfig = loadConfig(fixture);

/** The fixture's tensors as they would be written again, changed by `change`. */
function outgoing(
  change: (tensor: OutgoingTensor) => OutgoingTensor | undefined = (t) => t,
): OutgoingTensor[] {
  return parameterSpecs(goldenConfig).flatMap(({ name, shape }) => {
    const tensor = { name, shape: shape.toReversed(), data: golden.get(name)!, dtype: 'F32' as const };
    return change(tensor) ?? [];
  });
}

/** A folder with the fixture's configuration and no weights. */
function withConfig(changes: Record<string, unknown> = {}): void {
  mkdirSync(dir, { recursive: true });
  const config = JSON.parse(readFileSync(join(fixture, 'config.json'), 'utf8')) as object;
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...config, ...changes }));
}

function writeShards(): void {
  withConfig();
  const tensors = outgoing();
  const map: Record<string, string> = {};
  for (const half of [0, 1]) {
    const file = `model-0000${half + 1}-of-00002.safetensors`;
    const shard = tensors.filter((_, i) => i % 2 === half);
    for (const { name } of shard) map[name] = file;
    writeSafetensors(join(dir, file), shard);
  }
  writeFileSync(join(dir, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }));
}

/** The message of the UserError that `action` throws. */
function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message.replaceAll(dir, 'DIR');
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('a checkpoint', () => {
  it('is the same after loading and saving as f32', () => {
    const { config, parameters } = loadModel(device, fixture, { trainable: true });
    using model = parameters;
    expect(model.get('model.norm.weight').differentiable).toBe(true);
    saveCheckpoint(dir, config, model);
    const again = loadCheckpoint(dir);
    expect(again.config).toEqual(config);
    expect(new Map(again.weights)).toEqual(golden);
    expect(new Map(again.weights)).toEqual(golden); // a second walk
    expect(readdirSync(dir).toSorted()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
    ]);
    expect(JSON.parse(readFileSync(join(dir, 'generation_config.json'), 'utf8'))).toEqual({
      bos_token_id: 1,
      eos_token_id: 2,
    });
  });

  it('is rounded to half precision and back when saved as f16', () => {
    const { config, parameters } = loadModel(device, fixture, { trainable: false });
    using model = parameters;
    expect(model.get('model.norm.weight').differentiable).toBe(false);
    saveCheckpoint(dir, config, model, { dtype: 'f16' });
    expect(JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'))).toMatchObject({
      torch_dtype: 'float16',
    });
    for (const [name, values] of loadCheckpoint(dir).weights) {
      const want = golden.get(name)!;
      // Eleven significant bits, or steps of 2^-24 below the normal range.
      const worst = values.reduce(
        (w, x, i) => Math.max(w, Math.abs(x - want[i]!) - Math.abs(want[i]!) * 2 ** -11),
        0,
      );
      expect(worst).toBeLessThanOrEqual(2 ** -25);
    }
  });

  it('takes the files of the tokenizer along, and replaces an older checkpoint whole', () => {
    const from = join(scratch, 'tokenizer');
    mkdirSync(from);
    writeFileSync(join(from, 'tokenizer.json'), '{}');
    writeFileSync(join(from, 'chat_template.jinja'), 'template');
    writeFileSync(join(from, 'notes.txt'), 'not ours');
    writeFileSync(join(from, 'generation_config.json'), '{"eos_token_id":[2,3]}');
    mkdirSync(dir);
    writeFileSync(join(dir, 'old.txt'), 'old');
    const { config, parameters } = loadModel(device, fixture, { trainable: false });
    using model = parameters;
    saveCheckpoint(dir, config, model, { tokenizerFiles: from });
    const files = ['chat_template.jinja', 'config.json', 'generation_config.json', 'model.safetensors'];
    expect(readdirSync(dir).toSorted()).toEqual([...files, 'tokenizer.json']);
    expect(readFileSync(join(dir, 'generation_config.json'), 'utf8')).toBe('{"eos_token_id":[2,3]}');
    // Onto itself: the sources are read before the folder is replaced.
    saveCheckpoint(dir, config, model, { tokenizerFiles: dir });
    expect(readFileSync(join(dir, 'chat_template.jinja'), 'utf8')).toBe('template');
    expect(readdirSync(scratch).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('is read from shards', () => {
    writeShards();
    expect(new Map(loadCheckpoint(dir).weights)).toEqual(golden);
  });

  it('is read from bf16, each value exactly', () => {
    withConfig();
    const path = join(dir, 'model.safetensors');
    // The upper halves of float32 values are bf16; writeSafetensors calls any 16-bit array F16.
    const upper = (data: Float32Array): Uint16Array =>
      Uint16Array.from(new Uint32Array(data.buffer, data.byteOffset, data.length), (bits) => bits >>> 16);
    const tensors = outgoing((t) => ({ ...t, data: upper(t.data as Float32Array), dtype: 'F16' }));
    writeSafetensors(path, tensors);
    const bytes = readFileSync(path);
    const headerLength = Number(bytes.readBigUInt64LE());
    // One letter more: a space of the padding goes, or eight come.
    const header = bytes
      .subarray(8, 8 + headerLength)
      .toString()
      .trimEnd()
      .replaceAll('"F16"', '"BF16"');
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(padded.length));
    writeFileSync(path, Buffer.concat([length, Buffer.from(padded), bytes.subarray(8 + headerLength)]));
    for (const [name, values] of loadCheckpoint(dir).weights) {
      const want = upper(golden.get(name)!);
      expect(upper(values)).toEqual(want);
      expect(values.every((x, i) => Math.abs(x - golden.get(name)![i]!) <= Math.abs(x) / 128)).toBe(true);
    }
  });

  it('may hold its tied output projection a second time', () => {
    withConfig();
    const [vocab, hidden] = [goldenConfig.vocabSize, goldenConfig.hiddenSize];
    const head: OutgoingTensor = {
      name: 'lm_head.weight',
      shape: [vocab, hidden],
      data: golden.get('model.embed_tokens.weight')!,
      dtype: 'F32',
    };
    writeSafetensors(join(dir, 'model.safetensors'), [...outgoing(), head]);
    expect(new Map(loadCheckpoint(dir).weights)).toEqual(golden);
    // Another table is a contradiction, at which transformers 4 and 5 take different sides.
    const other = { ...head, data: new Float32Array(vocab * hidden) };
    writeSafetensors(join(dir, 'model.safetensors'), [...outgoing(), other]);
    expect(messageOf(() => loadCheckpoint(dir))).toContain(
      'tie_word_embeddings is true, and its lm_head.weight is another than its model.embed_tokens.weight',
    );
    withConfig({ tie_word_embeddings: false });
    expect([...loadCheckpoint(dir).weights].map(([name]) => name)).toContain('lm_head.weight');
  });
});

describe('a faulty checkpoint', () => {
  it('without its files says which are needed', () => {
    expect(messageOf(() => loadCheckpoint(dir))).toBe(
      'Cannot read DIR/config.json: it does not exist; check the path.',
    );
    withConfig();
    expect(messageOf(() => loadCheckpoint(dir))).toMatchInlineSnapshot(
      `"DIR has neither model.safetensors nor model.safetensors.index.json; give the folder of a Hugging Face checkpoint in safetensors format."`,
    );
  });

  it('of another model is refused', () => {
    withConfig({ model_type: 'llama' });
    expect(messageOf(() => loadCheckpoint(dir))).toMatch(/^DIR\/config\.json is not a model configuration/);
    // A damaged number, at which naming all weights would not come to an end.
    withConfig({ num_hidden_layers: 2 ** 52 });
    expect(messageOf(() => loadCheckpoint(dir))).toMatch(
      /num_hidden_layers is 4503599627370496 and must be at most 10000/,
    );
    writeFileSync(join(dir, 'config.json'), '{"model_type": ');
    expect(messageOf(() => loadCheckpoint(dir))).toMatch(/^DIR\/config\.json is not JSON/);
  });

  it('names every tensor that does not fit, in one sentence', () => {
    withConfig();
    const gate = 'model.layers.1.mlp.gate_proj.weight';
    const strange = { name: 'visual.weight', shape: [1], data: new Float32Array(1), dtype: 'F32' } as const;
    const changed = outgoing((t) => {
      if (t.name.includes('layers.0.self_attn')) return undefined;
      return t.name === gate ? { ...t, shape: t.shape.toReversed() } : t;
    });
    writeSafetensors(join(dir, 'model.safetensors'), [...changed, strange]);
    expect(messageOf(() => loadCheckpoint(dir))).toMatchInlineSnapshot(
      `"The weights in DIR do not fit its config.json: it lacks model.layers.0.self_attn.q_proj.weight, model.layers.0.self_attn.k_proj.weight, model.layers.0.self_attn.v_proj.weight and 3 more; model.layers.1.mlp.gate_proj.weight is [32, 48] where [48, 32] is needed; it has the unknown visual.weight; check that both are of one model and complete."`,
    );
  });

  it('without its output projection is refused when nothing is tied', () => {
    withConfig({ tie_word_embeddings: false });
    cpSync(join(fixture, 'model.safetensors'), join(dir, 'model.safetensors'));
    expect(messageOf(() => loadCheckpoint(dir))).toContain('it lacks lm_head.weight;');
  });

  it('that was cut is refused', () => {
    withConfig();
    const path = join(dir, 'model.safetensors');
    for (const size of [4, 900, 100_000]) {
      cpSync(join(fixture, 'model.safetensors'), path);
      truncateSync(path, size);
      expect(messageOf(() => loadCheckpoint(dir))).toMatch(
        /^DIR\/model\.safetensors is not a whole safetensors file/,
      );
    }
  });

  it('with a faulty index or without a shard is refused', () => {
    writeShards();
    rmSync(join(dir, 'model-00002-of-00002.safetensors'));
    expect(messageOf(() => loadCheckpoint(dir))).toBe(
      'DIR lacks model-00002-of-00002.safetensors of the 2 files that its model.safetensors.index.json names; copy or download what is missing.',
    );
    const index = join(dir, 'model.safetensors.index.json');
    for (const text of ['{}', '{"weight_map": {}}', '{"weight_map": {"a": "../../secret"}}']) {
      writeFileSync(index, text);
      expect(messageOf(() => loadCheckpoint(dir))).toContain('does not map weights to files beside it');
    }
    writeFileSync(index, 'no');
    expect(messageOf(() => loadCheckpoint(dir))).toMatch(/index\.json is not JSON/);
  });

  /** Writes tensors as a file whose header calls those of `isCalled` `dtype`; byte for byte after the format's description. */
  function writeRaw(
    tensors: readonly { name: string; shape: readonly number[]; data: NodeJS.ArrayBufferView }[],
    dtype: string,
    isCalled: (name: string) => boolean = () => true,
  ): void {
    let offset = 0;
    const entries = tensors.map(({ name, shape, data }) => {
      const data_offsets = [offset, (offset += data.byteLength)];
      return [name, { dtype: isCalled(name) ? dtype : 'F32', shape, data_offsets }];
    });
    const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const bytes = tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    writeFileSync(join(dir, 'model.safetensors'), Buffer.concat([length, header, ...bytes]));
  }

  /** The fixture with its projections as `dtype`, of so many bits an element. */
  function writePacked(dtype: string, bits: number): void {
    withConfig();
    const isPacked = (name: string): boolean => name.includes('proj');
    const tensors = outgoing().map(({ name, shape, data }) => {
      const values = data as Float32Array;
      return { name, shape, data: isPacked(name) ? new Uint8Array((values.length * bits) / 8) : values };
    });
    writeRaw(tensors, dtype, isPacked);
  }

  it.each([
    ['F8_E4M3', 8],
    ['F8_E5M2', 8],
    ['F4', 4],
    ['U32', 32],
    ['I32', 32],
    ['I8', 8],
    ['U8', 8],
    ['BOOL', 8],
    ['F3_NEW', 24],
  ])('of %s is said to be quantised, with what to give, and not to be damaged', (dtype, bits) => {
    writePacked(dtype, bits);
    const words = `The weights in DIR are ${dtype}, quantised`;
    const advice =
      ', which tinystar reads from GGUF files alone; give the checkpoint in bf16, f16 or f32, or a GGUF file of the model.';
    expect(messageOf(() => loadModel(device, dir, { trainable: false }))).toBe(words + advice);
    expect(messageOf(() => loadCheckpoint(dir))).toBe(words + advice);
    withConfig({ quantization_config: { quant_method: 'fp8', weight_block_size: [128, 128] } });
    expect(messageOf(() => loadConfig(dir))).toBe(
      `${words} (quantization_config fp8 in its config.json)${advice}`,
    );
  });

  it('whose configuration alone says that it is quantised is refused, in the words of each quantiser', () => {
    const said = (more: Record<string, unknown>): string => {
      withConfig(more);
      cpSync(join(fixture, 'model.safetensors'), join(dir, 'model.safetensors'));
      return messageOf(() => loadConfig(dir));
    };
    expect(said({ quantization: { group_size: 64, bits: 4 } })).toContain('(quantization 4 bits in its');
    expect(said({ quantization_config: { quant_method: 'gptq', bits: 4 } })).toContain(
      '(quantization_config gptq 4 bits in its config.json)',
    );
    expect(said({ quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } })).toMatch(
      /bitsandbytes in its .* or a GGUF file of the model, or remove quantization_config if they are not\.$/,
    );
  });

  it('of f64 is read, rounded to f32', () => {
    withConfig();
    const tensors = outgoing();
    const doubles = tensors.map((t) => ({
      ...t,
      data: Float64Array.from(t.data as Float32Array, (x) => x + 1e-12),
    }));
    writeRaw(doubles, 'F64');
    expect(new Map(loadCheckpoint(dir).weights)).toEqual(
      new Map([...golden].map(([name, values]) => [name, values.map((x) => Math.fround(x + 1e-12))])),
    );
  });

  it('that is an adapter, or has one beside it, is told what to do with that', () => {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'adapter_config.json'), '{"peft_type": "LORA", "r": 8}');
    expect(messageOf(() => loadCheckpoint(dir))).toBe(
      'DIR is an adapter (adapter_config.json) and no whole checkpoint, and tinystar applies none that others trained; merge it into its base model (merge_and_unload of PEFT) and give the folder with the result.',
    );
    cpSync(fixture, dir, { recursive: true });
    expect(messageOf(() => loadConfig(dir))).toContain(
      'has an adapter (adapter_config.json) beside its weights',
    );
  });

  it('whose numbers are none is refused by the name of what they are of', () => {
    withConfig();
    const path = join(dir, 'config.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"rope_theta":1000000', '"rope_theta": NaN'));
    expect(messageOf(() => loadConfig(dir))).toContain('rope_theta is "NaN" and must be a number above 0');
  });

  it('is not written where f16 cannot hold a weight, and leaves the older one as it was', () => {
    const { config, parameters } = loadModel(device, fixture, { trainable: false });
    using model = parameters;
    saveCheckpoint(dir, config, model);
    for (const odd of [70_000, Number.NaN]) {
      model.set('model.norm.weight', new Float32Array(config.hiddenSize).fill(odd));
      const save = (): void => saveCheckpoint(dir, config, model, { dtype: 'f16' });
      expect(messageOf(save)).toContain(`model.norm.weight holds ${odd}, which f16 cannot`);
    }
    expect(new Map(loadCheckpoint(dir).weights)).toEqual(golden);
  });
});

describe('fresh weights', () => {
  const config: ModelConfig = { ...goldenConfig, layers: 8, tiedEmbeddings: false };
  const fresh = (seed: number): ParameterSet => {
    const parameters = new ParameterSet(device, parameterSpecs(config), 'weights');
    initialiseWeights(config, parameters, Rng.seeded(seed, 'weights'));
    return parameters;
  };
  const deviation = (values: Float32Array): number =>
    Math.sqrt(values.reduce((total, x) => total + x * x, 0) / values.length);

  it('have the deviations that Qwen3 and GPT-2 give them', () => {
    using parameters = fresh(1);
    const specs = parameters.specs.map(({ name, shape }) => ({ name, matrix: shape.length > 1 }));
    for (const { name } of specs.filter(({ matrix }) => !matrix)) {
      expect(new Set(parameters.read(name))).toEqual(new Set([1]));
    }
    for (const { name } of specs.filter(({ matrix }) => matrix)) {
      const want = /o_proj|down_proj/.test(name) ? 0.02 / 4 : 0.02;
      // 1,024 draws or more: their deviation is within 10% (more than four of its own).
      expect(Math.abs(deviation(parameters.read(name)) / want - 1)).toBeLessThan(0.1);
    }
  });

  it('are the same for the same seed and others for another', () => {
    using a = fresh(1);
    using b = fresh(1);
    using c = fresh(2);
    for (const { name } of a.specs) expect(a.read(name)).toEqual(b.read(name));
    expect(a.read('lm_head.weight')).not.toEqual(c.read('lm_head.weight'));
  });
});

it('leaves no open file behind', () => {
  if (!existsSync('/proc/self/fd')) return;
  const before = readdirSync('/proc/self/fd').length;
  const weights = loadCheckpoint(fixture).weights[Symbol.iterator]();
  weights.next();
  weights.return?.();
  expect(() => SafetensorsFile.open(join(fixture, 'config.json'))).toThrow(UserError);
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});
