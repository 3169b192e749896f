/**
 * Scripted endpoints of vLLM's protocol, many in one process, which bench/endpoints.ts starts. Nothing is computed: an answer comes
 * when an engine of the stated speed would have it, with top-k rows of real size from a pool. Talks to its parent by messages.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Rng } from '../../src/base/rng.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';

export interface Script {
  readonly model: string;
  readonly endpoints: number;
  /** Requests that are served at once; more wait. */
  readonly slots: number;
  /** Tokens a second that a full endpoint generates, and that it reads of prompts. */
  readonly decode: number;
  readonly prefill: number;
  /** Mean length of a thought, in tokens. */
  readonly length: number;
  readonly seed: number;
  /** Shares of the requests that end with 503, with a connection cut in mid-answer, and with silence. */
  readonly refused: number;
  readonly cut: number;
  readonly silent: number;
  /** Times as slow as the others, of the first endpoint. */
  readonly slow: number;
  /** Seconds after the first request from which on the second endpoint takes no connections, and for how long. */
  readonly deadAt: number;
  readonly deadFor: number;
}

/** Account of what an endpoint did. Times are in milliseconds of the wall clock. */
export interface Account {
  requests: number;
  answered: number;
  refused: number;
  cut: number;
  silent: number;
  hungUp: number;
  bytes: number;
  tokens: number;
  /** Times at which the busy slots changed, and how many there were from then on. */
  readonly busy: [at: number, slots: number][];
}

interface Ask {
  readonly prompt: readonly number[];
  readonly n: number;
  readonly max_tokens: number;
  readonly logprobs: number;
}

const POOL = 512;
/** Tokens of an answer without its thought. */
const ENVELOPE = 40;
const VOCABULARY = 151_936;
/** Standard deviation of the logarithm of lengths and of latencies' noise. */
const LENGTH_SPREAD = 0.5;
const LATENCY_SPREAD = 0.2;

/** Numbers as Python prints a float32 that was widened: 16 or 17 digits. */
const printed = (value: number): string => String(Math.fround(value));

class Answers {
  readonly #tokenizer: Tokenizer;
  readonly #rng: Rng;
  /** Entries of a row behind the likeliest. */
  readonly #pool = new Map<number, readonly Buffer<ArrayBuffer>[]>();
  readonly #words: readonly number[];
  readonly #begin: readonly number[];
  readonly #end: readonly number[];
  #number = 0;

  constructor(tokenizer: Tokenizer, rng: Rng, seed: number) {
    this.#tokenizer = tokenizer;
    this.#rng = rng;
    this.#number = seed * 10_000_000;
    this.#words = [...tokenizer.encode(' the lamp in the hall is to be on now and the room should be warm')];
    this.#begin = [...tokenizer.encode('<think>\n')];
    const call = '{"name": "switch_lamp", "arguments": {"place": "hall", "on": true}}';
    this.#end = [...tokenizer.encode(`\n</think>\n\n<tool_call>\n${call}\n</tool_call><|im_end|>`)];
  }

  #others(topK: number): readonly Buffer<ArrayBuffer>[] {
    const known = this.#pool.get(topK);
    if (known !== undefined) return known;
    const pool = Array.from({ length: POOL }, () => {
      const ids = new Set<number>();
      while (ids.size < topK - 1) ids.add(2048 + this.#rng.below(VOCABULARY - 2048));
      let logprob = -6;
      const entries = [...ids].map((id) => {
        logprob -= 0.15 * this.#rng.uniform();
        return `"token_id:${id}":${printed(logprob)}`;
      });
      return Buffer.from(`${entries.map((entry) => `,${entry}`).join('')}}`);
    });
    this.#pool.set(topK, pool);
    return pool;
  }

  /** Length in tokens of a thought. */
  length(mean: number): number {
    return Math.max(
      4,
      Math.round(mean * Math.exp(LENGTH_SPREAD * this.#rng.normal() - LENGTH_SPREAD ** 2 / 2)),
    );
  }

  /** An answer of one token, whose distribution is always the same. */
  probed(topK: number): Buffer {
    const before = `{"choices":[{"index":0,"finish_reason":"length","token_ids":[7],"logprobs":{"tokens":["token_id:7"],"token_logprobs":[-0.1],"top_logprobs":[{"token_id:7":-0.1`;
    return Buffer.concat([
      Buffer.from(before),
      this.#others(topK)[0] ?? Buffer.from('}'),
      Buffer.from(']}}]}'),
    ]);
  }

  /** A choice, whose thought has a number that no other has. */
  choice(
    index: number,
    thought: number,
    topK: number,
  ): { readonly parts: readonly Buffer<ArrayBuffer>[]; readonly tokens: number } {
    const number = String(this.#number++)
      .split('')
      .flatMap((digit) => [...this.#tokenizer.encode(digit)]);
    const filler = Array.from({ length: thought }, (_, i) => this.#words[i % this.#words.length] ?? 0);
    const ids = [...this.#begin, ...number, ...filler, ...this.#end];
    const own = ids.map(() => printed(-0.05 - 0.1 * this.#rng.uniform()));
    const pool = this.#others(topK);
    const names = ids.map((id) => `"token_id:${id}"`);
    const parts = [
      Buffer.from(
        `{"index":${index},"text":"","finish_reason":"stop","stop_reason":null,"token_ids":[${ids.join(',')}],"logprobs":{"text_offset":[],"tokens":[${names.join(',')}],"token_logprobs":[${own.join(',')}],"top_logprobs":[`,
      ),
    ];
    ids.forEach((_, i) => {
      parts.push(Buffer.from(`${i === 0 ? '' : ','}{${names[i]}:${own[i]}`));
      parts.push(pool[this.#rng.below(POOL)] ?? Buffer.from('}'));
    });
    parts.push(Buffer.from(']}}'));
    return { parts, tokens: ids.length };
  }
}

class ScriptedEndpoint {
  readonly account: Account = {
    requests: 0,
    answered: 0,
    refused: 0,
    cut: 0,
    silent: 0,
    hungUp: 0,
    bytes: 0,
    tokens: 0,
    busy: [],
  };
  readonly #script: Script;
  readonly #number: number;
  readonly #rng: Rng;
  readonly #tokenizer: Tokenizer;
  readonly #answers: Answers;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];
  readonly #server: Server;
  #free: number;
  #isDead = false;
  #port = 0;

  constructor(script: Script, number: number, tokenizer: Tokenizer) {
    this.#script = script;
    this.#number = number;
    this.#rng = Rng.seeded(script.seed, String(number));
    this.#tokenizer = tokenizer;
    this.#answers = new Answers(tokenizer, this.#rng, script.seed * script.endpoints + number);
    this.#free = script.slots;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Drops all connections and takes none for a time. */
  async die(milliseconds: number): Promise<void> {
    this.#isDead = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await wait(milliseconds);
    this.#isDead = false;
    await this.start();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of request.setEncoding('utf8')) text += String(part);
    const send = (body: object): void => void response.end(JSON.stringify(body));
    if (request.url === '/v1/models') return send({ data: [{ id: 'scripted' }] });
    const body = JSON.parse(text) as Ask & { readonly prompt: string };
    if (request.url === '/tokenize') return send({ tokens: [...this.#tokenizer.encode(body.prompt)] });
    try {
      await this.#complete(body, response);
    } catch {
      this.account.hungUp += 1;
      response.destroy();
    }
  }

  #note(change: number): void {
    this.#free -= change;
    this.account.busy.push([Date.now(), this.#script.slots - this.#free]);
  }

  async #complete(
    { prompt, n, max_tokens: most, logprobs: topK }: Ask,
    response: ServerResponse,
  ): Promise<void> {
    const { decode, prefill, slots, slow, length, refused, cut, silent } = this.#script;
    const isProbe = most === 1;
    if (isProbe) {
      response.end(this.#answers.probed(topK));
      return;
    }
    this.account.requests += 1;
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#note(1);
    try {
      const fate = this.#rng.uniform();
      const lengths = Array.from({ length: n }, () => this.#answers.length(length));
      // All slots share the endpoint's speed, whether they are busy or not.
      const seconds =
        slots * (prompt.length / prefill + lengths.reduce((sum, own) => sum + own + ENVELOPE, 0) / decode);
      const noise = Math.exp(LATENCY_SPREAD * this.#rng.normal());
      const latency = 1000 * seconds * noise * (this.#number === 0 ? slow : 1);
      if (fate < refused) {
        await wait(latency * this.#rng.uniform());
        this.account.refused += 1;
        response.writeHead(503).end('{"error":{"message":"the engine is overloaded"}}');
        return;
      }
      if (fate < refused + silent) {
        this.account.silent += 1;
        await new Promise((resolve) => response.once('close', resolve));
        return;
      }
      await wait(latency);
      if (this.#isDead || response.destroyed) throw new Error('the connection is gone');
      const choices = lengths.map((own, i) => this.#answers.choice(i, own, topK));
      const parts = choices.flatMap(({ parts: own }, i) => (i === 0 ? own : [Buffer.from(','), ...own]));
      const bytes = Buffer.concat([
        Buffer.from('{"id":"c","object":"text_completion","choices":['),
        ...parts,
        Buffer.from(']}'),
      ]);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
      if (fate < refused + silent + cut) {
        this.account.cut += 1;
        response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
        return;
      }
      this.account.answered += 1;
      this.account.bytes += bytes.length;
      this.account.tokens += choices.reduce((sum, { tokens }) => sum + tokens, 0);
      response.end(bytes);
    } finally {
      this.#note(-1);
      this.#waiting.shift()?.();
    }
  }
}

const script = JSON.parse(process.argv[2] ?? '') as Script;
const tokenizer = Tokenizer.load(script.model);
const endpoints = Array.from(
  { length: script.endpoints },
  (_, i) => new ScriptedEndpoint(script, i, tokenizer),
);
process.send?.(await Promise.all(endpoints.map((endpoint) => endpoint.start())));
process.on('message', (message) => {
  if (message === 'account') process.send?.(endpoints.map(({ account }) => account));
});
process.on('disconnect', () => process.exit(0));
if (script.deadFor > 0) {
  // It dies while it works, and not while it is checked.
  const [, second] = endpoints;
  while (endpoints.every(({ account }) => account.requests === 0)) await wait(50);
  await wait(1000 * script.deadAt);
  await second?.die(1000 * script.deadFor);
}
