/**
 * One address of a server: requests with a time limit, at a bounded rate, and with a pause after faults that may pass.
 * A pause doubles from fault to fault, is spread by a seeded draw so that clients do not come back all at once, and is
 * never shorter than what the server asks for, up to a ceiling.
 */
import { errorText, UserError } from '../../base/errors.ts';
import { Rng } from '../../base/rng.ts';
import { withoutSecrets } from '../../base/secrets.ts';
import { within } from '../../base/time-limit.ts';
import { routeOf } from './address.ts';
import {
  errorIn,
  errorInText,
  mayPass,
  oneLine,
  Refused,
  type Told,
  Transient,
  Unsendable,
} from './faults.ts';
import { countdown, duration, until, type Watch } from './watch.ts';
import type { ServedOptions } from './options.ts';
import { type Adjustable, Parameters } from './parameters.ts';
import { BadReply, Reply } from './reply.ts';
import { askedPause } from './retry-after.ts';

export interface EndpointOptions extends Pick<
  ServedOptions,
  'timeout' | 'retries' | 'requests_per_minute' | 'apiKey' | 'firstPause'
> {
  /** Text of a status of 5xx when the answer is at fault, and not the server. */
  readonly unsendable?: RegExp | undefined;
  readonly parse?: ((text: string) => unknown) | undefined;
  readonly adjustable?: Adjustable | undefined;
  readonly watch: Watch;
}

const LONGEST_PAUSE = 60_000;
/** A server that asks for a longer pause is asked again after this one. */
const LONGEST_ASKED = 120_000;
/** Of an answer that is quoted in an error. */
const QUOTED = 300;
/** A key that is shorter may be a word, and stands in an answer by chance. */
const SURELY_A_KEY = 12;
/** Milliseconds in which the same passing fault is told once. */
const TOLD_ONCE_IN = 60_000;

/** Faults of a connection that never pass, and what to do: certificates, and rules of fetch. */
const HOPELESS: readonly (readonly [RegExp, string])[] = [
  [
    /wrong[_ ]version[_ ]number/i,
    'it speaks no TLS: check the address, or write http:// instead of https://',
  ],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/,
    'check the address, or give its certificate in NODE_EXTRA_CA_CERTS',
  ],
  [/bad port/, 'check the address'],
];

export class Endpoint {
  readonly url: string;
  readonly #options: EndpointOptions;
  readonly #rng: Rng;
  readonly #parameters: Parameters;
  #faults = 0;
  #faultAt = 0;
  /** Nothing is sent before this moment, nor more often than the rate allows. */
  #notBefore = 0;
  #nextSlot = 0;
  #toldAt = -Infinity;
  lastFault = '';
  model: string | undefined;
  /** Tells whether it has answered as its protocol has it. */
  isKnown = false;
  /** Tells whether the user knows that it does not answer any more. */
  isGivenUp = false;

  /** `url` is what paths are put behind. */
  constructor(url: string, options: EndpointOptions) {
    this.url = url.replace(/\/+$/, '');
    this.#options = options;
    this.#rng = Rng.seeded(process.pid, this.url);
    this.#parameters = new Parameters(options.adjustable ?? new Map());
  }

  /** In milliseconds. */
  get #timeout(): number {
    return 1000 * this.#options.timeout;
  }

  /** Tells whether it has failed so often in a row that it is given up. */
  get isDown(): boolean {
    return this.#faults > this.#options.retries;
  }

  #shown(text: string): string {
    const hidden = oneLine(withoutSecrets(text, [this.#options.apiKey]));
    return hidden.length > QUOTED ? `${hidden.slice(0, QUOTED)}…` : hidden;
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { requests_per_minute: rate = Infinity } = this.#options;
    const what = (): string => {
      const [left, total] = [this.#notBefore - Date.now(), this.#patience()];
      if (left > 0) return `trying ${this.url} again in ${countdown(left)}, for ${countdown(total)} more`;
      return `waiting for the next turn at ${this.url} (${rate} requests a minute)`;
    };
    for (;;) {
      const moment = Math.max(this.#notBefore, this.#nextSlot);
      if (moment <= Date.now()) break;
      await this.#options.watch.over(until(moment, signal), what);
    }
    this.#nextSlot = Math.max(Date.now(), this.#nextSlot) + 60_000 / rate;
  }

  /** The pause after so many faults in a row, before it is spread. */
  #pauseAfter(faults: number): number {
    const { firstPause = 1000 } = this.#options;
    return Math.min(LONGEST_PAUSE, firstPause * 2 ** (faults - 1));
  }

  /** Milliseconds until the address is given up if it goes on failing. */
  #patience(): number {
    let sum = Math.max(0, this.#notBefore - Date.now());
    for (let faults = this.#faults + 1; faults <= this.#options.retries; faults++)
      sum += this.#pauseAfter(faults);
    return sum;
  }

  /** Notes a fault of a request that was sent at `sent`; those that were under way together count once. */
  #failed(thrown: Transient | BadReply, sent: number): void {
    const now = Date.now();
    const isNews = sent >= this.#faultAt;
    this.lastFault = thrown.message;
    if (isNews) {
      this.#faultAt = now;
      this.#faults += 1;
      this.#notBefore = now + this.#pauseAfter(this.#faults) * (0.5 + 0.5 * this.#rng.uniform());
    }
    const asked = thrown instanceof Transient ? (thrown.retryAfter ?? 0) : 0;
    this.#notBefore = Math.max(this.#notBefore, now + Math.min(asked, LONGEST_ASKED));
    if (isNews) this.#tellFault(asked, now);
  }

  #tellFault(asked: number, now: number): void {
    if (this.isDown || (this.#faults === 1 && now < this.#toldAt + TOLD_ONCE_IN)) return;
    this.#toldAt = now;
    const [pause, patience] = [this.#notBefore - now, this.#patience()];
    const how =
      this.#faults === 1
        ? `for ${duration(patience)}`
        : `in ${countdown(pause)}, for ${countdown(patience)} more`;
    const ceiling =
      asked > LONGEST_ASKED
        ? `; it asks to wait ${duration(asked)}, and is asked again after ${duration(LONGEST_ASKED)}, the longest pause`
        : '';
    const answers = this.lastFault.startsWith('HTTP') ? ' answers' : '';
    this.#options.watch.say(`${this.url}${answers} ${this.lastFault}${ceiling}; trying again ${how}`);
  }

  async models(path: string, signal: AbortSignal): Promise<string[]> {
    const listed = (await this.send(path, undefined, signal)).at('data').list();
    return listed.map((one) => one.at('id').text());
  }

  /** As `ask`, of which the whole reply is the answer. */
  send(path: string, body: object | undefined, signal: AbortSignal): Promise<Reply> {
    return this.ask(path, body, signal, (reply) => reply);
  }

  /**
   * Sends a request and reads the answer. Throws a Transient or a BadReply, after which the endpoint pauses by itself; a
   * Refused; an Unsendable; or the signal's reason.
   */
  async ask<T>(
    path: string,
    body: object | undefined,
    signal: AbortSignal,
    read: (reply: Reply) => T,
  ): Promise<T> {
    await this.#turn(signal);
    const sent = Date.now();
    try {
      const answer = read(new Reply(await this.#fitting(path, body, signal), 'the reply'));
      this.#faults = 0;
      return answer;
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof UserError && !(thrown instanceof BadReply)) {
        // Whoever refuses a request answers.
        this.#faults = 0;
        throw thrown;
      }
      const fault =
        thrown instanceof Transient || thrown instanceof BadReply ? thrown : this.#connectionFault(thrown);
      this.#failed(fault, sent);
      throw fault;
    }
  }

  /** Why a request came to nothing, in words; throws a UserError if it always will. */
  #connectionFault(thrown: unknown): Transient {
    if (thrown instanceof Error && thrown.name === 'TimeoutError')
      return new Transient(`does not answer (nothing in ${duration(this.#timeout)})`);
    // Errors of fetch say "fetch failed", and their causes why.
    const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const words = this.#shown(code === '' || code.startsWith('UND_ERR') ? errorText(cause) : code);
    const facts = `${code} ${errorText(cause)}`;
    const [, advice] = HOPELESS.find(([pattern]) => pattern.test(facts)) ?? [];
    if (advice !== undefined)
      throw new UserError('TEACHER', `${this.url} cannot be asked (${words}); ${advice}.`);
    return new Transient(`does not answer (${words})`);
  }

  /** Sends a request, again in another form where a parameter is not taken. */
  async #fitting(path: string, body: object | undefined, signal: AbortSignal): Promise<unknown> {
    for (;;) {
      const sent = body === undefined ? undefined : this.#parameters.adjusted(body);
      const { value, told, headers } = await this.#once(path, sent, signal);
      if (told === undefined) return value;
      const status = told.status ?? 500;
      const isOdd = [400, 422, 501].includes(status);
      const lesson = sent !== undefined && isOdd ? this.#parameters.learn(told, sent) : undefined;
      if (lesson === undefined) throw this.#faultOf(path, told, status, headers, value);
      if (lesson.news !== undefined) this.#options.watch.say(`${this.url} ${lesson.news}`);
    }
  }

  #faultOf(path: string, { said }: Told, status: number, headers: Headers, value: unknown): Error {
    const { unsendable } = this.#options;
    const words = said === '' ? `HTTP ${status}` : `HTTP ${status}, ${said}`;
    if (status >= 500 && unsendable?.test(said) === true) return new Unsendable('TEACHER_UNSENDABLE', words);
    if (mayPass(status)) return new Transient(words, askedPause(status, headers, value, said, Date.now()));
    return new Refused(status, `${routeOf(this.url, path)} refuses the request (${words})`, said);
  }

  /** One request: what came back, and the error in it, if it is one. */
  async #once(path: string, body: object | undefined, signal: AbortSignal) {
    const { apiKey } = this.#options;
    const timeout = this.#timeout;
    const began = Date.now();
    const request = within(timeout, signal, async (limited) => {
      const response = await fetch(routeOf(this.url, path), {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json', ...keyHeaders(this.url, apiKey) },
        signal: limited,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { response, text: await response.text() };
    });
    const { response, text } = await this.#options.watch.over(
      request,
      () =>
        `waiting for an answer of ${this.url} (${duration(Date.now() - began)} of at most ${duration(timeout)})`,
    );
    this.#options.watch.heard();
    // Some servers send the key back.
    const isSecret = apiKey !== undefined && apiKey.length >= SURELY_A_KEY && text.includes(apiKey);
    const value = parsed(isSecret ? withoutSecrets(text, [apiKey]) : text, this.#options.parse);
    const told = this.#told(response, text, value);
    return { value, told: told && { ...told, said: this.#shown(told.said) }, headers: response.headers };
  }

  /** The error that a response is; throws a Transient or a BadReply where it is neither that nor an answer. */
  #told(response: Response, text: string, value: unknown): Told | undefined {
    const told = value === undefined ? errorInText(text) : errorIn(value);
    if (!response.ok) {
      // The status is right, but of a limit that never passes the words are.
      const status = told?.status === 402 ? 402 : response.status;
      return { param: told?.param, said: told?.said ?? text, status };
    }
    if (value !== undefined || told?.status !== undefined) return told;
    if (told !== undefined) throw new BadReply(this.#shown(`what came is ${told.said}`));
    throw new Transient(
      text.trim() === ''
        ? 'answers with nothing'
        : `answers with ${text.length} characters that are not whole JSON`,
    );
  }
}

/** Header of a key; Azure has a header of its own. */
function keyHeaders(url: string, apiKey: string | undefined): Record<string, string> {
  if (apiKey === undefined) return {};
  const isAzure = new URL(url).hostname.endsWith('.azure.com');
  return { authorization: `Bearer ${apiKey}`, ...(isAzure ? { 'api-key': apiKey } : {}) };
}

function parsed(text: string, parse: (text: string) => unknown = JSON.parse): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
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
