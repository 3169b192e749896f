/**
 * Batches of trees. Lengths are rounded up to a few values and counts of prompts down to a few, so that
 * the same layouts come again and their graphs are reused; trees of like size go together, so that little is padding.
 */
import type { TreeLayout } from './layout.ts';

/** Lengths that a tree's size depends on; a PromptTree is one. */
export interface TreeSize {
  readonly prompt: ArrayLike<number>;
  readonly completions: readonly ArrayLike<number>[];
}

export interface BatchOptions {
  /** Tokens a batch may have, padding included. A tree that is larger by itself gets a batch of its own. */
  readonly maxTokens: number;
  /** Prompts are padded to a multiple of this. */
  readonly promptMultiple?: number;
  /** Completions are padded to a multiple of this. */
  readonly completionMultiple?: number;
  /** Rounds lengths in steps that grow with them: see `stageLength`. */
  readonly stepsPerOctave?: number;
  readonly maxPrompts?: number;
  /** Share of a batch that may be padding beyond the trees' own rounding. */
  readonly maxPadding?: number;
}

export interface PlannedBatch {
  readonly layout: TreeLayout;
  /** Indices of the given trees that are in it, one for each of the layout's prompts. */
  readonly indices: readonly number[];
}

/** The smallest multiple of `multiple` that is at least `length`, and at least one of them. */
export function bucketLength(length: number, multiple: number): number {
  return Math.max(1, Math.ceil(length / multiple)) * multiple;
}

/**
 * As `bucketLength`, in steps that grow with the length: `steps` of them from each power of two to the next, of which
 * the smallest is a power of two. With four, at most a quarter of the result is padding.
 */
export function stageLength(length: number, smallest = 32, steps = 4): number {
  const step = 2 ** (Math.ceil(Math.log2(Math.max(length, 2))) - 1) / steps;
  return bucketLength(length, Math.max(smallest, step));
}

/** The largest of 1, 2, 3, 4, 6, 8, 12, 16, 24, ... that is at most `count`. */
export function bucketCount(count: number): number {
  const power = 2 ** Math.floor(Math.log2(count));
  return power > 1 && power * 1.5 <= count ? power * 1.5 : power;
}

const DEFAULTS = { promptMultiple: 32, completionMultiple: 8, maxPrompts: Infinity, maxPadding: 0.25 };
type FullOptions = BatchOptions & typeof DEFAULTS;

interface Sized {
  readonly index: number;
  readonly prompt: number;
  readonly samples: number;
  readonly completion: number;
}

const perPrompt = (size: Omit<Sized, 'index'>): number => size.prompt + size.samples * size.completion;

function sized(tree: TreeSize, index: number, options: FullOptions): Sized {
  const { promptMultiple, completionMultiple, stepsPerOctave } = options;
  const samples = tree.completions.length;
  const longest = tree.completions.reduce((most, { length }) => Math.max(most, length), 0);
  const rounded = (length: number, multiple: number): number =>
    stepsPerOctave === undefined
      ? bucketLength(length, multiple)
      : stageLength(length, multiple, stepsPerOctave);
  return {
    index,
    prompt: rounded(tree.prompt.length, promptMultiple),
    samples,
    completion: samples === 0 ? 0 : rounded(longest, completionMultiple),
  };
}

/** Number of trees from `start` on that fit into one batch, and their common layout. */
function fill(order: readonly Sized[], start: number, first: Sized, options: FullOptions): number {
  let { completion } = first;
  let own = perPrompt(first);
  let count = 1;
  for (const next of order.slice(start + 1, start + options.maxPrompts)) {
    const longest = Math.max(completion, next.completion);
    const total = (count + 1) * perPrompt({ ...first, completion: longest });
    own += perPrompt(next);
    const tooMuch = total > options.maxTokens || total - own > options.maxPadding * total;
    if (next.samples !== first.samples || tooMuch) break;
    completion = longest;
    count += 1;
  }
  return bucketCount(count);
}

/**
 * Groups trees into batches under a token budget, longest prompts first. Every tree is in exactly one batch; trees
 * with different numbers of completions never share one. The same trees give the same batches.
 */
export function planBatches(trees: readonly TreeSize[], options: BatchOptions): PlannedBatch[] {
  const full = { ...DEFAULTS, ...options };
  const order = trees
    .map((tree, index) => sized(tree, index, full))
    .sort(
      (a, b) =>
        b.samples - a.samples || b.prompt - a.prompt || b.completion - a.completion || a.index - b.index,
    );
  const batches: PlannedBatch[] = [];
  let start = 0;
  for (let first = order[0]; first !== undefined; first = order[start]) {
    const count = fill(order, start, first, full);
    const members = order.slice(start, start + count);
    const completionTokens = Math.max(...members.map(({ completion }) => completion));
    batches.push({
      layout: { prompts: count, promptTokens: first.prompt, samples: first.samples, completionTokens },
      indices: members.map(({ index }) => index),
    });
    start += count;
  }
  return batches;
}
