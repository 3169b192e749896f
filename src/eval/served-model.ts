/** A model behind an OpenAI-compatible API (vLLM, SGLang, llama.cpp, OpenAI) as the one who answers a benchmark. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { errorText, UserError } from '../base/errors.ts';
import type { Message } from '../chat/messages.ts';
import type { Answer, AnsweringModel, AskOptions, ModelOptions } from './models.ts';

/** A request that failed in a way that may pass is tried so often in all. */
const ATTEMPTS = 5;
/** Milliseconds before the second attempt; each further one waits twice as long. */
const FIRST_WAIT = 500;
/** Milliseconds that one answer may take. */
const PATIENCE = 600_000;

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

/** The request will fail again however often it is sent. */
class Refused extends UserError {}

/** The prompt fills the model's positions. */
class TooLong extends Error {}

export class ServedModel implements AnsweringModel {
  readonly name: string;
  readonly identity: string;
  readonly #url: string;
  readonly #options: ModelOptions;

  private constructor(url: string, served: string, options: ModelOptions) {
    this.name = served;
    this.identity = JSON.stringify([url, served]);
    this.#url = url;
    this.#options = options;
  }

  /** Reaches the server and chooses its model; `url` is what "/chat/completions" is appended to. */
  static async open(address: string, options: ModelOptions): Promise<ServedModel> {
    const url = address.replace(/\/+$/, '');
    if (options.served !== undefined) return new ServedModel(url, options.served, options);
    const server = new ServedModel(url, '', options);
    const { data } = server.#checked(modelsSchema, await server.#attempted('/models', undefined, undefined));
    const [first] = data;
    if (first === undefined)
      throw new UserError('SERVER', `${url} lists no model; name the one to ask with --served.`);
    return new ServedModel(url, first.id, options);
  }

  async *chat(
    conversations: readonly (readonly Message[])[],
    options: AskOptions,
  ): AsyncGenerator<Answer, void, undefined> {
    yield* this.#each(conversations, options.signal, async (messages, index) => {
      const answer = await this.#post('/chat/completions', options, {
        messages: messages.map(({ role, content }) => ({ role, content })),
        ...(options.enableThinking === undefined
          ? {}
          : { chat_template_kwargs: { enable_thinking: options.enableThinking } }),
      });
      const { choices, usage } = this.#checked(chatSchema, answer);
      const [choice] = choices;
      return answerOf(index, choice?.message.content ?? '', choice?.finish_reason, usage);
    });
  }

  async *complete(prompts: readonly string[], options: AskOptions): AsyncGenerator<Answer, void, undefined> {
    yield* this.#each(prompts, options.signal, async (prompt, index) => {
      const answer = await this.#post('/completions', options, { prompt });
      const { choices, usage } = this.#checked(completionSchema, answer);
      const [choice] = choices;
      return answerOf(index, choice?.text ?? '', choice?.finish_reason, usage);
    });
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
        for (; next < items.length && underWay.size < this.#options.parallel; next++) {
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

  #checked<T>(schema: z.ZodType<T>, answer: unknown): T {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new UserError(
      'SERVER',
      `${this.#url} answers in a form that is not OpenAI's (${parsed.error.issues[0]?.message ?? 'unknown'}); check the address, which mostly ends in /v1.`,
    );
  }

  async #post(path: string, options: AskOptions, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    const { maxTokens, temperature, topP, seed, signal } = options;
    const whole = {
      model: this.name,
      max_tokens: maxTokens,
      temperature,
      ...(topP === undefined ? {} : { top_p: topP }),
      ...(seed === undefined ? {} : { seed }),
      ...body,
    };
    return this.#attempted(path, JSON.stringify(whole), signal);
  }

  /** Sends a request until it is answered; waits in between while the fault is one that may pass. */
  async #attempted(
    path: string,
    body: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(path, body, signal);
      } catch (thrown) {
        signal?.throwIfAborted();
        if (thrown instanceof Refused || thrown instanceof TooLong) throw thrown;
        if (attempt === ATTEMPTS) {
          throw new UserError(
            'SERVER',
            `${this.#url} cannot be asked (${errorText(thrown)}), ${ATTEMPTS} times over; check that it runs, then run the same command again.`,
            { cause: thrown },
          );
        }
        await sleep(FIRST_WAIT * 2 ** (attempt - 1), undefined, signal === undefined ? {} : { signal });
      }
    }
  }

  async #once(path: string, body: string | undefined, signal: AbortSignal | undefined): Promise<unknown> {
    const { apiKey } = this.#options;
    const patience = AbortSignal.timeout(PATIENCE);
    const response = await fetch(this.#url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      ...(body === undefined ? {} : { body }),
    });
    if (response.ok) return response.json();
    const said = (await response.text()).slice(0, 300).replaceAll(/\s+/g, ' ').trim();
    const told = `HTTP ${response.status}${said === '' ? '' : `: ${said}`}`;
    if (response.status === 400 && TOO_LONG.test(said)) throw new TooLong(told);
    if (response.status >= 500 || response.status === 429 || response.status === 408) throw new Error(told);
    throw new Refused(
      'SERVER',
      `${this.#url}${path} refuses the request (${told}); check the address, --served and the API key.`,
    );
  }

  [Symbol.dispose](): void {}
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
