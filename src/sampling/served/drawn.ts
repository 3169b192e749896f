/** A sample as a student is to learn it: up to its end of turn, which is the student's own, with what the server said of each token. */
import { required } from '../../base/errors.ts';
import { asTokenIds } from '../../base/token-ids.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import { LOWEST } from '../../topk/format.ts';
import { type Distributions, NO_DISTRIBUTIONS } from '../teacher.ts';
import type { Drawn } from '../sampler.ts';
import type { RawSample, TokenFacts, TopEntries } from './protocol.ts';

/**
 * Rows of k entries: likeliest first, each id once, more than k cut. Where there are fewer, the first is repeated with
 * no probability, which changes nothing; a token that nothing is known of gets a row without any.
 */
function rowsOf(facts: readonly (TokenFacts | undefined)[], topK: number): Distributions {
  const logprobs = new Float32Array(facts.length).fill(LOWEST);
  const ids = new Int32Array(facts.length * topK);
  const topLogprobs = new Float32Array(facts.length * topK).fill(LOWEST);
  facts.forEach((fact, row) => {
    if (fact === undefined) return;
    logprobs[row] = fact.logprob;
    if (topK === 0) return;
    const [start, end] = [row * topK, (row + 1) * topK];
    const count = sortInto(fact.top, ids.subarray(start, end), topLogprobs.subarray(start, end));
    const first = required(
      count === 0 ? undefined : ids[start],
      `the distribution of token ${row} of an answer`,
    );
    ids.fill(first, start + count, end);
  });
  return { logprobs, top: { ids, logprobs: topLogprobs } };
}

/** Puts entries into a row, as many as it has room for, and returns how many. Servers have them in order, but for the sampled token. */
function sortInto(entries: TopEntries, ids: Int32Array, logprobs: Float32Array): number {
  const seen = new Set<number>();
  let count = 0;
  entries.ids.forEach((id, i) => {
    if (seen.has(id)) return;
    seen.add(id);
    const logprob = entries.logprobs[i] ?? LOWEST;
    let at = count;
    for (; at > 0; at--) {
      const before = logprobs[at - 1] ?? LOWEST;
      if (before > logprob || (before === logprob && (ids[at - 1] ?? 0) < id)) break;
    }
    if (at === ids.length) return;
    const kept = Math.min(count, ids.length - 1);
    if (at < kept) {
      ids.copyWithin(at + 1, at, kept);
      logprobs.copyWithin(at + 1, at, kept);
    }
    ids[at] = id;
    logprobs[at] = logprob;
    count = kept + 1;
  });
  return count;
}

/** A sample of what a server gave; without a tokenizer its text alone. `topK` entries of each token that the server says something of. */
export function drawnOf(sample: RawSample, tokenizer: Tokenizer | undefined, topK: number): Drawn {
  if (!('text' in sample)) {
    const reader = required(tokenizer, "the tokenizer for a server's tokens");
    const { tokens, facts, finish } = withEnd(sample, reader);
    const own = drawnTokens(tokens);
    return { text: reader.decode(own.tokens), ...own, finish, ...rowsOf(facts, topK) };
  }
  if (tokenizer === undefined) {
    const { text, finish, length = 0 } = sample;
    return { text, ...drawnTokens([]), length, finish, ...NO_DISTRIBUTIONS };
  }
  const { text, finish } = cutText(sample, tokenizer);
  return { text, ...drawnTokens(tokenizer.encode(text)), finish, ...NO_DISTRIBUTIONS };
}

const drawnTokens = (ids: Int32Array | readonly number[]) => ({
  tokens: asTokenIds(ids),
  length: ids.length,
  drawn: new Uint8Array(ids.length).fill(1),
});

type Text = Extract<RawSample, { text: string }>;
type Tokens = Exclude<RawSample, Text>;

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
function withEnd(sample: Tokens, tokenizer: Tokenizer): Tokens {
  const { tokens, facts, finish } = sample;
  const { stopIds, turnEndId } = tokenizer;
  const end = tokens.findIndex((id) => stopIds.includes(id)) + 1;
  // A server that does not know the end of turn writes on behind it.
  if (end > 0 && end < tokens.length)
    return { tokens: tokens.slice(0, end), facts: facts.slice(0, end), finish: 'stop' };
  if (finish === 'length' || end > 0) return sample;
  const last = tokens.at(-1);
  const length = last !== undefined && tokenizer.isSpecial(last) ? tokens.length - 1 : tokens.length;
  return {
    tokens: [...tokens.slice(0, length), turnEndId],
    facts: [...facts.slice(0, length), undefined],
    finish,
  };
}
