/**
 * A model as one GGUF file, which llama.cpp and everything built on it runs, with the keys and names of llama.cpp's own converter (convert_hf_to_gguf.py). Weights are f32, f16 or quantised, norms always f32.
 */
import { discard, temporaryName } from '../../base/files.ts';
import { writeThrough } from '../../base/output.ts';
import { type GgufTensor, type GgufValue, writeGguf } from '../../ggml/gguf.ts';
import { QUANTIZED_TYPES, quantizeGguf, type QuantizedType } from '../../ggml/quantize.ts';
import { DTYPES } from '../../tensor/tensor.ts';
import { type ModelConfig, parameterSpecs } from '../arch/config.ts';
import { familyOf } from '../arch/index.ts';
import { ropeFactors } from '../arch/rope.ts';
import { type GgufTokenizer, tokenizerMetadata } from './gguf-tokenizer.ts';
import { type ReadableWeights, weightBytes, type WeightDType } from './export-tensor.ts';
import { arranged, ggufArchitecture, ROPE_FACTORS, storedTensors } from './gguf-tensors.ts';

/** Types of a file's matrices. */
export type GgufDType = WeightDType | QuantizedType;

const isQuantized = (dtype: GgufDType): dtype is QuantizedType => Object.hasOwn(QUANTIZED_TYPES, dtype);

export interface ExportOptions {
  /** Type of matrices; f16 by default. */
  readonly dtype?: GgufDType;
  /** Shown by tools that open the file. */
  readonly name?: string;
  /** Further texts of the header, by their keys. */
  readonly notes?: Readonly<Record<string, string>>;
}

function modelMetadata(config: ModelConfig, name: string, dtype: WeightDType): Record<string, GgufValue> {
  const architecture = ggufArchitecture(config.family);
  const own: Record<string, GgufValue> = {
    block_count: { u32: config.layers },
    context_length: { u32: config.contextLength },
    embedding_length: { u32: config.hiddenSize },
    feed_forward_length: { u32: config.intermediateSize },
    'attention.head_count': { u32: config.heads },
    'attention.head_count_kv': { u32: config.kvHeads },
    'attention.key_length': { u32: config.headDim },
    'attention.value_length': { u32: config.headDim },
    'attention.layer_norm_rms_epsilon': { f32: config.rmsNormEps },
    'rope.freq_base': { f32: config.ropeTheta },
    ...(config.ropeScaling?.rope_type === 'linear'
      ? {
          'rope.scaling.type': { string: 'linear' },
          'rope.scaling.factor': { f32: config.ropeScaling.factor },
        }
      : {}),
    ...familyOf(config).gguf.write?.(config),
  };
  return {
    'general.architecture': { string: architecture },
    'general.type': { string: 'model' },
    'general.name': { string: name },
    'general.file_type': { u32: dtype === 'f16' ? 1 : 0 },
    'general.quantization_version': { u32: 2 },
    ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value])),
  };
}

/** The tensors of a file whose matrices are of type `dtype`. */
function fileTensors(config: ModelConfig, parameters: ReadableWeights, dtype: WeightDType): GgufTensor[] {
  const tensors = parameterSpecs(config).flatMap((spec) => {
    const type = spec.shape.length === 2 ? dtype : 'f32';
    const [width = 1] = spec.shape;
    return storedTensors(config, spec).map(({ name, shape, start, rows }): GgufTensor => ({
      name,
      type: DTYPES[type],
      shape,
      bytes: () => {
        const values = arranged(config, spec, parameters.read(spec.name), 'to-file');
        const part = shape.length === 1 ? values : values.subarray(start * width, (start + rows) * width);
        return weightBytes(spec.name, part, type);
      },
    }));
  });
  const { ropeScaling: scaling } = config;
  if (scaling?.rope_type === 'llama3') {
    const factors = ropeFactors(scaling, config.ropeTheta, config.headDim);
    const bytes = () => weightBytes(ROPE_FACTORS, factors, 'f32');
    tensors.push({ name: ROPE_FACTORS, type: DTYPES.f32, shape: [factors.length], bytes });
  }
  return tensors;
}

/** Writes a model and its tokenizer as a GGUF file; a reader never sees half of it. */
export function exportGguf(
  path: string,
  config: ModelConfig,
  parameters: ReadableWeights,
  tokenizer: GgufTokenizer,
  { dtype = 'f16', name = 'tinystar', notes = {} }: ExportOptions = {},
): void {
  const writeAs = (type: WeightDType, place: string): void => {
    const own = Object.entries(notes).map(([key, text]) => [key, { string: text }] as const);
    const metadata = {
      ...modelMetadata(config, name, type),
      ...tokenizerMetadata(config, tokenizer),
      ...Object.fromEntries(own),
    };
    writeGguf(parameters.device.lib, place, metadata, fileTensors(config, parameters, type));
  };
  if (!isQuantized(dtype)) {
    writeAs(dtype, path);
    return;
  }
  writeThrough(path, (place) => {
    // Under a name of its own: what writes `place` clears away what was left of it.
    const full = temporaryName(`${place}.full`);
    try {
      writeAs('f32', full);
      quantizeGguf(full, place, dtype);
    } finally {
      discard(full);
    }
  });
}
