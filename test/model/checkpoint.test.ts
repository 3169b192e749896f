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
  loadCheckpoint,
  loadConfig,
  loadModel,
  saveCheckpoint,
} from '../../src/model/checkpoint.ts';
import { parameterSpecs, type Qwen3Config } from '../../src/model/config.ts';
import { type OutgoingTensor, SafetensorsFile, writeSafetensors } from '../../src/model/safetensors.ts';
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
      data: new Float32Array(vocab * hidden),
      dtype: 'F32',
    };
    writeSafetensors(join(dir, 'model.safetensors'), [...outgoing(), head]);
    expect(new Map(loadCheckpoint(dir).weights)).toEqual(golden);
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
    expect(messageOf(() => loadCheckpoint(dir))).toMatch(/^DIR\/config\.json is not a Qwen3 configuration/);
    // A damaged number, at which naming all weights would not come to an end.
    withConfig({ num_hidden_layers: 2 ** 52 });
    expect(messageOf(() => loadCheckpoint(dir))).toMatch(
      /num_hidden_layers: Too big: expected number to be <=10000/,
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
      `"The weights in DIR do not fit its config.json: it lacks model.layers.0.self_attn.q_proj.weight, model.layers.0.self_attn.k_proj.weight, model.layers.0.self_attn.v_proj.weight and 3 more; model.layers.1.mlp.gate_proj.weight is [32, 48] where [48, 32] is needed; it has the unknown visual.weight; check that both are of one Qwen3 model and complete."`,
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
    expect(messageOf(() => loadCheckpoint(dir))).toMatch(/^Cannot read DIR\/model-00002-of-00002/);
    const index = join(dir, 'model.safetensors.index.json');
    for (const text of ['{}', '{"weight_map": {}}', '{"weight_map": {"a": "../../secret"}}']) {
      writeFileSync(index, text);
      expect(messageOf(() => loadCheckpoint(dir))).toContain('does not map weights to files beside it');
    }
    writeFileSync(index, 'no');
    expect(messageOf(() => loadCheckpoint(dir))).toMatch(/index\.json is not JSON/);
  });

  it('of integers is refused when it is loaded', () => {
    withConfig();
    const tensors = outgoing((t) => ({ ...t, data: new Int32Array(t.data.length), dtype: 'I32' }));
    writeSafetensors(join(dir, 'model.safetensors'), tensors);
    expect(messageOf(() => loadModel(device, dir, { trainable: false }))).toContain(
      'floating-point tensor is needed',
    );
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
  const config: Qwen3Config = { ...goldenConfig, layers: 8, tiedEmbeddings: false };
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
