/** Students by pruning: some layers of a model as they are, with its embeddings, head and tokenizer. */
import { required, UserError } from '../base/errors.ts';
import type { Device } from '../ggml/device.ts';
import { layerPart, layerWeight, type ModelConfig } from './arch/config.ts';
import type { WeightSource } from './arch/family.ts';
import { familyOf } from './arch/index.ts';
import { type LoadedModel, loadModel, saveCheckpoint, type SaveOptions } from './checkpoint/checkpoint.ts';
import { Scorer } from './tree/scoring.ts';
import type { PromptTree } from './tree/tree.ts';

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

/** Name in the whole model of a weight of the one with these layers. */
function nameInWhole(layers: readonly number[], name: string): string {
  const own = layerPart(name);
  if (own === undefined) return name;
  return layerWeight(required(layers[own.layer], 'a layer that is kept'), own.part);
}

/** A removal of a layer: which one, and the mean cross-entropy of the completions without it and those before, in nats a token. */
export interface Removal {
  readonly layer: number;
  readonly loss: number;
}

/**
 * Removes layers until `kept` are left, each time the one without which the completions of the trees are the most
 * likely. Yields each choice; `onProgress` hears of models tried. Throws the signal's reason, and as `keptLayers` does.
 */
export async function* removeLayers(
  device: Device,
  { config, parameters }: LoadedModel,
  trees: readonly PromptTree[],
  kept: number,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): AsyncGenerator<Removal> {
  keptLayers(config.layers, kept);
  const sum = (from: number, to: number): number => ((to - from) * (from + to + 1)) / 2;
  const total = sum(kept, config.layers);
  const loss = async (layers: readonly number[]): Promise<number> => {
    const weights: WeightSource = { get: (name) => parameters.get(nameInWhole(layers, name)) };
    using scorer = new Scorer(device, prunedConfig(config, layers), weights);
    const scores = await scorer.score(trees, { ...(signal && { signal }) });
    const logprobs = scores.flat().flatMap((one) => [...one.logprobs]);
    return -logprobs.reduce((all, each) => all + each, 0) / logprobs.length;
  };
  let left = Array.from({ length: config.layers }, (_, layer) => layer);
  for (let done = 0; left.length > kept; done += left.length + 1) {
    let best: Removal | undefined;
    for (const [i, layer] of left.entries()) {
      const without = await loss(left.toSpliced(i, 1));
      onProgress?.(done + i + 1, total);
      if (best === undefined || without < best.loss) best = { layer, loss: without };
    }
    const removed = required(best, 'a layer');
    left = left.filter((layer) => layer !== removed.layer);
    yield removed;
  }
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
  saveCheckpoint(folder, pruned, { read: (name) => whole.read(nameInWhole(layers, name)) }, options);
  return pruned;
}
