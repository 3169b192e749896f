/** Students by pruning: some layers of a model as they are, with its embeddings, head and tokenizer. */
import { InternalError, UserError } from '../base/errors.ts';
import type { Device } from '../ggml/device.ts';
import { layerPart, layerWeight, type ModelConfig } from './arch/config.ts';
import { familyOf } from './arch/index.ts';
import { loadModel, saveCheckpoint, type SaveOptions } from './checkpoint/checkpoint.ts';

/** Layers that are kept: how many, or which ones, from 0 on. */
export type KeptLayers = number | readonly number[];

/**
 * Indices of the layers that are kept of `layers` ones, in their order: of a number, evenly spaced, the first and the last among them. Throws a UserError where
 * there are fewer, or the list does not ascend.
 */
export function keptLayers(layers: number, kept: KeptLayers): readonly number[] {
  const indices =
    typeof kept === 'number'
      ? Array.from({ length: kept }, (_, i) => Math.round((i * (layers - 1)) / Math.max(1, kept - 1)))
      : kept;
  const isFine =
    indices.length > 0 &&
    indices.every((index, i) => index < layers && index >= 0 && (i === 0 || index > (indices[i - 1] ?? 0)));
  if (isFine) return indices;
  throw new UserError(
    'PRUNE',
    `Of a model with ${layers} layers (0 to ${layers - 1}), ${typeof kept === 'number' ? kept : `[${kept.join(', ')}]`} cannot be kept; give a number of at most ${layers}, or ascending indices.`,
  );
}

/** The configuration of a model of which these layers are left. */
export function prunedConfig(config: ModelConfig, layers: readonly number[]): ModelConfig {
  return { ...config, layers: layers.length, ...familyOf(config).pruned?.(config, layers) };
}

/** Writes a checkpoint of the layers that are kept of another; see `saveCheckpoint`. Throws as `keptLayers` and `loadModel` do. */
export function pruneCheckpoint(
  device: Device,
  source: string,
  folder: string,
  kept: KeptLayers,
  options: SaveOptions = {},
): ModelConfig {
  const { config, parameters } = loadModel(device, source, { trainable: false });
  using whole = parameters;
  const layers = keptLayers(config.layers, kept);
  const pruned = prunedConfig(config, layers);
  const nameIn = (name: string): string => {
    const { layer, part } = layerPart(name) ?? {};
    if (layer === undefined || part === undefined) return name;
    const index = layers[layer];
    if (index === undefined) throw new InternalError(`prune: there is no layer ${layer}`);
    return layerWeight(index, part);
  };
  saveCheckpoint(folder, pruned, { device, read: (name) => whole.read(nameIn(name)) }, options);
  return pruned;
}
