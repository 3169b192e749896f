/**
 * The /completion of llama.cpp's server: ids in, ids out, any k, of the raw softmax. All samplers that it has on by
 * default are switched off by name. It gives no entry for tokens that end in the middle of a character; they are found
 * by matching ids, and have no distribution. Answers that are no valid UTF-8, such as half of a character, it reads as if
 * they were a chat's, fails at (seen in 0.4.0) and answers 500.
 */
import { type Finish, finishOf, type IsEnd } from './finish.ts';
import { type Ask, type Protocol, type TokenFacts, TopEntries } from './protocol.ts';
import type { Reply } from './reply.ts';

interface Entry extends TokenFacts {
  readonly id: number;
}

function entryOf(item: Reply): Entry {
  const top = item.at('top_logprobs').list();
  return {
    id: item.at('id').id(),
    logprob: item.at('logprob').logprob(),
    top: TopEntries.of(top.map((one) => [one.at('id').id(), one.at('logprob').logprob()])),
  };
}

/**
 * The entry of each token: both are in order, and entries may be missing. Matched from the end, as it is the token that
 * completes a character that has the entry.
 */
function align(tokens: readonly number[], entries: readonly Entry[], at: Reply): (TokenFacts | undefined)[] {
  const facts: (TokenFacts | undefined)[] = tokens.map(() => undefined);
  let next = entries.length - 1;
  for (let i = tokens.length - 1; i >= 0 && next >= 0; i--) {
    const entry = entries[next];
    if (entry === undefined || entry.id !== tokens[i]) continue;
    facts[i] = entry;
    next -= 1;
  }
  if (next >= 0) at.fail('is not of the tokens that came with it');
  return facts;
}

/** End of an answer: by `stop_type`, or by what older servers say instead. Cut by a full context it is `truncated`. */
function finishOfSample(reply: Reply, isEnd: IsEnd): Finish {
  if (reply.at('truncated').value === true) return 'length';
  const type = reply.at('stop_type');
  const word = reply.at('stopping_word').value;
  if (type.isThere)
    return type.value === 'word' ? wordEnd(word, isEnd) : finishOf(type.value, undefined, isEnd);
  if (reply.at('stopped_eos').value === true) return 'stop';
  return reply.at('stopped_word').value === true ? wordEnd(word, isEnd) : 'length';
}

const wordEnd = (word: unknown, isEnd: IsEnd): Finish =>
  typeof word === 'string' && isEnd(word) ? 'stop' : 'length';

export const llamaCpp: Protocol = {
  name: 'llama.cpp',
  distributions: true,
  base: (url) => url.replace(/\/v1\/*$/, ''),
  path: () => '/completion',
  body: ({ prompt, seed, sampling, topK }: Ask) => ({
    prompt: Array.from(prompt.ids ?? []),
    n_predict: sampling.generate_max_len,
    n_probs: topK,
    post_sampling_probs: false,
    return_tokens: true,
    temperature: sampling.temperature,
    top_k: Math.max(0, sampling.top_k ?? 0),
    top_p: sampling.top_p ?? 1,
    min_p: 0,
    typical_p: 1,
    top_n_sigma: -1,
    xtc_probability: 0,
    repeat_penalty: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    dry_multiplier: 0,
    mirostat: 0,
    samplers: ['top_k', 'top_p', 'temperature'],
    seed,
    cache_prompt: true,
    stream: false,
  }),
  read(reply, { isEnd }) {
    const tokens = reply.at('tokens').ids();
    const given = reply.at('completion_probabilities');
    const facts = align(tokens, given.isThere ? given.list().map(entryOf) : [], given);
    return [{ finish: finishOfSample(reply, isEnd), tokens, facts }];
  },
  async tokenize(endpoint, text, signal) {
    const body = { content: text, add_special: false, parse_special: true };
    return (await endpoint.send('/tokenize', body, signal)).at('tokens').ids();
  },
  unsendable: /model produced output that does not match the expected/,
  scaledHint: 'send requests to llama.cpp itself, with post_sampling_probs off',
};
