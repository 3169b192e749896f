/**
 * A GGUF file as a checkpoint: its shape is read from the metadata, its weights are widened to f32 in
 * parts whatever type they are stored as, and what computes with them holds f32, f16 or bf16 as for any checkpoint.
 */
import { UserError } from '../../base/errors.ts';
import { GgufFile } from '../../ggml/gguf-reader.ts';
import { openLibrary } from '../../ggml/library.ts';
import { EMBEDDING, HEAD, type ModelConfig, parameterSpecs } from '../arch/config.ts';
import { families } from '../arch/index.ts';
import { ggufTensorName } from './gguf.ts';
import { configFromHuggingFace, isNeutral } from './hf-config.ts';

/** An error about a file that is read, but not of a model that can be run. */
const refusal = ({ path }: GgufFile, what: string, code = 'GGUF_MODEL'): UserError =>
  new UserError(code, `${path} ${what}.`);

/** Family of a file that is whole. Throws a UserError for another architecture, and for parts of a file that was split. */
function familyNameOf(file: GgufFile): string {
  const architecture = file.string('general.architecture');
  if (architecture === undefined || !Object.hasOwn(families, architecture)) {
    const known = Object.keys(families).join(', ');
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
  return architecture;
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
const READ = new Set([
  ...NEEDED,
  'vocab_size',
  'pooling_type',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.value_length',
  'rope.dimension_count',
]);

/** Throws a UserError for metadata that ask for something which is not computed: scaled RoPE, windows, experts. */
function refuseForeign(file: GgufFile, family: string): void {
  if (file.string('general.type') === 'adapter') {
    throw refusal(
      file,
      `is an adapter and no whole model; merge it into its base model (llama-export-lora) and give the result`,
      'ADAPTER',
    );
  }
  const scaling = file.string(`${family}.rope.scaling.type`) ?? 'none';
  if (scaling !== 'none') {
    throw refusal(
      file,
      `has RoPE scaling of type ${scaling}, which tinystar does not compute; give a model without it`,
    );
  }
  const foreign = file
    .keys()
    .filter((key) => key.startsWith(`${family}.`) && !READ.has(key.slice(family.length + 1)))
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

function configOf(file: GgufFile): ModelConfig {
  const family = familyNameOf(file);
  refuseForeign(file, family);
  const number = (key: string): number | undefined => file.number(`${family}.${key}`);
  const lacking = NEEDED.filter((key) => number(key) === undefined);
  if (lacking.length > 0) {
    throw new UserError(
      'GGUF_MODEL',
      `The metadata of ${file.path} lack ${lacking.map((key) => `${family}.${key}`).join(', ')}; convert the model again.`,
    );
  }
  const heads = number('attention.head_count');
  const width = number('embedding_length');
  const headDim =
    number('attention.key_length') ??
    (width === undefined || heads === undefined ? undefined : width / heads);
  const lengths = [number('attention.value_length'), number('rope.dimension_count')];
  if (lengths.some((length) => length !== undefined && length !== headDim)) {
    throw refusal(
      file,
      `has heads whose parts differ in length, which tinystar does not compute; give a model whose heads do not`,
    );
  }
  // The rules of what can be run are those of a folder.
  const json = {
    ...families[family]?.huggingFace.constants,
    model_type: family,
    vocab_size: file.tensors.get(ggufTensorName({ family }, EMBEDDING))?.shape[1],
    hidden_size: width,
    intermediate_size: number('feed_forward_length'),
    num_hidden_layers: number('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: number('attention.head_count_kv') ?? heads,
    head_dim: headDim,
    rms_norm_eps: shortest(number('attention.layer_norm_rms_epsilon')),
    rope_theta: shortest(number('rope.freq_base')),
    tie_word_embeddings: !file.tensors.has(ggufTensorName({ family }, HEAD)),
    max_position_embeddings: number('context_length'),
    bos_token_id: file.number('tokenizer.ggml.bos_token_id'),
    eos_token_id: file.number('tokenizer.ggml.eos_token_id'),
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
  const faults: string[] = [];
  const unknown = new Set(file.tensors.keys());
  for (const { name, shape } of parameterSpecs(config)) {
    const theirs = ggufTensorName(config, name);
    const tensor = file.tensors.get(theirs);
    unknown.delete(theirs);
    if (tensor === undefined) faults.push(`it lacks ${theirs}`);
    else if (trimmed(tensor.shape) !== trimmed(shape))
      faults.push(`${theirs} is ${trimmed(tensor.shape)} where ${trimmed(shape)} is needed`);
  }
  for (const name of unknown) faults.push(`it has the unknown ${name}`);
  if (faults.length === 0) return;
  const more = faults.length > 3 ? ` and ${faults.length - 3} more` : '';
  throw new UserError(
    'CHECKPOINT_TENSORS',
    `The weights in ${file.path} do not fit its metadata: ${faults.slice(0, 3).join('; ')}${more}; convert the model again, or copy the file again.`,
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
  for (const { name, shape } of parameterSpecs(config)) {
    const [row = 1, outer = 1] = shape;
    const step = Math.max(1, Math.floor(most / row));
    for (let start = 0; start < outer; start += step)
      yield [
        name,
        start * row,
        file.readRows(ggufTensorName(config, name), start, Math.min(step, outer - start)),
      ];
  }
}
