/** Answers as tokens: how long a thought is, for masks of the loss, and their text without special tokens. */
import { asTokenIds, type TokenIds } from './messages.ts';
import type { ToolFormat } from './formats/format.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Number of leading tokens of an answer that are its thought, the end of that included: all of an answer whose thought never
 * ends, none where it has no thought and need not have one. The end may be one token, or letters of several.
 */
export function thoughtLength(
  ids: TokenIds,
  tokenizer: Pick<Tokenizer, 'findId' | 'decode'>,
  { think, thinks }: ToolFormat,
): number {
  const end = tokenizer.findId(think.close);
  if (end !== undefined) {
    const at = ids.lastIndexOf(end);
    return at >= 0 ? at + 1 : thinks || ids.includes(tokenizer.findId(think.open) ?? -1) ? ids.length : 0;
  }
  const text = tokenizer.decode(ids);
  const ends = text.split(think.close).length - 1;
  if (ends === 0) return thinks || text.includes(think.open) ? ids.length : 0;
  // The fewest tokens whose text has all of the ends.
  let [few, many] = [0, ids.length];
  while (few < many) {
    const middle = (few + many) >> 1;
    const found = tokenizer.decode(ids.subarray(0, middle)).split(think.close).length - 1;
    if (found === ends) many = middle;
    else few = middle + 1;
  }
  return few;
}

/** Text of an answer without special tokens, but with those that its calls are written with. */
export function plainText(
  ids: TokenIds,
  tokenizer: Pick<Tokenizer, 'findId' | 'decode' | 'isSpecial'>,
  { special }: ToolFormat,
): string {
  const kept = new Set(special.map((token) => tokenizer.findId(token)));
  return tokenizer.decode(asTokenIds(ids.filter((id) => kept.has(id) || !tokenizer.isSpecial(id))));
}
