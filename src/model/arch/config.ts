/** The weights that follow from a configuration. */
import type { ParameterSpec } from '../../tensor/parameters.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import { familyOf } from './index.ts';
import type { ModelConfig } from './family.ts';

export type { ModelConfig } from './family.ts';

/** Number of a model's weights; an embedding that is the head as well counts once. */
export function weightCount(config: ModelConfig): number {
  return parameterSpecs(config).reduce((total, { shape }) => total + sizeOf(shape), 0);
}

export const EMBEDDING = 'model.embed_tokens.weight';
export const HEAD = 'lm_head.weight';

/** Name of the weight of the norm after the last layer. */
export const lastNorm = (config: Pick<ModelConfig, 'family'>): string =>
  familyOf(config).lastNorm ?? 'model.norm.weight';

/** Name of a layer's weight, from its short name, which says so where it is a bias. */
export const layerWeight = (layer: number, name: string): string =>
  `model.layers.${layer}.${name}${name.endsWith('.bias') ? '' : '.weight'}`;

/** Layer and short name of a weight; undefined for one of no layer. */
export function layerPart(name: string): { readonly layer: number; readonly part: string } | undefined {
  const [, layer, part] = /^model\.layers\.(\d+)\.(.+?)(?:\.weight)?$/.exec(name) ?? [];
  return layer === undefined || part === undefined ? undefined : { layer: Number(layer), part };
}

/**
 * Every weight of the model under its Hugging Face name; shapes have the contiguous dimension first. Matrices are of
 * type `dtype`; vectors, and what is neither, always f32.
 */
export function parameterSpecs(config: ModelConfig, dtype: 'f32' | 'f16' | 'bf16' = 'f32'): ParameterSpec[] {
  const { hiddenSize, vocabSize, layers, tiedEmbeddings } = config;
  const family = familyOf(config);
  const specs: ParameterSpec[] = [
    { name: EMBEDDING, shape: [hiddenSize, vocabSize] },
    ...Array.from({ length: layers }, (_, layer) =>
      Object.entries(family.weights(config, layer)).map(([name, shape]) => ({
        name: layerWeight(layer, name),
        shape,
      })),
    ).flat(),
    { name: lastNorm(config), shape: [hiddenSize] },
    ...(tiedEmbeddings ? [] : [{ name: HEAD, shape: [hiddenSize, vocabSize] }]),
  ];
  return dtype === 'f32' ? specs : specs.map((spec) => (spec.shape.length === 2 ? { ...spec, dtype } : spec));
}

/** Tells whether a parameter belongs to a layer, and not to the vocabulary's tables or the last norm. */
export function isLayerParameter(name: string): boolean {
  return name.startsWith('model.layers.');
}
