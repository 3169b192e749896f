/**
 * What a large model takes, from what small parts of it take: one with few layers and a narrow vocabulary, one with
 * more layers and one with a wider vocabulary. The work of both grows in proportion to them.
 */
import { type Qwen3Config, weightCount } from '../model/arch/config.ts';
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
/** Every part is measured so often after a first time, and again until this many seconds have gone, but no more often. */
const ROUNDS = 2;
const ENOUGH = 15;
const MOST_ROUNDS = 5;

/** Tells whether a model is measured in parts. */
export const inParts = (config: Qwen3Config): boolean => weightCount(config) > LARGE;

/** Some work of a model that can be done again and again. */
export interface Part extends Disposable {
  /** Does it once; the seconds that its pieces took, which are always as many. */
  measure(): Promise<readonly number[]>;
}

/** How fast the machine is now: what some small work takes, in any unit. */
export type PaceNow = () => Promise<number>;

interface Shapes {
  readonly small: Qwen3Config;
  readonly deeper: Qwen3Config;
  readonly wider: Qwen3Config;
}

function shapesOf(config: Qwen3Config): Shapes {
  const narrow = Math.min(config.vocabSize, Math.ceil(NARROW / config.hiddenSize / MULTIPLE) * MULTIPLE);
  const oneLayer = weightCount({ ...config, layers: 1 }) - weightCount({ ...config, layers: 0 });
  const few = Math.min(config.layers, oneLayer > LARGE_LAYER ? 1 : 2);
  const more = Math.min(config.layers, Math.max(few + 1, Math.min(MORE, Math.floor(MOST / oneLayer))));
  const small = { ...config, layers: few, vocabSize: narrow };
  return {
    small,
    deeper: { ...small, layers: more },
    wider: { ...small, vocabSize: Math.min(config.vocabSize, WIDER * narrow) },
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(half)] ?? 0) + (sorted[Math.ceil(half)] ?? 0)) / 2;
}

/**
 * What each piece of the work takes of each part: its seconds by those that a unit of pace took before and after it, the
 * median of several times. Parts take turns, so that what slows the machine down for a while meets all of them.
 */
async function timesOf(parts: readonly Part[], paceNow: PaceNow): Promise<readonly number[][]> {
  // Graphs are built and memory is taken.
  for (const part of parts) await part.measure();
  const times = parts.map((): (readonly number[])[] => []);
  const start = performance.now();
  const goesOn = (round: number): boolean =>
    round < ROUNDS || (round < MOST_ROUNDS && performance.now() - start < 1000 * ENOUGH);
  let before = await paceNow();
  for (let round = 0; goesOn(round); round++) {
    for (const [i, part] of parts.entries()) {
      const seconds = await part.measure();
      const after = await paceNow();
      times[i]?.push(seconds.map((taken) => (2 * taken) / (before + after)));
      before = after;
    }
  }
  return times.map((rounds) =>
    (rounds[0] ?? []).map((_, piece) => median(rounds.map((taken) => taken[piece] ?? 0))),
  );
}

/**
 * The seconds that each piece of the work of a whole model takes, by those that a unit of pace takes meanwhile: of all of
 * it, if it is small, else worked out from parts. `open` is given their shapes.
 */
export async function wholeOf(
  config: Qwen3Config,
  open: (config: Qwen3Config) => Part,
  paceNow: PaceNow = () => Promise.resolve(1),
): Promise<number[]> {
  const shapes = inParts(config) ? shapesOf(config) : undefined;
  const parts: Part[] = [];
  try {
    const wanted = shapes === undefined ? [config] : [shapes.small, shapes.deeper, shapes.wider];
    for (const shape of wanted) parts.push(open(shape));
    const [small = [], deeper = [], wider = []] = await timesOf(parts, paceNow);
    if (shapes === undefined) return small;
    const moreLayers = Math.max(1, shapes.deeper.layers - shapes.small.layers);
    const moreWords = Math.max(1, shapes.wider.vocabSize - shapes.small.vocabSize);
    return small.map((seconds, piece) => {
      const layer = Math.max(0, (deeper[piece] ?? 0) - seconds) / moreLayers;
      const word = Math.max(0, (wider[piece] ?? 0) - seconds) / moreWords;
      const { layers, vocabSize } = shapes.small;
      return seconds + layer * (config.layers - layers) + word * (config.vocabSize - vocabSize);
    });
  } finally {
    for (const part of parts.toReversed()) part[Symbol.dispose]();
  }
}
