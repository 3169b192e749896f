/** A model behind an OpenAI-compatible API (vLLM, SGLang, llama.cpp, OpenAI) as the one who answers a benchmark. */
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { Message } from '../chat/messages.ts';
import { headerKey, serverAddress } from './served/address.ts';
import { Endpoint, persistently, Refused, Transient } from './served/endpoint.ts';
import { finishOf, isTurnEnd } from './served/finish.ts';
import { CHAT_PARAMETERS } from './served/parameters.ts';
import { refusalError } from './served/refusal.ts';
import { BadReply, type Reply } from './served/reply.ts';
import { Watch } from './served/watch.ts';
import type { Answer, AnsweringModel, AskOptions, ModelOptions } from './answering.ts';

/** Milliseconds that one answer may take, and of the first pause after a fault. */
const TIMES = { timeout: 600_000, firstPause: 500 } as const;
/** Faults in a row after which the server is given up. */
const RETRIES = 4;

const usageSchema = z.object({ completion_tokens: z.number().optional() }).nullish();
const ending = {
  finish_reason: z.string().nullish(),
  stop_reason: z.unknown().optional(),
  matched_stop: z.unknown().optional(),
};
const chatSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }), ...ending })).nullable(),
  usage: usageSchema,
});
const completionSchema = z.object({
  choices: z.array(z.object({ text: z.string(), ...ending })).nullable(),
  usage: usageSchema,
});
const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });

/** How servers say that a prompt leaves no room for an answer; none has an error code for it. */
const TOO_LONG = /context|too long|too many tokens|exceed/i;

/** The prompt fills the model's positions. */
class TooLong extends Error {}

export class ServedModel implements AnsweringModel {
  readonly name: string;
  readonly identity: string;
  readonly #endpoint: Endpoint;
  readonly #parallel: number;
  readonly #asked: Pick<ModelOptions, 'apiKey' | 'served'>;

  private constructor(endpoint: Endpoint, served: string, { parallel, apiKey }: ModelOptions) {
    this.name = served;
    this.identity = JSON.stringify([endpoint.url, served]);
    this.#endpoint = endpoint;
    this.#parallel = parallel;
    this.#asked = { served, ...(apiKey === undefined ? {} : { apiKey }) };
  }

  /** Reaches the server and chooses its model; `url` is what "/chat/completions" is appended to. */
  static async open(url: string, options: ModelOptions): Promise<ServedModel> {
    const { apiKey, served, tell } = options;
    const endpoint = new Endpoint(serverAddress(url), {
      ...TIMES,
      retries: RETRIES,
      requestsPerMinute: undefined,
      apiKey: headerKey(apiKey, 'OPENAI_API_KEY'),
      seed: 0,
      adjustable: CHAT_PARAMETERS,
      watch: new Watch(tell ?? (() => undefined)),
    });
    if (served !== undefined) return new ServedModel(endpoint, served, options);
    const [first] = await sent(endpoint, '/models', undefined, modelsSchema, ({ data }) => data, options);
    if (first === undefined)
      throw new UserError('SERVER', `${endpoint.url} lists no model; name the one to ask with --served.`);
    return new ServedModel(endpoint, first.id, options);
  }

  async *chat(
    conversations: readonly (readonly Message[])[],
    options: AskOptions,
  ): AsyncGenerator<Answer, void, undefined> {
    const { enableThinking, signal } = options;
    const template =
      enableThinking === undefined ? {} : { chat_template_kwargs: { enable_thinking: enableThinking } };
    yield* this.#each(conversations, signal, async (conversation, index) => {
      const messages = conversation.map(({ role, content }) => ({ role, content }));
      const body = { ...this.#settings(options), messages, ...template };
      const read = (reply: z.output<typeof chatSchema>): Answer =>
        answerOf(index, reply, ({ message }) => message.content ?? '');
      return sent(this.#endpoint, '/chat/completions', body, chatSchema, read, this.#asked, signal);
    });
  }

  async *complete(prompts: readonly string[], options: AskOptions): AsyncGenerator<Answer, void, undefined> {
    const { signal } = options;
    yield* this.#each(prompts, signal, async (prompt, index) => {
      const body = { ...this.#settings(options), prompt };
      const read = (reply: z.output<typeof completionSchema>): Answer =>
        answerOf(index, reply, ({ text }) => text);
      return sent(this.#endpoint, '/completions', body, completionSchema, read, this.#asked, signal);
    });
  }

  #settings({ maxTokens, temperature, topP, seed }: AskOptions): object {
    return {
      model: this.name,
      max_tokens: maxTokens,
      temperature,
      ...(topP === undefined ? {} : { top_p: topP }),
      ...(seed === undefined ? {} : { seed }),
    };
  }

  /** Keeps `parallel` requests under way and yields what comes back, in the order in which it does. */
  async *#each<Item>(
    items: readonly Item[],
    signal: AbortSignal | undefined,
    ask: (item: Item, index: number) => Promise<Answer>,
  ): AsyncGenerator<Answer, void, undefined> {
    const underWay = new Map<number, Promise<Answer>>();
    let next = 0;
    try {
      for (;;) {
        for (; next < items.length && underWay.size < this.#parallel; next++) {
          const item = items[next];
          if (item !== undefined) underWay.set(next, answered(ask, item, next));
        }
        if (underWay.size === 0) return;
        const answer = await Promise.race(underWay.values());
        underWay.delete(answer.index);
        yield answer;
        signal?.throwIfAborted();
      }
    } finally {
      // The others are let go; what they throw from here on is nobody's any more.
      for (const rest of underWay.values()) rest.catch(() => undefined);
    }
  }

  [Symbol.dispose](): void {}
}

/**
 * Sends a request, again while faults may pass, and reads the reply; throws a UserError, a TooLong, or the signal's
 * reason.
 */
async function sent<T, Read>(
  endpoint: Endpoint,
  path: string,
  body: object | undefined,
  schema: z.ZodType<T>,
  read: (value: T) => Read,
  { served = '', apiKey }: Pick<ModelOptions, 'apiKey' | 'served'>,
  signal = new AbortController().signal,
): Promise<Read> {
  const parsed = ({ value }: Reply): Read => {
    const result = schema.safeParse(value);
    if (result.success) return read(result.data);
    throw notOpenAi(endpoint, path, result.error);
  };
  try {
    return await persistently(() => endpoint.ask(path, body, signal, parsed), endpoint);
  } catch (thrown) {
    if (thrown instanceof BadReply) throw notOpenAi(endpoint, path, thrown);
    if (!(thrown instanceof Refused)) throw thrown;
    if (thrown.status === 400 && TOO_LONG.test(thrown.message)) throw new TooLong(thrown.message);
    const asked = {
      endpoint,
      listPath: '/models',
      model: served,
      hasKey: apiKey !== undefined,
      keyBy: 'the environment variable OPENAI_API_KEY',
      modelBy: '--served',
      otherwise: 'check the address and --served',
    };
    throw await refusalError(thrown, asked, signal, 'SERVER');
  }
}

function notOpenAi(endpoint: Endpoint, path: string, cause: Error): UserError {
  const why = cause instanceof BadReply ? ` (${cause.message})` : '';
  return new UserError(
    'SERVER',
    `${endpoint.url}${path} answers in a form that is not OpenAI's${why}; check the address, which mostly ends in /v1.`,
    { cause },
  );
}

/** An answer, also where there is no room for one. */
async function answered<Item>(
  ask: (item: Item, index: number) => Promise<Answer>,
  item: Item,
  index: number,
): Promise<Answer> {
  try {
    return await ask(item, index);
  } catch (thrown) {
    if (thrown instanceof TooLong) return { index, text: '', tokens: 0, end: 'full' };
    throw thrown;
  }
}

interface Choice {
  readonly finish_reason?: string | null | undefined;
  readonly stop_reason?: unknown;
  readonly matched_stop?: unknown;
}

/** The first choice as an answer; throws a Transient where there is none, or the server gave up on it. */
function answerOf<T extends Choice>(
  index: number,
  reply: { readonly choices: readonly T[] | null; readonly usage?: z.output<typeof usageSchema> },
  textOf: (choice: T) => string,
): Answer {
  const [choice] = reply.choices ?? [];
  if (choice === undefined) throw new Transient('answers without a single choice');
  const stoppedAt = choice.stop_reason ?? choice.matched_stop;
  const end = finishOf(choice.finish_reason, stoppedAt, isTurnEnd);
  return { index, text: textOf(choice), tokens: reply.usage?.completion_tokens ?? 0, end };
}
