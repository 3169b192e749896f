/**
 * Prompts that begin alike, as those with one tool set do, become one tree: what they share is computed once, and the
 * rest of each prompt goes with its completions. Losses and gradients stay those of the separate prompts.
 */
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import type { Dialogue } from '../chat/messages.ts';
import { renderDialogue } from '../data/render.ts';
import { commonLength, prefixRuns } from '../model/tree/shared-prefix.ts';
import { groupCount, rowsFrom, type TrainCompletion, type TrainExample } from './examples.ts';
import type { Speaking } from './prompts.ts';

function withStart(start: TokenIds, completion: TrainCompletion): TrainCompletion {
  if (start.length === 0) return completion;
  const { tokens, rows } = completion;
  const whole = new Int32Array(start.length + tokens.length);
  whole.set(start);
  whole.set(tokens, start.length);
  return { ...completion, tokens: asTokenIds(whole), rows: rows.map((row) => row + start.length) };
}

/**
 * One tree of several: its prompt is what all their prompts begin with, `most` tokens at most. Groups of completions stay
 * apart.
 */
export function joinExamples(examples: readonly TrainExample[], most = Infinity): TrainExample {
  const start = examples[0]?.prompt ?? asTokenIds([]);
  const longest = Math.min(most, start.length);
  const shared = examples.reduce((length, { prompt }) => commonLength(start, prompt, length), longest);
  let groups = 0;
  return {
    prompt: asTokenIds(start.slice(0, shared)),
    completions: examples.flatMap((example) => {
      const rest = asTokenIds(example.prompt.subarray(shared));
      const before = groups;
      groups += groupCount(example);
      return example.completions.map((completion) =>
        withStart(rest, { ...completion, group: before + (completion.group ?? 0) }),
      );
    }),
  };
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

/**
 * Dialogues with one tool set as one example. Those of a user may have system messages of their own, or none, in which
 * case less is shared; what they begin with alike, such as the mark of a turn, is at least one token.
 */
export function groupExample(
  dialogues: readonly Dialogue[],
  { tokenizer, template }: Speaking,
): TrainExample {
  const records = dialogues.map((dialogue) => renderDialogue(dialogue, tokenizer, template));
  const examples = records.map(({ promptIds, targetIds }): TrainExample => ({
    prompt: promptIds,
    completions: [{ tokens: targetIds, rows: rowsFrom(targetIds), inputs: {} }],
  }));
  return joinExamples(examples, Math.max(1, records[0]?.systemLength ?? 0));
}
