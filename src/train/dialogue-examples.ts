/** Dialogues as examples of cross-entropy: what they share is the prompt of a tree. */
import { asTokenIds } from '../base/token-ids.ts';
import type { Dialogue } from '../chat/messages.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { renderDialogue } from '../data/render.ts';
import { commonLength } from '../model/tree/shared-prefix.ts';
import { rowsFrom, type TrainCompletion, type TrainExample } from './examples.ts';

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
  const first = records[0];
  const shared = records.reduce(
    (length, { promptIds }) => commonLength(first?.promptIds ?? promptIds, promptIds, length),
    Math.max(1, first?.systemLength ?? 0),
  );
  const completions = records.map((record): TrainCompletion => {
    const request = record.promptIds.subarray(shared);
    const tokens = new Int32Array(request.length + record.targetIds.length);
    tokens.set(request);
    tokens.set(record.targetIds, request.length);
    const ids = asTokenIds(tokens);
    return { tokens: ids, rows: rowsFrom(ids, request.length), inputs: {} };
  });
  return { prompt: asTokenIds(first?.promptIds.slice(0, shared) ?? []), completions };
}
