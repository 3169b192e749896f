/** Tells whether a server can be learned from: asked once at the start, so that a run does not fail hours later. */
import { UserError } from '../../base/errors.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import { LOWEST } from '../../topk/format.ts';
import { MASS_TOLERANCE } from '../../topk/inspect.ts';
import { type Endpoint, persistently } from './endpoint.ts';
import { Refused, Unsendable } from './faults.ts';
import type { Ask, Protocol, TokenFacts } from './protocol.ts';
import type { Reply } from './reply.ts';

export interface Probed extends Pick<Ask, 'format' | 'isEnd' | 'topK' | 'sampling'> {
  readonly protocol: Protocol;
  readonly endpoint: Endpoint;
  readonly tokenizer: Tokenizer;
}

/** Tags, digits, accents, other scripts and an emoji: what tokenizers differ in. */
const SAMPLE_TEXT =
  '<|im_start|>user\nTurn 3 lights to 12.50%, naïve Grüße: 你好 мир 🙂<|im_end|>\n<|im_start|>assistant\n<think>\n</think>\n<tool_call>\n{"name": "set_light", "arguments": {"level": 12.5}}\n</tool_call>';
/** Text that it is asked to go on with: many words can follow. */
const PROMPT = 'The next word of this sentence is';
const OTHER_TEMPERATURE = 0.5;
/** Tokens that a chat is asked for: some services refuse to answer with fewer. */
const CHAT_TOKENS = 16;
/** Times that a first token is drawn until one can be sent. */
const DRAWS = 8;
/** Nats that likeliest and unlikeliest entry must lie apart for a scale to be seen. */
const SMALL_GAP = 0.5;

/** Throws if `found`, the ids that a server makes of the sample text, are not the tokenizer's own. */
function checkTokens(url: string, tokenizer: Tokenizer, found: readonly number[]): void {
  const own = tokenizer.encode(SAMPLE_TEXT);
  const at = own.findIndex((id, i) => id !== found[i]);
  if (at < 0 && own.length === found.length) return;
  const place = at < 0 ? own.length : at;
  throw new UserError(
    'VOCABULARY',
    `${url} has another vocabulary than the student's: where the student reads ${JSON.stringify(tokenizer.tokenText(own[place] ?? -1))} (token ${own[place] ?? 'none'}), it reads token ${found[place] ?? 'none'}; serve a teacher with the student's tokenizer.`,
  );
}

/** Checks one address and returns warnings; throws a UserError that says what to change, a Refused or a BadReply. */
export async function probeEndpoint(probed: Probed, signal: AbortSignal): Promise<readonly string[]> {
  const { protocol, endpoint, tokenizer, sampling, topK } = probed;
  const vocabulary = await persistently(
    async () => protocol.tokenize?.(endpoint, SAMPLE_TEXT, signal),
    endpoint,
  );
  if (vocabulary !== undefined) checkTokens(endpoint.url, tokenizer, vocabulary);
  if (!protocol.distributions || sampling.kd_topk === undefined) {
    try {
      await send(probed, 1, sampling.temperature, signal);
    } catch (thrown) {
      // It answers; what it thinks of a prompt does not fit into so few tokens, or is part of a character.
      const isAnswer = thrown instanceof Refused && protocol.cut?.test(thrown.said) === true;
      if (!isAnswer && !(thrown instanceof Unsendable)) throw thrown;
    }
    return [];
  }
  const few = Math.min(2, topK);
  checkRow(probed, await firstToken(probed, few, 1, signal), few);
  const all = await firstToken(probed, topK, 1, signal);
  checkRow(probed, all, topK);
  return checkScale(probed, all, await firstToken(probed, topK, OTHER_TEMPERATURE, signal));
}

async function send(probed: Probed, topK: number, temperature: number, signal: AbortSignal, seed = 1) {
  const { protocol, endpoint, tokenizer, format, isEnd, sampling } = probed;
  const messages = [{ role: 'user', content: PROMPT } as const];
  const ask: Ask = {
    prompt: { text: PROMPT, ids: tokenizer.encode(PROMPT), messages },
    samples: 1,
    seed,
    sampling: { ...sampling, temperature, generate_max_len: protocol.distributions ? 1 : CHAT_TOKENS },
    format,
    topK,
    stopIds: tokenizer.stopIds,
    isEnd,
    model: endpoint.model ?? '',
  };
  const read = (reply: Reply) => ({ reply, sample: protocol.read(reply, ask)[0] });
  return persistently(() => endpoint.ask(protocol.path(ask), protocol.body(ask), signal, read), endpoint);
}

/** Facts of the first token: the same whichever is drawn, but nothing where it is a part of a character. */
async function firstToken(probed: Probed, topK: number, temperature: number, signal: AbortSignal) {
  for (let seed = 1; ; seed++) {
    try {
      const { reply, sample } = await send(probed, topK, temperature, signal, seed);
      const fact = sample !== undefined && 'facts' in sample ? sample.facts[0] : undefined;
      if (fact !== undefined) return fact;
      if (seed >= DRAWS) reply.fail('has no log-probabilities of the first token');
    } catch (thrown) {
      if (!(thrown instanceof Unsendable) || seed >= DRAWS) throw thrown;
    }
  }
}

/** Entries as many as were asked for, of the student's vocabulary, and no more probability than there is. */
function checkRow({ endpoint, tokenizer, protocol }: Probed, { top }: TokenFacts, topK: number): void {
  const wanted = Math.min(topK, tokenizer.vocabSize);
  if (top.ids.length < wanted) {
    throw new UserError(
      'TEACHER',
      `${endpoint.url} gives ${top.ids.length} log-probabilities a token instead of ${topK}; raise its limit or lower kd_topk.`,
    );
  }
  const mass = top.logprobs.subarray(0, topK).reduce((sum, logprob) => sum + Math.exp(logprob), 0);
  if (!(mass <= 1 + MASS_TOLERANCE)) {
    throw new UserError(
      'TEACHER',
      `${endpoint.url} gives probabilities that add up to ${mass.toFixed(3)}, more than 1; ${protocol.scaledHint}.`,
    );
  }
}

/** Two temperatures must give one distribution. What is scaled can still be had at temperature 1. */
function checkScale(probed: Probed, at1: TokenFacts, other: TokenFacts): readonly string[] {
  const { endpoint, protocol, sampling } = probed;
  const of = ({ top: { ids, logprobs } }: TokenFacts) =>
    Array.from(ids, (id, i): [number, number] => [id, logprobs[i] ?? LOWEST]);
  const there = new Map(of(other));
  const common = of(at1).filter(([id, logprob]) => there.has(id) && logprob > -50);
  const logprobs = common.map(([, logprob]) => logprob);
  const otherLogprobs = common.map(([id]) => there.get(id) ?? 0);
  const gap = Math.max(...logprobs) - Math.min(...logprobs);
  const otherGap = Math.max(...otherLogprobs) - Math.min(...otherLogprobs);
  if (common.length < 2 || gap < SMALL_GAP)
    return [`${endpoint.url}: whether temperature scales its log-probabilities could not be told`];
  const ratio = otherGap / gap;
  if (ratio > 0.8 && ratio < 1.25) return [];
  const isScaled = ratio > 1.5 && ratio < 2.6;
  if (isScaled && sampling.temperature === 1 && (sampling.top_p ?? 1) === 1 && (sampling.top_k ?? -1) < 0)
    return [];
  throw new UserError(
    'TEACHER',
    isScaled
      ? `${endpoint.url} scales its log-probabilities by the temperature; draw at temperature 1 (with top_p 1 and top_k -1), or ${protocol.scaledHint}.`
      : `${endpoint.url} gives other log-probabilities at another temperature (${ratio.toFixed(2)} times as far apart); ${protocol.scaledHint}.`,
  );
}
