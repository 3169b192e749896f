/** A model behind an OpenAI-compatible API (vLLM, SGLang, llama.cpp, OpenAI) as the one who answers a benchmark. */
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { Message } from '../chat/messages.ts';
import { Endpoint, persistently, Refused } from '../teacher/served/endpoint.ts';
import type { Answer, AnsweringModel, AskOptions, ModelOptions } from './models.ts';

/** Milliseconds that one answer may take, and of the first pause after a fault. */
const TIMES = { timeout: 600_000, firstPause: 500 } as const;
/** Faults in a row after which the server is given up. */
const RETRIES = 4;

const usageSchema = z.object({ completion_tokens: z.number().optional() }).nullish();
const chatSchema = z.object({
  choices: z.array(
    z.object({ message: z.object({ content: z.string().nullish() }), finish_reason: z.string().nullish() }),
  ),
  usage: usageSchema,
});
const completionSchema = z.object({
  choices: z.array(z.object({ text: z.string(), finish_reason: z.string().nullish() })),
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

  private constructor(endpoint: Endpoint, served: string, { parallel }: ModelOptions) {
    this.name = served;
    this.identity = JSON.stringify([endpoint.url, served]);
    this.#endpoint = endpoint;
    this.#parallel = parallel;
  }

  /** Reaches the server and chooses its model; `url` is what "/chat/completions" is appended to. */
  static async open(url: string, options: ModelOptions): Promise<ServedModel> {
    const { apiKey, served } = options;
    const endpoint = new Endpoint(url, {
      ...TIMES,
      retries: RETRIES,
      requestsPerMinute: undefined,
      apiKey,
      seed: 0,
    });
    if (served !== undefined) return new ServedModel(endpoint, served, options);
    const [first] = (await sent(endpoint, '/models', undefined, modelsSchema)).data;
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
      const { choices, usage } = await sent(this.#endpoint, '/chat/completions', body, chatSchema, signal);
      const [choice] = choices;
      return answerOf(index, choice?.message.content ?? '', choice?.finish_reason, usage);
    });
  }

  async *complete(prompts: readonly string[], options: AskOptions): AsyncGenerator<Answer, void, undefined> {
    const { signal } = options;
    yield* this.#each(prompts, signal, async (prompt, index) => {
      const body = { ...this.#settings(options), prompt };
      const { choices, usage } = await sent(this.#endpoint, '/completions', body, completionSchema, signal);
      const [choice] = choices;
      return answerOf(index, choice?.text ?? '', choice?.finish_reason, usage);
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

/** Sends a request, again while faults may pass, and reads the reply; throws a UserError, a TooLong, or the signal's reason. */
async function sent<T>(
  endpoint: Endpoint,
  path: string,
  body: object | undefined,
  schema: z.ZodType<T>,
  signal = new AbortController().signal,
): Promise<T> {
  let value: unknown;
  try {
    ({ value } = await persistently(() => endpoint.send(path, body, signal), endpoint));
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    if (thrown.status === 400 && TOO_LONG.test(thrown.message)) throw new TooLong(thrown.message);
    throw new UserError('SERVER', `${thrown.message}; check the address, --served and the API key.`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UserError(
    'SERVER',
    `${endpoint.url}${path} answers in a form that is not OpenAI's; check the address, which mostly ends in /v1.`,
    { cause: parsed.error },
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

function answerOf(
  index: number,
  text: string,
  finish: string | null | undefined,
  usage: z.output<typeof usageSchema>,
): Answer {
  return {
    index,
    text,
    tokens: usage?.completion_tokens ?? 0,
    end: finish === 'length' ? 'length' : 'stop',
  };
}
