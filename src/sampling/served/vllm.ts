/**
 * vLLM's /v1/completions. The prompt goes in as token ids, so the chat template is ours. Tokens are asked for as
 * "token_id:123": by their text different ids would collide. Needs `--max-logprobs` of at least k (default 20); with the
 * default `--logprobs-mode raw_logprobs` temperature does not scale them.
 */
import { Refused } from './faults.ts';
import { finishOf, samplesOf } from './finish.ts';
import { type Ask, type Protocol, type RawSample, type TokenFacts, TopEntries } from './protocol.ts';
import type { Reply } from './reply.ts';
import { parseCompletions } from './vllm-rows.ts';

const PREFIX = 'token_id:';

function tokenId(name: string, at: Reply): number {
  const id = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length)) : Number.NaN;
  return Number.isInteger(id) && id >= 0
    ? id
    : at.fail(`names a token ${JSON.stringify(name)} and not its id`);
}

const entriesOf = (row: Reply): TopEntries =>
  TopEntries.of(row.entries().map(([key, value]) => [tokenId(key, row), value.logprob()]));

function readChoice(choice: Reply, { topK, isEnd }: Ask): RawSample {
  const finish = finishOf(choice.at('finish_reason').value, choice.at('stop_reason').value, isEnd);
  const logprobs = choice.at('logprobs');
  const names = logprobs.at('tokens').list();
  const own = logprobs.at('token_logprobs').list();
  const top = logprobs.at('top_logprobs').list();
  const facts = names.map((_, i): TokenFacts => {
    const row = top[i] ?? logprobs.fail('has fewer rows than tokens');
    return {
      logprob: (own[i] ?? logprobs.fail('has fewer log-probabilities than tokens')).logprob(),
      // The sampled token may come in addition to the k; the likeliest k are kept.
      top: row.value instanceof TopEntries ? row.value : entriesOf(row),
    };
  });
  const given = choice.at('token_ids');
  const tokens = given.isThere ? given.ids() : names.map((name) => tokenId(name.text(), name));
  if (tokens.length !== facts.length)
    choice.fail(`has ${tokens.length} tokens and ${facts.length} rows of ${topK}`);
  return { finish, tokens, facts };
}

export const vllm: Protocol = {
  name: 'vLLM',
  distributions: true,
  base: (url) => url.replace(/\/v1\/*$/, ''),
  path: () => '/v1/completions',
  models: '/v1/models',
  body: ({ prompt, samples, seed, sampling, topK, stopIds, model }: Ask) => ({
    model,
    prompt: Array.from(prompt.ids ?? []),
    n: samples,
    seed,
    max_tokens: sampling.generate_max_len,
    temperature: sampling.temperature,
    top_p: sampling.top_p ?? 1,
    top_k: sampling.top_k ?? -1,
    min_p: 0,
    repetition_penalty: 1,
    stop_token_ids: stopIds,
    skip_special_tokens: false,
    logprobs: topK,
    return_tokens_as_token_ids: true,
    return_token_ids: true,
  }),
  parse: parseCompletions,
  read: (reply, ask) => samplesOf(reply.at('choices'), (choice) => readChoice(choice, ask)),
  // Of a greedy draw it gives one sample a request.
  adjustable: new Map([['n', undefined]]),
  async tokenize(endpoint, text, signal) {
    const body = { model: endpoint.model ?? '', prompt: text, add_special_tokens: false };
    try {
      return (await endpoint.send('/tokenize', body, signal)).at('tokens').ids();
    } catch (thrown) {
      if (!(thrown instanceof Refused && thrown.status === 404)) throw thrown;
    }
    // A gateway may let through what is below /v1 alone.
    const asked = { ...body, max_tokens: 1, return_token_ids: true };
    const reply = await endpoint.send('/v1/completions', asked, signal);
    const [choice] = reply.at('choices').list();
    const ids = choice?.at('prompt_token_ids');
    return (ids?.isThere === true ? ids : reply.at('prompt_token_ids')).ids();
  },
  scaledHint: 'start vLLM with --logprobs-mode raw_logprobs',
};
