/** A model's weights as the tensors of a GGUF file: their names, and what llama.cpp's converter changes in their contents. */
import { InternalError } from '../../base/errors.ts';
import type { ParameterSpec } from '../../tensor/parameters.ts';
import type { Shape } from '../../tensor/tensor.ts';
import { EMBEDDING, HEAD, lastNorm, layerPart, type ModelConfig } from '../arch/config.ts';
import { families, familyOf } from '../arch/index.ts';

/** Frequency divisors of RoPE, [headDim / 2], which are no weight. */
export const ROPE_FACTORS = 'rope_freqs.weight';

/** Architecture of a family in GGUF files. */
export const ggufArchitecture = (family: string): string => familyOf({ family }).gguf.architecture ?? family;

/** Family of an architecture in GGUF files. */
export const familyOfArchitecture = (architecture: string): string | undefined =>
  Object.keys(families).find((family) => family === architecture) ??
  Object.keys(families).find((family) => ggufArchitecture(family) === architecture);

/** A weight, or one of several equal parts of it, one below the other. */
export interface StoredTensor {
  readonly name: string;
  /** Its shape without sides of one between others, as llama.cpp has it. */
  readonly shape: Shape;
  /** The first of the weight's rows that it holds, and their number. */
  readonly start: number;
  readonly rows: number;
}

/** llama.cpp's names of a weight. */
function storedNames(config: Pick<ModelConfig, 'family'>, name: string): readonly string[] {
  if (name === EMBEDDING) return ['token_embd.weight'];
  if (name === HEAD) return ['output.weight'];
  const { gguf } = familyOf(config);
  if (name === lastNorm(config)) return [gguf.lastNorm ?? 'output_norm.weight'];
  const { layer = 0, part = '' } = layerPart(name) ?? {};
  const mapped = gguf.names[part];
  if (mapped === undefined) throw new InternalError(`gguf: ${name} has no name there`);
  return [mapped].flat().map((each) => `blk.${layer}.${each.endsWith('.bias') ? each : `${each}.weight`}`);
}

/** The tensors that hold a weight. */
export function storedTensors(
  config: Pick<ModelConfig, 'family'>,
  { name, shape }: Pick<ParameterSpec, 'name' | 'shape'>,
): StoredTensor[] {
  const [width = 1, ...outer] = shape;
  const names = storedNames(config, name);
  const rows = outer.reduce((a, b) => a * b, 1) / names.length;
  return names.map((each, i) => ({
    name: each,
    shape: shape.length === 1 ? shape : [width, rows],
    start: i * rows,
    rows,
  }));
}

/** Rows of a weight that must be read and written together. */
export const rowGroup = (config: ModelConfig, name: string): number =>
  isInterleaved(config, name) ? config.headDim : 1;

function isInterleaved(config: ModelConfig, name: string): boolean {
  const { part = '' } = layerPart(name) ?? {};
  return familyOf(config).gguf.interleaved?.includes(part) === true;
}

/** Values of whole rows as a file has them, from ours, or the other way round. */
export function arranged(
  config: ModelConfig,
  { name, shape }: Pick<ParameterSpec, 'name' | 'shape'>,
  values: Float32Array,
  direction: 'to-file' | 'from-file',
): Float32Array {
  const { normOffset = 0 } = familyOf(config);
  if (normOffset !== 0 && shape.length === 1) {
    const offset = direction === 'to-file' ? normOffset : -normOffset;
    return values.map((value) => value + offset);
  }
  if (!isInterleaved(config, name)) return values;
  // Of a head, ours has the first elements of all pairs and then the second ones; files have pair after pair.
  const [width = 1] = shape;
  const { headDim } = config;
  const moved = new Float32Array(values.length);
  for (let row = 0; row < values.length / width; row++) {
    const [head, at] = [row - (row % headDim), row % headDim];
    const inFile = head + 2 * (at % (headDim / 2)) + Math.floor(at / (headDim / 2));
    const [from, to] = direction === 'to-file' ? [row, inFile] : [inFile, row];
    moved.set(values.subarray(from * width, (from + 1) * width), to * width);
  }
  return moved;
}
