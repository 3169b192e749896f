/**
 * Trained tokens of a stage's first records by role. A mask that leaves out the assistant's turns, or leaves in everything,
 * trains without a sound and teaches nothing, or the user's words; it is the most frequent fault of training on chats.
 */
import { UserError } from '../base/errors.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import type { TrainExample } from './examples.ts';
import type { Speaking } from './prompts.ts';

interface Count {
  trained: number;
  total: number;
}

/** Of the assistant; and of system, user and tools, with the tokens that begin every turn. */
type RoleCounts = Readonly<Record<'assistant' | 'others', Count>>;

/** One flag a token: tells whether it is the assistant's, up to and including the end of its turn. */
function assistantsOf(ids: TokenIds, header: TokenIds, ends: ReadonlySet<number>): boolean[] {
  // The last token of a header may be one with what follows it.
  const mark = header.length > 1 ? header.subarray(0, -1) : header;
  const isMark = (at: number): boolean => mark.every((id, i) => ids[at + i] === id);
  let [isInside, from] = [false, 0];
  return Array.from(ids, (id, at) => {
    if (!isInside && isMark(at)) [isInside, from] = [true, at + header.length];
    const isOwn = isInside && at >= from;
    if (isOwn && ends.has(id)) isInside = false;
    return isOwn;
  });
}

/** Counts the tokens of examples; a prompt's once for each of its completions. */
export function roleCounts(examples: readonly TrainExample[], { tokenizer, template }: Speaking): RoleCounts {
  const { assistant, callEnd = '' } = template.format;
  const header = tokenizer.encode(assistant);
  const ends = new Set([tokenizer.turnEndId, tokenizer.findId(callEnd) ?? tokenizer.turnEndId]);
  const counts = { assistant: { trained: 0, total: 0 }, others: { trained: 0, total: 0 } };
  for (const { prompt, completions } of examples)
    for (const { tokens, rows } of completions) {
      const ids = asTokenIds([...prompt, ...tokens]);
      const trained = new Set(rows);
      for (const [at, isOwn] of assistantsOf(ids, header, ends).entries()) {
        const count = isOwn ? counts.assistant : counts.others;
        count.total += 1;
        if (trained.has(at - prompt.length)) count.trained += 1;
      }
    }
  return counts;
}

/** Words on the trained tokens of a stage's first examples. Throws a UserError where none of the assistant's are trained, or all tokens are. */
export function checkRoles(stage: string, { assistant, others }: RoleCounts): string {
  const [trained, total] = [assistant.trained + others.trained, assistant.total + others.total];
  if (assistant.total > 0 && assistant.trained === 0)
    throw new UserError(
      'LOSS_MASK',
      `Stage ${stage} trains none of the assistant's ${assistant.total} tokens in its first records; check its mask, and that the chat template ends turns as the data do.`,
    );
  if (others.total > 0 && trained === total)
    throw new UserError(
      'LOSS_MASK',
      `Stage ${stage} trains all ${total} tokens of its first records, the users' too; check that the chat template's text of a prompt is how the conversation begins.`,
    );
  const share = (name: string, count: Count): string => `${count.trained} of ${count.total} of ${name}`;
  return `trained tokens of the first records: ${share('the assistant', assistant)}, ${share('the others', others)}`;
}
