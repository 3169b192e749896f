/**
 * Prompts that begin alike, as those with one tool set do: what they share need be computed only once, when they are
 * one tree and the remainder of each prompt goes with its completions.
 */
import type { TokenIds } from '../../base/token-ids.ts';

/** Less in common than this share of a prompt is not worth a wider tree. */
const WORTHWHILE = 0.5;

/** Number of tokens that two sequences begin with alike, `most` at most. */
export function commonLength(a: TokenIds, b: TokenIds, most: number): number {
  const end = Math.min(a.length, b.length, most);
  let length = 0;
  while (length < end && a[length] === b[length]) length++;
  return length;
}

/** Neighbours whose prompts share at least half of their tokens, in runs of at most `limit` sequences each. */
export function prefixRuns<T extends { readonly promptIds: TokenIds; readonly samples: readonly unknown[] }>(
  prompts: readonly T[],
  limit: number,
): [T, ...T[]][] {
  const runs: [T, ...T[]][] = [];
  let shared = 0;
  let longest = 0;
  let sequences = 0;
  for (const prompt of prompts) {
    const run = runs.at(-1);
    const size = prompt.samples.length;
    const length = prompt.promptIds.length;
    const common = run === undefined ? 0 : commonLength(run[0].promptIds, prompt.promptIds, shared);
    if (run && sequences + size <= limit && common >= WORTHWHILE * Math.max(longest, length)) {
      run.push(prompt);
      shared = common;
      longest = Math.max(longest, length);
      sequences += size;
    } else {
      runs.push([prompt]);
      shared = length;
      longest = length;
      sequences = size;
    }
  }
  return runs;
}
