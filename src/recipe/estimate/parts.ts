/**
 * What a large model takes, from what small parts of it take: one with few layers and a narrow vocabulary, one with
 * more layers and one with a wider vocabulary. The work of both grows in proportion to them.
 */
import { type Qwen3Config, weightCount } from '../../model/config.ts';
import { LARGE } from './models.ts';

/** Layers of the deeper part, and how many weights its layers have at most, if two may have as many. */
const MORE = 5;
const MOST = 2.5e8;
/** Layers of more weights than this are more than a processor's nearest caches hold, one alone as well. */
const LARGE_LAYER = 5e7;
/** Weights of the narrow vocabulary: less would count as a small model, which is computed otherwise. */
const NARROW = 1e7;
const WIDER = 4;
/** The vocabulary is a multiple of this, as published ones are. */
const MULTIPLE = 256;

/** Whether a model is measured in parts. */
export const inParts = (config: Qwen3Config): boolean => weightCount(config) > LARGE;

/** A measurement, in the order of its parts' size. */
export type Measure = (config: Qwen3Config) => Promise<number>;

/** What `measure` gives for a whole model: of all of it if it is small, else worked out from parts. */
export async function wholeOf(config: Qwen3Config, measure: Measure): Promise<number> {
  if (!inParts(config)) return measure(config);
  const narrow = Math.min(config.vocabSize, Math.ceil(NARROW / config.hiddenSize / MULTIPLE) * MULTIPLE);
  const wide = Math.min(config.vocabSize, WIDER * narrow);
  const oneLayer = weightCount({ ...config, layers: 1 }) - weightCount({ ...config, layers: 0 });
  const few = Math.min(config.layers, oneLayer > LARGE_LAYER ? 1 : 2);
  const more = Math.min(config.layers, Math.max(few + 1, Math.min(MORE, Math.floor(MOST / oneLayer))));
  const small = await measure({ ...config, layers: few, vocabSize: narrow });
  const deeper = more === few ? small : await measure({ ...config, layers: more, vocabSize: narrow });
  const wider = wide === narrow ? small : await measure({ ...config, layers: few, vocabSize: wide });
  const layer = Math.max(0, deeper - small) / Math.max(1, more - few);
  const word = Math.max(0, wider - small) / Math.max(1, wide - narrow);
  return small + layer * (config.layers - few) + word * (config.vocabSize - narrow);
}
