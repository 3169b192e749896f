/**
 * Prompts that begin alike, as those with one tool set do, become one tree: what they share is computed once, and the
 * rest of each prompt goes with its completions. Losses and gradients stay those of the separate prompts.
 */
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import { commonLength, prefixRuns } from '../model/tree/shared-prefix.ts';
import { groupCount, type TrainCompletion, type TrainExample } from './examples.ts';

function withStart(start: TokenIds, completion: TrainCompletion): TrainCompletion {
  if (start.length === 0) return completion;
  const { tokens, rows } = completion;
  const whole = new Int32Array(start.length + tokens.length);
  whole.set(start);
  whole.set(tokens, start.length);
  return { ...completion, tokens: asTokenIds(whole), rows: rows.map((row) => row + start.length) };
}

/** One tree of several whose prompts begin with the same `shared` tokens. Groups of completions stay apart. */
export function joinAt(examples: readonly TrainExample[], shared: number): TrainExample {
  let groups = 0;
  return {
    prompt: asTokenIds(examples[0]?.prompt.slice(0, shared) ?? []),
    completions: examples.flatMap((example) => {
      const start = asTokenIds(example.prompt.subarray(shared));
      const before = groups;
      groups += groupCount(example);
      return example.completions.map((completion) =>
        withStart(start, { ...completion, group: before + (completion.group ?? 0) }),
      );
    }),
  };
}

/** One tree of several: its prompt is what all their prompts begin with. */
export function joinExamples(examples: readonly TrainExample[]): TrainExample {
  const [first, ...others] = examples;
  if (first === undefined || others.length === 0) return first ?? joinAt([], 0);
  const all = first.prompt;
  return joinAt(
    examples,
    others.reduce((length, { prompt }) => commonLength(all, prompt, length), all.length),
  );
}

/** Compares two sequences in the order of a dictionary. */
function compareTokens(a: TokenIds, b: TokenIds): number {
  const at = commonLength(a, b, Infinity);
  return (a[at] ?? -1) - (b[at] ?? -1);
}

/** Examples in any order as trees of `limit` completions at most, those that begin alike together. */
export function joinAlike(examples: readonly TrainExample[], limit: number): TrainExample[] {
  const sorted = examples
    .map((example) => ({ example, promptIds: example.prompt, samples: example.completions }))
    .toSorted((a, b) => compareTokens(a.promptIds, b.promptIds));
  return prefixRuns(sorted, limit).map((run) => joinExamples(run.map(({ example }) => example)));
}
