/**
 * One address of a server: requests with a time limit, at a bounded rate, and with a pause after faults that may pass.
 * A pause doubles from fault to fault, is spread by a seeded draw so that clients do not come back all at once, and is
 * never shorter than what the server asks for.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { errorText, UserError } from '../../base/errors.ts';
import { Rng } from '../../base/rng.ts';
import { Reply } from './reply.ts';

/** A fault that may pass: asking again can help. */
export class Transient extends Error {
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number | undefined;

  constructor(message: string, retryAfter?: number) {
    super(message);
    this.name = 'Transient';
    this.retryAfter = retryAfter;
  }
}

/** The server refuses this request, and would do so again. */
export class Refused extends UserError {
  readonly status: number;

  constructor(status: number, message: string) {
    super('TEACHER_REFUSED', message);
    this.name = 'Refused';
    this.status = status;
  }
}

/** The server drew an answer that it cannot send: nothing is wrong with the server, and another answer may do. */
export class Unsendable extends UserError {
  constructor(message: string) {
    super('TEACHER_UNSENDABLE', message);
    this.name = 'Unsendable';
  }
}

export interface EndpointOptions {
  /** Milliseconds that one answer may take. */
  readonly timeout: number;
  /** Faults in a row after which the address is given up. */
  readonly retries: number;
  readonly requestsPerMinute: number | undefined;
  readonly apiKey: string | undefined;
  readonly seed: number;
  /** What a status of 5xx says when the answer is at fault, and not the server. */
  readonly unsendable?: RegExp | undefined;
  /** Milliseconds of the first pause. */
  readonly firstPause: number;
}

const LONGEST_PAUSE = 60_000;
/** Of an answer that is quoted in an error. */
const QUOTED = 300;

/** What a Retry-After header says, in milliseconds: seconds, or a date. */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  if (header.trim() !== '' && Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

const mayPass = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || status >= 500;

export class Endpoint {
  readonly url: string;
  readonly #options: EndpointOptions;
  readonly #rng: Rng;
  #faults = 0;
  /** When the last of them was noted. */
  #faultAt = 0;
  /** Nothing is sent before this moment, nor more often than the rate allows. */
  #notBefore = 0;
  #nextSlot = 0;
  /** What went wrong last. */
  lastFault = '';

  /** `url` is what paths are appended to. */
  constructor(url: string, options: EndpointOptions) {
    this.url = url.replace(/\/+$/, '');
    this.#options = options;
    this.#rng = Rng.seeded(options.seed, this.url);
  }

  /** Whether it has failed so often in a row that it is given up. */
  get isDown(): boolean {
    return this.#faults > this.#options.retries;
  }

  /** Waits until a request may be sent. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { requestsPerMinute } = this.#options;
    for (;;) {
      const now = Date.now();
      const left = Math.max(this.#notBefore, this.#nextSlot) - now;
      if (left <= 0) break;
      await wait(left, undefined, { signal });
    }
    if (requestsPerMinute !== undefined)
      this.#nextSlot = Math.max(Date.now(), this.#nextSlot) + 60_000 / requestsPerMinute;
  }

  /** Notes a fault of a request that was sent at `sent`; those that were under way together count once. */
  #failed(thrown: Transient, sent: number): void {
    this.lastFault = thrown.message;
    const now = Date.now();
    if (sent >= this.#faultAt) {
      this.#faultAt = now;
      this.#faults += 1;
      const pause = Math.min(LONGEST_PAUSE, this.#options.firstPause * 2 ** (this.#faults - 1));
      this.#notBefore = now + pause * (0.5 + 0.5 * this.#rng.uniform());
    }
    if (thrown.retryAfter !== undefined) this.#notBefore = Math.max(this.#notBefore, now + thrown.retryAfter);
  }

  /**
   * Sends a request and reads the answer. Throws a Transient, after which the endpoint pauses by itself; a Refused; an
   * Unsendable; or the signal's reason.
   */
  async send(path: string, body: object | undefined, signal: AbortSignal): Promise<Reply> {
    await this.#turn(signal);
    const sent = Date.now();
    try {
      const reply = await this.#once(path, body, signal);
      this.#faults = 0;
      return new Reply(reply, 'the reply');
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof Refused) throw thrown;
      if (thrown instanceof Unsendable) {
        this.#faults = 0;
        throw thrown;
      }
      const fault = thrown instanceof Transient ? thrown : new Transient(reason(thrown));
      this.#failed(fault, sent);
      throw fault;
    }
  }

  async #once(path: string, body: object | undefined, signal: AbortSignal): Promise<unknown> {
    const { apiKey, timeout, unsendable } = this.#options;
    const response = await fetch(this.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) {
      const said = text.slice(0, QUOTED).replaceAll(/\s+/g, ' ').trim();
      const told = `HTTP ${response.status}${said === '' ? '' : `, ${said}`}`;
      if (response.status >= 500 && unsendable?.test(text) === true) throw new Unsendable(told);
      if (mayPass(response.status))
        throw new Transient(told, retryAfter(response.headers.get('retry-after'), Date.now()));
      throw new Refused(response.status, `${this.url}${path} refuses the request (${told})`);
    }
    try {
      return JSON.parse(text);
    } catch {
      throw new Transient(`an answer of ${text.length} characters that is not whole JSON`);
    }
  }
}

/** Why a request came to nothing, in words. */
function reason(thrown: unknown): string {
  if (thrown instanceof Error && thrown.name === 'TimeoutError') return 'no answer in time';
  // What fetch throws says "fetch failed", and its cause why.
  return thrown instanceof Error && thrown.cause !== undefined ? errorText(thrown.cause) : errorText(thrown);
}

/** Sends a request until it is answered or the address is given up. */
export async function persistently<T>(send: () => Promise<T>, endpoint: Endpoint): Promise<T> {
  for (;;) {
    try {
      return await send();
    } catch (thrown) {
      if (!(thrown instanceof Transient)) throw thrown;
      if (!endpoint.isDown) continue;
      throw new UserError(
        'TEACHER',
        `${endpoint.url} cannot be asked (${thrown.message}); check the address and that the server runs.`,
        { cause: thrown },
      );
    }
  }
}
