/**
 * Prompts that begin alike, as those with one tool set do, become one tree: what they share is computed once, and the
 * rest of each prompt goes with its completions. Losses and gradients stay those of the separate prompts.
 */
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import { commonLength } from '../model/shared-prefix.ts';
import type { TrainCompletion, TrainExample } from './examples.ts';

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
