/** Selection of records of a large set: by STAR's quotas, or by the weights of their sources. */
import type { Rng } from '../base/rng.ts';
import { categoriesOf, type Category, type Label } from './labels.ts';

/** Shares of the records that are wanted, as STAR's data_proportion has them. */
export const DEFAULT_QUOTAS = {
  response: 0.2,
  multi_step: 0.3,
  /** The rest is of several turns. */
  single_turn: 0.3,
  /** The rest is of one call. */
  parallel: 0.5,
  max_turns: 10,
};
type Quotas = Readonly<typeof DEFAULT_QUOTAS>;

/** The greedy pass ends at this many times the wanted number, so that over-long prompts can be dropped afterwards. */
const SURPLUS = 1.1;

function minimumCounts(size: number, quotas: Quotas): Readonly<Record<Category, number>> {
  const share = (ratio: number): number => Math.trunc(size * ratio);
  return {
    'single-turn': share(quotas.single_turn),
    'multi-turn': share(1 - quotas.single_turn),
    parallel: share(quotas.parallel),
    single: share(1 - quotas.parallel),
    response: share(quotas.response),
    'multi-step': share(quotas.multi_step),
  };
}

/**
 * The reference's greedy pass over shuffled records: one is taken if any of its categories has not reached its minimum,
 * unless it has too many turns, or words when those are full. It may end with fewer than are wanted: once every
 * category that is there has its minimum, nothing more is taken. Answers indices into `labels`, at most 1.1 `size`.
 */
export function pickByQuotas(labels: readonly Label[], size: number, quotas: Quotas, rng: Rng): number[] {
  const minimum = minimumCounts(size, quotas);
  const counts = new Map<Category, number>();
  const isFull = (category: Category): boolean => (counts.get(category) ?? 0) >= minimum[category];
  const picked: number[] = [];
  for (const index of rng.shuffled([...labels.keys()])) {
    if (picked.length >= SURPLUS * size) break;
    const label = labels[index];
    if (label === undefined || label.turns > quotas.max_turns) continue;
    const categories = categoriesOf(label);
    if (categories.includes('response') && isFull('response')) continue;
    if (categories.every(isFull)) continue;
    for (const category of categories) counts.set(category, (counts.get(category) ?? 0) + 1);
    picked.push(index);
  }
  return picked;
}

/** `size` of `items` in random order, or all of them. */
export function sample<T>(items: readonly T[], size: number, rng: Rng): T[] {
  return rng.shuffled(items).slice(0, size);
}

/**
 * Number of records that each source gives, in proportion to its weight and never more than it has; what a small source
 * cannot give, the others do. Rounded so that the sum is `size`, or all there are.
 */
export function shareOut(
  sources: readonly { readonly weight: number; readonly size: number }[],
  size: number,
): number[] {
  const shares = sources.map(() => 0);
  let open = sources.map((source, index) => ({ ...source, index })).filter(({ weight }) => weight > 0);
  let left = size;
  while (left > 0 && open.length > 0) {
    const total = open.reduce((sum, { weight }) => sum + weight, 0);
    const wanted = open.map((source) => ({ ...source, count: (left * source.weight) / total }));
    const small = wanted.filter((source) => source.size <= source.count);
    // A source that has no more than it should give gives all; where there is none, the rest is shared out.
    const given =
      small.length > 0 ? small.map((one) => ({ ...one, count: one.size })) : rounded(left, wanted);
    for (const { index, count } of given) shares[index] = count;
    left -= given.reduce((sum, { count }) => sum + count, 0);
    open = small.length > 0 ? wanted.filter((source) => !small.includes(source)) : [];
  }
  return shares;
}

/** Counts as whole numbers with the sum `total`: those of the largest remainders are rounded up. */
function rounded<T extends { readonly count: number }>(total: number, wanted: readonly T[]): T[] {
  const missing = total - wanted.reduce((sum, { count }) => sum + Math.floor(count), 0);
  const byRemainder = wanted.toSorted((a, b) => (b.count % 1) - (a.count % 1));
  return byRemainder.map((one, i) => ({ ...one, count: Math.floor(one.count) + (i < missing ? 1 : 0) }));
}

/** A weighted mixture of lists in random order: `size` items, or as many as there are. */
export function mixByWeight<T>(
  sources: readonly { readonly weight: number; readonly items: readonly T[] }[],
  size: number,
  rng: Rng,
): T[] {
  const shares = shareOut(
    sources.map(({ weight, items }) => ({ weight, size: items.length })),
    size,
  );
  return rng.shuffled(sources.flatMap(({ items }, index) => sample(items, shares[index] ?? 0, rng)));
}
