/** A sample as the student is to learn it: up to its end of turn, which is the student's own. */
import { asTokenIds } from '../../base/token-ids.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import { type Distributions, type Draft, NO_DISTRIBUTIONS, rowsOf, type TokenFacts } from '../teacher.ts';
import type { Finish } from './finish.ts';
import type { RawSample } from './protocol.ts';

/** A draft with what the server said of its tokens. */
export interface Drawn {
  readonly draft: Draft;
  readonly distributions: Distributions;
}

/** Makes a draft of what a server gave; `topK` entries of each token that it says something of. */
export function drawnOf(sample: RawSample, tokenizer: Tokenizer, topK: number): Drawn {
  if ('text' in sample) {
    const { text, finish } = cutText(sample, tokenizer);
    return { draft: { text, tokens: tokenizer.encode(text), finish }, distributions: NO_DISTRIBUTIONS };
  }
  const { ids, facts, finish } = withEnd(sample, tokenizer);
  const tokens = asTokenIds(ids);
  const draft = { text: tokenizer.decode(tokens), tokens, finish };
  return { draft, distributions: rowsOf(facts, topK) };
}

type Text = Extract<RawSample, { text: string }>;

/** A text up to its end of turn, which is the student's own: what it is to learn ends so. */
function cutText({ text, finish }: Text, tokenizer: Tokenizer): Text {
  const ends = tokenizer.stopIds.map((id) => text.indexOf(tokenizer.tokenText(id))).filter((at) => at >= 0);
  const said = ends.length === 0 ? text : text.slice(0, Math.min(...ends));
  const isWhole = finish === 'stop' || ends.length > 0;
  return isWhole
    ? { text: said + tokenizer.tokenText(tokenizer.turnEndId), finish: 'stop' }
    : { text, finish };
}

/**
 * The tokens of an answer up to its end of turn. An end that the server left out is put there, without a distribution,
 * and so is the student's own where the teacher has another.
 */
function withEnd(
  { tokens, facts, finish }: Exclude<RawSample, { text: string }>,
  tokenizer: Tokenizer,
): {
  readonly ids: readonly number[];
  readonly facts: readonly (TokenFacts | undefined)[];
  readonly finish: Finish;
} {
  const { stopIds, turnEndId } = tokenizer;
  const end = tokens.findIndex((id) => stopIds.includes(id)) + 1;
  // A server that does not know the end of turn writes on behind it.
  if (end > 0 && end < tokens.length)
    return { ids: tokens.slice(0, end), facts: facts.slice(0, end), finish: 'stop' };
  if (finish === 'length' || end > 0) return { ids: tokens, facts, finish };
  const last = tokens.at(-1);
  const length = last !== undefined && tokenizer.isSpecial(last) ? tokens.length - 1 : tokens.length;
  return {
    ids: [...tokens.slice(0, length), turnEndId],
    facts: [...facts.slice(0, length), undefined],
    finish,
  };
}
