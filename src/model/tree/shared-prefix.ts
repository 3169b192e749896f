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
): T[][] {
  const runs: T[][] = [];
  let shared = 0;
  let longest = 0;
  let sequences = 0;
  for (const prompt of prompts) {
    const run = runs.at(-1);
    const [first] = run ?? [];
    const size = prompt.samples.length;
    const length = prompt.promptIds.length;
    const common = first === undefined ? 0 : commonLength(first.promptIds, prompt.promptIds, shared);
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

/** Prompts that begin alike: their indices, and how many tokens all of them have in common. */
export interface PrefixGroup {
  readonly members: readonly number[];
  readonly shared: number;
}

/**
 * Groups of at most `most` neighbouring prompts each; a prompt that is like no neighbour is one by itself, with
 * nothing shared. Every prompt of a larger one has at least one token of its own.
 */
export function prefixGroups(prompts: readonly TokenIds[], most: number): PrefixGroup[] {
  const numbered = prompts.map((promptIds, index) => ({ promptIds, index, samples: [index] }));
  return prefixRuns(numbered, most).map((run) => {
    const [first, ...others] = run;
    const members = run.map(({ index }) => index);
    if (first === undefined || others.length === 0) return { members, shared: 0 };
    const shortest = Math.min(...run.map(({ promptIds }) => promptIds.length));
    const shared = others.reduce(
      (length, { promptIds }) => commonLength(first.promptIds, promptIds, length),
      shortest - 1,
    );
    return { members, shared };
  });
}
