/**
 * A teacher's server for tests, in this process: it speaks the protocols as their documentation has them, answers from a
 * script, and can be made to fail. What it says of every token is computed by `toyRow`, which tests compare with.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Rng } from '../../src/base/rng.ts';
import type { Tokenizer } from '../../src/chat/tokenizer.ts';

export type Fault = 'timeout' | 'truncate' | 'reset' | 'empty' | 'no text' | 429 | 500 | 503 | 400;

export interface ServerOptions {
  readonly tokenizer: Tokenizer;
  /** The text of a sample of a prompt; its end of turn is added. */
  readonly answer: (prompt: string, seed: number) => string;
  /** Failure of a request, by its number from 0; undefined is not at all. */
  readonly fault?: (request: number) => Fault | undefined;
  readonly retryAfter?: string;
  /** Log-probabilities as SGLang gives them without SGLANG_RETURN_ORIGINAL_LOGPROB. */
  readonly scaled?: boolean;
  /** All probabilities times this. */
  readonly inflate?: number;
  /** vLLM's --max-logprobs: more is refused. */
  readonly maxLogprobs?: number;
  /** Tokens by their text, as without return_tokens_as_token_ids. */
  readonly texts?: boolean;
  /** Tells that only what is below /v1 is there. */
  readonly gateway?: boolean;
  /** Positions of which llama.cpp gives no entry, as inside of a character. */
  readonly holes?: readonly number[];
  /** OpenAI's message for a sample. */
  readonly message?: (prompt: string, seed: number) => object;
}

export interface Asked {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly at: number;
  readonly key: string | undefined;
}

const noises = new Map<number, number[]>();

/** Logits of a position before any token is favoured. */
function noiseOf(position: number, vocabSize: number): number[] {
  const known = noises.get(position);
  if (known?.length === vocabSize) return known;
  const rng = Rng.seeded(position, 'toy');
  const fresh = Array.from({ length: vocabSize }, () => 4 * rng.uniform());
  noises.set(position, fresh);
  return fresh;
}

/** The server's distribution at position `position` where `token` stands: k entries, likeliest first, at temperature 1. */
export function toyRow(token: number, position: number, vocabSize: number, k: number): [number, number][] {
  const noise = noiseOf(position, vocabSize);
  const logits = noise.map((logit, id) => [id, id === token ? 4.5 : logit] as const);
  const total = Math.log(logits.reduce((sum, [, logit]) => sum + Math.exp(logit), 0));
  return logits
    .map(([id, logit]): [number, number] => [id, logit - total])
    .toSorted(([a, p], [b, q]) => q - p || a - b)
    .slice(0, k);
}

interface Row {
  readonly id: number;
  readonly logprob: number;
  readonly top: readonly (readonly [number, number])[];
}

export class TeacherServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #options: ServerOptions;
  readonly #server: Server;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async start(options: ServerOptions): Promise<TeacherServer> {
    const server = new TeacherServer(options);
    await new Promise<void>((resolve) => {
      server.#server.listen(0, '127.0.0.1', resolve);
    });
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests for answers, without those of the probe. */
  get prompts(): string[] {
    return this.asked.flatMap(({ body }) => {
      const prompt = this.#promptOf(body);
      return prompt.startsWith('The next word') || prompt === '' ? [] : [prompt];
    });
  }

  #promptOf(body: Record<string, unknown>): string {
    const ids = body['prompt'] ?? body['input_ids'];
    if (Array.isArray(ids)) return this.#options.tokenizer.decode(ids as number[]);
    const messages = body['messages'] as { content: string }[] | undefined;
    return messages?.at(-1)?.content ?? '';
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const number = this.asked.length;
    const key = request.headers.authorization;
    this.asked.push({ path: request.url ?? '', body, at: Date.now(), key });
    const fault = this.#options.fault?.(number);
    if (fault === 'timeout') return;
    if (fault === 'reset') {
      response.destroy();
      return;
    }
    if (typeof fault === 'number') {
      const headers =
        this.#options.retryAfter === undefined ? {} : { 'retry-after': this.#options.retryAfter };
      response.writeHead(fault, headers).end('{"error": "as the test\n wants it"}');
      return;
    }
    if (fault === 'no text') {
      // As llama.cpp's server 0.4.0 says it.
      const message = 'The model produced output that does not match the expected Content-only format';
      response.writeHead(500).end(JSON.stringify({ error: { code: 500, message, type: 'server_error' } }));
      return;
    }
    let reply: unknown;
    try {
      reply = this.#reply(request.url ?? '', body);
    } catch (thrown) {
      // A prompt for which the script throws is one that the server does not take.
      response.writeHead(400).end(String(thrown));
      return;
    }
    const json = JSON.stringify(reply ?? { error: 'no such path' });
    response.writeHead(reply === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(fault === 'truncate' ? json.slice(0, json.length / 2) : fault === 'empty' ? '' : json);
  }

  #reply(path: string, body: Record<string, unknown>): unknown {
    if (this.#options.gateway === true && !path.startsWith('/v1/')) return undefined;
    switch (path) {
      case '/v1/models':
        return { data: [{ id: 'toy' }] };
      case '/tokenize':
        return { tokens: this.#encode(String(body['content'] ?? body['prompt'])) };
      case '/completion':
        return this.#llamaCpp(body);
      case '/v1/completions':
        return this.#vllm(body);
      case '/generate':
        return this.#sglang(body);
      case '/v1/chat/completions':
        return this.#chat(body);
      default:
        return undefined;
    }
  }

  #encode(text: string): number[] {
    return Array.from(this.#options.tokenizer.encode(text));
  }

  /** The rows of one sample, at most `most`. */
  #rows(prompt: string, seed: number, most: number, k: number, temperature: number): Row[] {
    const { tokenizer, answer, scaled = false, inflate = 1 } = this.#options;
    const ids = [...this.#encode(answer(prompt, seed)), tokenizer.eosId].slice(0, most);
    return ids.map((id, position) => {
      const all = toyRow(id, position, tokenizer.vocabSize, tokenizer.vocabSize);
      const divided = scaled ? all.map(([own, logprob]) => [own, logprob / temperature] as const) : all;
      const total =
        Math.log(divided.reduce((sum, [, logprob]) => sum + Math.exp(logprob), 0)) - Math.log(inflate);
      const rows = divided.map(([own, logprob]) => [own, logprob - total] as const);
      return { id, logprob: rows.find(([own]) => own === id)?.[1] ?? 0, top: rows.slice(0, k) };
    });
  }

  #llamaCpp(body: Record<string, unknown>): unknown {
    const { tokenizer, holes = [] } = this.#options;
    const most = Number(body['n_predict']);
    const seed = Number(body['seed']);
    const rows = this.#rows(
      this.#promptOf(body),
      seed,
      most,
      Number(body['n_probs']),
      Number(body['temperature']),
    );
    const ended = rows.at(-1)?.id === tokenizer.eosId;
    const entry = ([id, logprob]: readonly [number, number]) => ({ id, token: '?', bytes: [63], logprob });
    return {
      content: '',
      tokens: rows.map(({ id }) => id),
      stop: true,
      stop_type: ended ? 'eos' : 'limit',
      completion_probabilities: rows
        .filter((_, i) => !holes.includes(i))
        .map(({ id, logprob, top }) => ({ ...entry([id, logprob]), top_logprobs: top.map(entry) })),
    };
  }

  #vllm(body: Record<string, unknown>): unknown {
    const { tokenizer, maxLogprobs = 1000, texts = false } = this.#options;
    if (typeof body['prompt'] === 'string')
      return { choices: [{ prompt_token_ids: this.#encode(body['prompt']), token_ids: [0] }] };
    const k = Number(body['logprobs']);
    if (k > maxLogprobs) return undefined;
    const name = (id: number): string => (texts ? tokenizer.tokenText(id) : `token_id:${id}`);
    const choices = Array.from({ length: Number(body['n'] ?? 1) }, (_, i) => {
      const seed = Number(body['seed']) + i;
      const most = Number(body['max_tokens']);
      const rows = this.#rows(this.#promptOf(body), seed, most, k, Number(body['temperature']));
      return {
        index: i,
        text: '',
        token_ids: rows.map(({ id }) => id),
        finish_reason: rows.at(-1)?.id === tokenizer.eosId ? 'stop' : 'length',
        logprobs: {
          tokens: rows.map(({ id }) => name(id)),
          token_logprobs: rows.map(({ logprob }) => logprob),
          // The sampled token is added when it is not among the k.
          top_logprobs: rows.map(({ id, logprob, top }) =>
            Object.fromEntries([[name(id), logprob], ...top.map(([own, p]) => [name(own), p] as const)]),
          ),
        },
      };
    });
    return { object: 'text_completion', choices };
  }

  #sglang(body: Record<string, unknown>): unknown {
    const { tokenizer } = this.#options;
    const params = body['sampling_params'] as Record<string, number>;
    if (typeof body['text'] === 'string') {
      const input = this.#encode(body['text']).map((id, i) => [i === 0 ? null : -1, id, null]);
      return { text: '', meta_info: { input_token_logprobs: input } };
    }
    const most = params['max_new_tokens'] ?? 128;
    const k = Number(body['top_logprobs_num']);
    const seed = params['sampling_seed'] ?? 0;
    const rows = this.#rows(this.#promptOf(body), seed, most, k, params['temperature'] ?? 1);
    const ended = rows.at(-1)?.id === tokenizer.eosId;
    return {
      text: '',
      output_ids: rows.map(({ id }) => id),
      meta_info: {
        finish_reason: ended ? { type: 'stop', matched: tokenizer.eosId } : { type: 'length', length: most },
        output_token_logprobs: rows.map(({ id, logprob }) => [logprob, id, null]),
        output_top_logprobs: rows.map(({ top }) => top.map(([id, logprob]) => [logprob, id, null])),
      },
    };
  }

  #chat(body: Record<string, unknown>): unknown {
    const { message, answer } = this.#options;
    const prompt = this.#promptOf(body);
    const choices = Array.from({ length: Number(body['n'] ?? 1) }, (_, i) => {
      const seed = Number(body['seed']) + i;
      return {
        index: i,
        finish_reason: 'stop',
        message: message?.(prompt, seed) ?? { content: answer(prompt, seed) },
      };
    });
    return { object: 'chat.completion', choices };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}
