/**
 * SGLang's /generate: ids in, ids out, any k. Its log-probabilities are scaled by the temperature unless the server's
 * environment has SGLANG_RETURN_ORIGINAL_LOGPROB=1; the probe sees the difference. `n` is discouraged there, so every
 * sample is a request of its own, and the prompt comes from the server's prefix cache.
 */
import { mayPass, Refused, Transient } from './faults.ts';
import { type Finish, finishOf, type IsEnd, samplesOf } from './finish.ts';
import { type Ask, type Protocol, type RawSample, type TokenFacts, TopEntries } from './protocol.ts';
import { isFields } from '../../json/value.ts';
import type { Reply } from './reply.ts';

/** Reads [log-probability, id, text]. */
function entry(item: Reply): readonly [id: number, logprob: number] {
  const [logprob, id] = item.list();
  if (logprob === undefined || id === undefined) item.fail('is no [log-probability, id]');
  return [id.id(), logprob.logprob()];
}

/** End of a sample: {type, matched} or {type: "abort", message, status_code}; older servers give the type alone. */
function finishOfSample(reason: Reply, isEnd: IsEnd): Finish {
  if (!isFields(reason.value)) return finishOf(reason.value, undefined, isEnd);
  const type = reason.at('type');
  const [message, status] = [reason.at('message'), reason.at('status_code').value];
  if (type.value === 'abort' && message.isThere) {
    const said = String(message.value);
    if (typeof status === 'number' && !mayPass(status))
      throw new Refused(status, `SGLang gave up on an answer (HTTP ${status}, ${said})`, said);
    throw new Transient(`gave up on an answer (abort, ${said})`);
  }
  return finishOf(type.value, reason.at('matched').value, isEnd);
}

function readSample(reply: Reply, isEnd: IsEnd): RawSample {
  const meta = reply.at('meta_info');
  const finish = finishOfSample(meta.at('finish_reason'), isEnd);
  const own = meta.at('output_token_logprobs').list().map(entry);
  const top = meta.at('output_top_logprobs').list();
  const facts = own.map(([, logprob], i): TokenFacts => {
    const row = top[i] ?? meta.fail('has fewer rows than tokens');
    return { logprob, top: TopEntries.of(row.list().map(entry)) };
  });
  return { finish, tokens: own.map(([id]) => id), facts };
}

export const sglang: Protocol = {
  name: 'SGLang',
  distributions: true,
  base: (url) => url.replace(/\/v1\/*$/, ''),
  path: () => '/generate',
  body: ({ prompt, seed, sampling, topK, stopIds }: Ask) => ({
    input_ids: Array.from(prompt.ids ?? []),
    sampling_params: {
      max_new_tokens: sampling.generate_max_len,
      temperature: sampling.temperature,
      top_p: sampling.top_p ?? 1,
      top_k: sampling.top_k ?? -1,
      min_p: 0,
      repetition_penalty: 1,
      sampling_seed: seed,
      stop_token_ids: stopIds,
      skip_special_tokens: false,
      no_stop_trim: true,
    },
    return_logprob: true,
    top_logprobs_num: topK,
    logprob_start_len: -1,
    return_text_in_logprobs: false,
  }),
  // With n = 1 the answer is an object, with a batch a list of them.
  read: (reply, { isEnd }) =>
    Array.isArray(reply.value)
      ? samplesOf(reply, (one) => readSample(one, isEnd))
      : [readSample(reply, isEnd)],
  async tokenize(endpoint, text, signal) {
    const body = {
      text,
      sampling_params: { max_new_tokens: 1 },
      return_logprob: true,
      logprob_start_len: 0,
      return_text_in_logprobs: false,
    };
    const reply = await endpoint.send('/generate', body, signal);
    const input = reply.at('meta_info').at('input_token_logprobs').list();
    return input.map((item) => entry(item)[0]);
  },
  scaledHint: 'start SGLang with SGLANG_RETURN_ORIGINAL_LOGPROB=1 in its environment',
};
