/**
 * A GGUF file as a checkpoint: its shape is read from the metadata, its weights are widened to f32 in
 * parts whatever type they are stored as, and what computes with them holds f32, f16 or bf16 as for any checkpoint.
 */
import { UserError } from '../../base/errors.ts';
import { GgufFile } from '../../ggml/gguf-reader.ts';
import { openLibrary } from '../../ggml/library.ts';
import { type ModelConfig, parameterSpecs } from '../arch/config.ts';
import type { GgufNumbers } from '../arch/family.ts';
import { families, familyOf } from '../arch/index.ts';
import { llama3Scaling, type RopeScaling } from '../arch/rope.ts';
import {
  arranged,
  familyOfArchitecture,
  ggufArchitecture,
  ROPE_FACTORS,
  rowGroup,
  storedTensors,
} from './gguf-tensors.ts';
import { configFromHuggingFace, isNeutral } from './hf-config.ts';
import { tensorFaults } from './weight-files.ts';

/** An error about a file that is read, but not of a model that can be run. */
const refusal = ({ path }: GgufFile, what: string, code = 'GGUF_MODEL'): UserError =>
  new UserError(code, `${path} ${what}.`);

/** Family of a file that is whole. Throws a UserError for another architecture, and for parts of a file that was split. */
function familyNameOf(file: GgufFile): string {
  const architecture = file.string('general.architecture');
  const family = architecture === undefined ? undefined : familyOfArchitecture(architecture);
  if (family === undefined) {
    const known = [...new Set(Object.keys(families).map(ggufArchitecture))].join(', ');
    throw refusal(
      file,
      `is of the architecture ${architecture ?? 'that it does not name'}, and tinystar computes ${known} alone; serve the model and give its address, or give one of these`,
    );
  }
  if ((file.number('split.count') ?? 1) > 1) {
    throw refusal(
      file,
      `is one part of a model that was split; join the parts with llama-gguf-split --merge`,
    );
  }
  return family;
}

/** Keys that a model's metadata must have. */
const NEEDED = [
  'block_count',
  'context_length',
  'embedding_length',
  'feed_forward_length',
  'attention.head_count',
  'attention.layer_norm_rms_epsilon',
  'rope.freq_base',
];
/** Keys that are read here, or are nothing to what it computes. */
const READ = [
  ...NEEDED,
  'vocab_size',
  'pooling_type',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.value_length',
  'rope.dimension_count',
  'rope.scaling.type',
];

/** Throws a UserError for metadata that ask for something which is not computed: scaled RoPE, windows, experts. */
function refuseForeign(file: GgufFile, family: string): void {
  if (file.string('general.type') === 'adapter') {
    throw refusal(
      file,
      `is an adapter and no whole model; merge it into its base model (llama-export-lora) and give the result`,
      'ADAPTER',
    );
  }
  const scaling = file.string(`${ggufArchitecture(family)}.rope.scaling.type`) ?? 'none';
  if (scaling !== 'none' && scaling !== 'linear')
    throw refusal(
      file,
      `has RoPE scaling of type ${scaling}, which tinystar does not compute; give a model without it`,
    );
  const factor = scaling === 'linear' ? ['rope.scaling.factor'] : [];
  const keys = [...READ, ...(familyOf({ family }).gguf.keys ?? []), ...factor];
  const prefix = `${ggufArchitecture(family)}.`;
  const known = new Set(keys.map((key) => `${prefix}${key}`));
  const foreign = file
    .keys()
    .filter((key) => key.startsWith(prefix) && !known.has(key))
    .map((key) => ({ key, value: file.value(key) }))
    .filter(({ key, value }) =>
      // A model that also looks ahead is none for the next token.
      key.endsWith('.attention.causal') ? value !== true : value !== 'none' && !isNeutral(value),
    );
  if (foreign.length === 0) return;
  const words = foreign.map(({ key, value }) => `${key} is ${String(value)}`);
  throw refusal(
    file,
    `asks for what tinystar does not compute (${words.join(', ')}); give a model without it, or serve this one and give its address`,
  );
}

/** The scaling of RoPE, from its metadata or from the divisors that are stored in its stead. Throws a UserError for others than Llama 3's. */
function scalingOf(file: GgufFile, factor: number, theta: number): RopeScaling | undefined {
  if (factor !== 1) return { rope_type: 'linear', factor };
  if (!file.tensors.has(ROPE_FACTORS)) return undefined;
  const known = llama3Scaling(file.readRows(ROPE_FACTORS, 0, 1), theta);
  if (known !== undefined) return known;
  throw refusal(
    file,
    `divides the frequencies of RoPE as no scaling does that tinystar computes; give a model without it`,
  );
}

function configOf(file: GgufFile): ModelConfig {
  const family = familyNameOf(file);
  refuseForeign(file, family);
  const architecture = ggufArchitecture(family);
  const numbers: GgufNumbers = (key) => {
    const name = `${architecture}.${key}`;
    return file.value(name) === 'a list' ? file.numbers(name) : shortest(file.number(name));
  };
  const number = (key: string): number | undefined => {
    const value = numbers(key);
    // The largest where the layers differ: those without attention have none.
    return typeof value === 'object' ? Math.max(...value) : value;
  };
  const lacking = NEEDED.filter((key) => number(key) === undefined);
  if (lacking.length > 0) {
    throw new UserError(
      'GGUF_MODEL',
      `The metadata of ${file.path} lack ${lacking.map((key) => `${architecture}.${key}`).join(', ')}; convert the model again.`,
    );
  }
  const [heads = NaN, width = NaN, theta = NaN] = [
    'attention.head_count',
    'embedding_length',
    'rope.freq_base',
  ].map(number);
  const headDim = number('attention.key_length') ?? width / heads;
  const lengths = [number('attention.value_length'), number('rope.dimension_count')];
  if (lengths.some((length) => length !== undefined && length !== headDim)) {
    throw refusal(
      file,
      `has heads whose parts differ in length, which tinystar does not compute; give a model whose heads do not`,
    );
  }
  // The rules of what can be run are those of a folder.
  const { huggingFace, gguf } = familyOf({ family });
  const { renamed = {}, constants } = huggingFace;
  const json = {
    ...constants,
    model_type: family,
    vocab_size: file.tensors.get('token_embd.weight')?.shape[1],
    hidden_size: width,
    [renamed['intermediate_size'] ?? 'intermediate_size']: number('feed_forward_length'),
    num_hidden_layers: number('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: number('attention.head_count_kv') ?? heads,
    head_dim: headDim,
    [renamed['rms_norm_eps'] ?? 'rms_norm_eps']: number('attention.layer_norm_rms_epsilon'),
    rope_theta: theta,
    rope_scaling: scalingOf(file, number('rope.scaling.factor') ?? 1, theta),
    tie_word_embeddings: !file.tensors.has('output.weight'),
    max_position_embeddings: number('context_length'),
    bos_token_id: file.number('tokenizer.ggml.bos_token_id'),
    eos_token_id: file.number('tokenizer.ggml.eos_token_id'),
    ...gguf.read?.(numbers),
  };
  return configFromHuggingFace(json, file.path);
}

/** The shortest decimal that is the same as f32, which GGUF stores: 1e-6 and not 9.999999974752427e-7. */
function shortest(value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === Math.fround(value)) return rounded;
  }
  return value;
}

const trimmed = (shape: readonly number[]): string =>
  shape.slice(0, Math.max(1, shape.findLastIndex((side) => side !== 1) + 1)).join(' x ');

/** Throws a UserError that says everything that does not fit the configuration. */
function checkTensors(file: GgufFile, config: ModelConfig): void {
  // Named before the layers are gone through, which a damaged number may make endless.
  if (config.layers > file.tensors.size) {
    throw new UserError(
      'CHECKPOINT_TENSORS',
      `The metadata of ${file.path} name ${config.layers} layers, and it has only ${file.tensors.size} tensors; copy the file again.`,
    );
  }
  const wanted = parameterSpecs(config)
    .flatMap((spec) => storedTensors(config, spec))
    .map(({ name, shape }) => [name, trimmed(shape)] as const);
  const found = Array.from(file.tensors, ([name, { shape }]) => [name, trimmed(shape)] as const);
  const faults = tensorFaults(new Map(wanted), found, ROPE_FACTORS);
  if (faults.length === 0) return;
  throw new UserError(
    'CHECKPOINT_TENSORS',
    `The weights in ${file.path} do not fit its metadata: ${faults.join('; ')}; convert the model again, or copy the file again.`,
  );
}

function openModel(path: string): { file: GgufFile; config: ModelConfig } {
  const file = GgufFile.open(openLibrary(), path);
  try {
    const config = configOf(file);
    checkTensors(file, config);
    return { file, config };
  } catch (thrown) {
    file[Symbol.dispose]();
    throw thrown;
  }
}

/** Reads a file's configuration; throws a UserError where it is no model that can be run, or not whole. */
export function ggufConfig(path: string): ModelConfig {
  const { file, config } = openModel(path);
  file[Symbol.dispose]();
  return config;
}

/** Some of a weight's elements, from `start` on. */
export type WeightPart = readonly [name: string, start: number, values: Float32Array];

/** Every weight of a file under its Hugging Face name, in parts of at most `most` elements or a row. */
export function* ggufWeights(path: string, most: number): Generator<WeightPart> {
  const { file, config } = openModel(path);
  using _file = file;
  for (const spec of parameterSpecs(config)) {
    const [width = 1] = spec.shape;
    const group = rowGroup(config, spec.name);
    const step = group * Math.max(1, Math.floor(most / (width * group)));
    for (const { name, start, rows } of storedTensors(config, spec))
      for (let row = 0; row < rows; row += step) {
        const values = file.readRows(name, row, Math.min(step, rows - row));
        yield [spec.name, (start + row) * width, arranged(config, spec, values, 'from-file')];
      }
  }
}
