/** Dialogues as examples of cross-entropy: what they share is the prompt of a tree. */
import type { Dialogue } from '../chat/messages.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { renderDialogue } from '../data/render.ts';
import { rowsFrom, type TrainExample } from './examples.ts';
import { joinExamples } from './shared-prefix.ts';

/**
 * Dialogues with one tool set as one example. Those of a user may have system messages of their own, or none, in which
 * case less is shared; what they begin with alike, such as the mark of a turn, is at least one token.
 */
export function groupExample(
  dialogues: readonly Dialogue[],
  tokenizer: Tokenizer,
  template: ChatTemplate,
): TrainExample {
  const records = dialogues.map((dialogue) => renderDialogue(dialogue, tokenizer, template));
  const examples = records.map(({ promptIds, targetIds }): TrainExample => ({
    prompt: promptIds,
    completions: [{ tokens: targetIds, rows: rowsFrom(targetIds), inputs: {} }],
  }));
  return joinExamples(examples, Math.max(1, records[0]?.systemLength ?? 0));
}
