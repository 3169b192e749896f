/**
 * Prompts that begin alike, as those with one tool set do, become one tree: what they share is computed once, and the
 * rest of each prompt goes with its completions. Losses and gradients stay those of the separate prompts.
 */
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import type { TrainCompletion, TrainExample } from './examples.ts';

/** Less in common than this share of a prompt is not worth a wider tree. */
const WORTHWHILE = 0.5;

function commonLength(a: TokenIds, b: TokenIds, most: number): number {
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

function withStart(start: TokenIds, { tokens, rows, inputs }: TrainCompletion): TrainCompletion {
  if (start.length === 0) return { tokens, rows, inputs };
  const whole = new Int32Array(start.length + tokens.length);
  whole.set(start);
  whole.set(tokens, start.length);
  return { tokens: asTokenIds(whole), rows: rows.map((row) => row + start.length), inputs };
}

/** One tree of several: its prompt is what all their prompts begin with. */
export function joinExamples(examples: readonly TrainExample[]): TrainExample {
  const [first] = examples;
  if (first === undefined || examples.length === 1)
    return first ?? { prompt: asTokenIds([]), completions: [] };
  const shared = examples.reduce(
    (length, { prompt }) => commonLength(first.prompt, prompt, length),
    first.prompt.length,
  );
  return {
    prompt: asTokenIds(first.prompt.slice(0, shared)),
    completions: examples.flatMap(({ prompt, completions }) => {
      const start = asTokenIds(prompt.slice(shared));
      return completions.map((completion) => withStart(start, completion));
    }),
  };
}
