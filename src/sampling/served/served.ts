/**
 * A server, or several that serve the same model, as the teacher. Requests run concurrently; a prompt whose request
 * failed is asked again, wherever there is room first. What keeps failing is given up: an address that does not even
 * answer something easy, and the others go on; otherwise the prompt.
 */
import { setMaxListeners } from 'node:events';
import { errorText, UserError } from '../../base/errors.ts';
import { hashString } from '../../base/rng.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import { merge } from '../../model/checkpoint/merge.ts';
import { Notices } from '../notices.ts';
import {
  type Answered,
  type Batch,
  type Kept,
  type Question,
  type SamplingOptions,
  type Select,
  type Teacher,
} from '../teacher.ts';
import { serverAddress } from './address.ts';
import { type Drawn, drawnOf } from './drawn.ts';
import { Endpoint, persistently, Refused, Transient, Unsendable } from './endpoint.ts';
import { endOf, type IsEnd } from './finish.ts';
import { probeEndpoint } from './probe.ts';
import type { Ask, Protocol, RawSample } from './protocol.ts';
import { type ProtocolName, protocols } from './protocols.ts';
import { refusalError } from './refusal.ts';
import { BadReply } from './reply.ts';
import { Watch } from './watch.ts';
import { WorkQueue } from './work-queue.ts';

export interface ServedOptions {
  readonly kind: ProtocolName;
  /** Addresses that serve the same model. */
  readonly endpoints: readonly string[];
  /** The model's name at the server; without one the first that it lists. */
  readonly served: string | undefined;
  readonly apiKey: string | undefined;
  /** Requests under way at each address. */
  readonly concurrency: number;
  /** At each address. */
  readonly requestsPerMinute: number | undefined;
  /** Milliseconds that one answer may take. */
  readonly timeout: number;
  /** Times that a request is sent again, and faults in a row after which an address is given up. */
  readonly retries: number;
  /** Milliseconds of the first pause after a fault. Default: a second. */
  readonly firstPause?: number;
  /** Milliseconds after which the user is told what is waited for. Default: five seconds. */
  readonly silence?: number;
  readonly sampling: SamplingOptions;
  readonly topK: number;
  readonly tokenizer: Tokenizer;
  readonly seed: number;
}

/** A question on its way to all of its samples. */
interface Job {
  readonly question: Question;
  /** Answers drawn so far, by the sample's place; undefined what was drawn and cannot be sent. A fault loses none. */
  readonly drawn: Map<number, Drawn | undefined>;
  /** Faults since something was drawn. */
  faults: number;
}

/** Statuses that speak of the address, the key or the account, and not of one prompt. */
const SETTINGS: ReadonlySet<number> = new Set([401, 402, 403, 404, 405]);

/** So many answers that are all cut at the start are told of. */
const CUT_AT_FIRST = 16;

/** Pattern of a 403 that is of one prompt's contents. */
const MODERATED = /flagged|moderat|content[ _](?:policy|filter)|safety/i;

export class ServedTeacher implements Teacher {
  readonly name: string;
  readonly topK: number;
  readonly #options: ServedOptions;
  readonly #protocol: Protocol;
  readonly #endpoints: readonly Endpoint[];
  readonly #isEnd: IsEnd;
  /** Answers that were cut, until one is finished. */
  #cut = 0;
  /** Addresses that the user knows not to answer any more. */
  readonly #givenUp = new Set<Endpoint>();
  /** Messages to the user while servers are waited for. */
  readonly notices = new Notices();
  /** Name of the model at each address. */
  readonly #models = new Map<Endpoint, string>();

  constructor(options: ServedOptions) {
    const { kind, endpoints, served, timeout, retries, requestsPerMinute, apiKey, seed } = options;
    this.#options = options;
    this.#protocol = protocols[kind];
    this.name = served ?? kind;
    this.topK = this.#protocol.distributions ? options.topK : 0;
    this.#isEnd = endOf(options.tokenizer);
    const { firstPause = 1000, silence } = options;
    const watch = new Watch(this.notices.say, silence);
    this.#endpoints = endpoints.map(
      (url) =>
        new Endpoint(this.#protocol.base(serverAddress(url)), {
          timeout,
          retries,
          requestsPerMinute,
          apiKey,
          seed,
          unsendable: this.#protocol.unsendable,
          adjustable: this.#protocol.adjustable,
          firstPause,
          watch,
        }),
    );
  }

  get model(): string {
    return [...new Set(this.#models.values())].toSorted().join(', ');
  }

  async probe(signal: AbortSignal): Promise<readonly string[]> {
    const { tokenizer, sampling } = this.#options;
    const warnings = new Set<string>();
    for (const endpoint of this.#endpoints) {
      const model = await this.#modelAt(endpoint, signal);
      this.#models.set(endpoint, model);
      const probed = {
        protocol: this.#protocol,
        endpoint,
        model,
        tokenizer,
        isEnd: this.#isEnd,
        topK: this.topK,
        sampling,
        refusal: (thrown: Refused, otherwise: string) => this.#refusal(endpoint, thrown, otherwise, signal),
      };
      for (const warning of await probeEndpoint(probed, signal)) warnings.add(warning);
    }
    if (new Set(this.#models.values()).size > 1) {
      const names = [...this.#models].map(([{ url }, model]) => `${model} at ${url}`).join(', ');
      warnings.add(`the addresses name different models (${names}); each is asked for its own`);
    }
    return [...warnings];
  }

  /** Name of the model at an address; nothing where it has no name, or is not known yet. */
  #modelOf(endpoint: Endpoint): string {
    return this.#models.get(endpoint) ?? this.#options.served ?? '';
  }

  /** The model's name; one that the user gave is not looked up. */
  async #modelAt(endpoint: Endpoint, signal: AbortSignal): Promise<string> {
    const { served } = this.#options;
    if (served !== undefined || !this.#protocol.namesModel) return served ?? '';
    try {
      const listed = await persistently(() => endpoint.send(this.#listPath, undefined, signal), endpoint);
      const [first] = listed.at('data').list();
      if (first !== undefined) return first.at('id').text();
    } catch (thrown) {
      if (thrown instanceof Refused)
        throw await this.#refusal(endpoint, thrown, 'name the model to ask with served (--served)', signal);
      if (!(thrown instanceof BadReply)) throw thrown;
      const why = `does not list its models as ${this.#protocol.name} does (${thrown.message})`;
      throw new UserError('TEACHER', `${endpoint.url} ${why}; check the address and the teacher's kind.`);
    }
    throw new UserError(
      'TEACHER',
      `${endpoint.url} lists no model; name the one to ask with served (--served).`,
    );
  }

  get #listPath(): string {
    return this.#options.kind === 'openai' ? '/models' : '/v1/models';
  }

  /** Error that a refusal which no other prompt would be spared ends the command with. */
  #refusal(endpoint: Endpoint, thrown: Refused, otherwise: string, signal: AbortSignal): Promise<UserError> {
    const { apiKey, kind } = this.#options;
    const listPath = kind === 'openai' || kind === 'vllm' ? this.#listPath : undefined;
    const asked = {
      endpoint,
      listPath,
      model: this.#modelOf(endpoint),
      hasKey: apiKey !== undefined,
      keyBy: 'the variable of the environment that api_key_env names (--api-key-env)',
      modelBy: 'served (--served)',
      otherwise,
    };
    return refusalError(thrown, asked, signal);
  }

  async *answer(
    batches: Iterable<Batch>,
    select: Select,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Answered[], void, undefined> {
    const queue = new WorkQueue(jobsOf(batches));
    const workers = this.#endpoints.flatMap((endpoint) =>
      Array.from(
        { length: this.#options.concurrency },
        () => (stop: AbortSignal) => this.#work(endpoint, queue, select, stop),
      ),
    );
    yield* merge(workers, signal);
    const left = await queue.take(signal);
    if (left === undefined) return;
    const faults = this.#endpoints.map(({ url, lastFault }) => `${url}: ${lastFault}`).join('; ');
    throw new UserError(
      'TEACHER',
      `No teacher answers any more (${faults}); see to the server and run the same command, which goes on.`,
    );
  }

  async *#work(
    endpoint: Endpoint,
    queue: WorkQueue<Job>,
    select: Select,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Answered[]> {
    // All workers listen to one signal, each once; more than ten are no leak.
    setMaxListeners(0, signal);
    while (!endpoint.isDown) {
      const job = await queue.take(signal);
      if (job === undefined) return;
      const answered = await this.#attempt(endpoint, job, select, signal);
      if (answered === undefined) {
        queue.giveBack(job);
        continue;
      }
      try {
        yield [answered];
      } finally {
        queue.finish();
      }
    }
    if (this.#givenUp.has(endpoint) || this.#endpoints.every(({ isDown }) => isDown)) return;
    this.#givenUp.add(endpoint);
    this.notices.say(`${endpoint.url} is given up (${endpoint.lastFault}); the others go on`);
  }

  /** Asks one question; undefined if it has to be asked again. */
  async #attempt(
    endpoint: Endpoint,
    job: Job,
    select: Select,
    signal: AbortSignal,
  ): Promise<Answered | undefined> {
    const { question } = job;
    try {
      await this.#draw(endpoint, job, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof Refused && SETTINGS.has(thrown.status) && !MODERATED.test(thrown.said))
        throw await this.#refusal(endpoint, thrown, "check the address and the model's name", signal);
      if (thrown instanceof Refused) return { question, failure: thrown.message };
      if (!(thrown instanceof Transient || thrown instanceof BadReply)) throw thrown;
      const { retries } = this.#options;
      job.faults += 1;
      if (job.faults <= retries && !endpoint.isDown) return undefined;
      // Is it the address, or this prompt?
      const isAlive = await this.#isAlive(endpoint, signal);
      return isAlive && job.faults > retries ? { question, failure: errorText(thrown) } : undefined;
    }
    const drawn = [...job.drawn]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([, one]) => (one === undefined ? [] : [one]));
    const chosen = new Set(
      select(
        question,
        drawn.map(({ draft }) => draft),
      ),
    );
    const kept = drawn.filter(({ draft }) => chosen.has(draft));
    return { question, kept: kept.map(({ draft, distributions }): Kept => ({ draft, ...distributions })) };
  }

  /** Tells whether an address answers something easy. */
  async #isAlive(endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#protocol.distributions)
        await this.#protocol.tokenize(endpoint, 'a', this.#modelOf(endpoint), signal);
      else await endpoint.send('/models', undefined, signal);
      return true;
    } catch (thrown) {
      signal.throwIfAborted();
      // An address without a list of models answers, too.
      if (thrown instanceof Refused) return true;
      if (thrown instanceof Transient || thrown instanceof BadReply) return false;
      throw thrown;
    }
  }

  /** Draws all samples that a job still lacks, in as many requests as the server needs. */
  async #draw(endpoint: Endpoint, job: Job, signal: AbortSignal): Promise<void> {
    const { sampling, tokenizer, seed } = this.#options;
    const { question, drawn } = job;
    const first = hashString(`${seed}:${question.position}`) >>> 1;
    for (;;) {
      const places = Array.from({ length: sampling.samples }, (_, place) => place);
      const start = places.find((place) => !drawn.has(place));
      if (start === undefined) return;
      const end = places.find((place) => place > start && drawn.has(place)) ?? sampling.samples;
      const ask: Ask = {
        question,
        samples: end - start,
        seed: (first + start) % 2 ** 31,
        sampling,
        topK: this.topK,
        stopIds: tokenizer.stopIds,
        isEnd: this.#isEnd,
        model: this.#modelOf(endpoint),
      };
      const samples = await this.#samples(endpoint, ask, signal);
      if (samples === undefined) drawn.set(start, undefined);
      samples?.slice(0, ask.samples).forEach((sample, i) => {
        if (sample !== undefined) drawn.set(start + i, this.#counted(drawnOf(sample, tokenizer, this.topK)));
      });
      job.faults = 0;
    }
  }

  /** What one request brings; undefined if it was drawn and cannot be sent. */
  async #samples(
    endpoint: Endpoint,
    ask: Ask,
    signal: AbortSignal,
  ): Promise<(RawSample | undefined)[] | undefined> {
    const { path, cut } = this.#protocol;
    try {
      return await endpoint.ask(path, this.#protocol.body(ask), signal, (reply) => {
        const samples = this.#protocol.read(reply, ask);
        if (samples.length === 0) reply.fail('holds no sample');
        return samples;
      });
    } catch (thrown) {
      if (thrown instanceof Unsendable) return undefined;
      if (thrown instanceof Refused && cut?.test(thrown.said) === true)
        return [{ finish: 'length', text: '' }];
      throw thrown;
    }
  }

  /** Counts answers by their ends, as a server or an option under which all are cut is to be told of early. */
  #counted(drawn: Drawn): Drawn {
    if (drawn.draft.finish === 'stop') this.#cut = -Infinity;
    this.#cut += 1;
    if (this.#cut === CUT_AT_FIRST) {
      const { maxTokens } = this.#options.sampling;
      this.notices.say(
        `none of the first ${CUT_AT_FIRST} answers is finished: they are longer than ${maxTokens} tokens, or the server gives no reason that is an end of turn`,
      );
    }
    return drawn;
  }

  [Symbol.dispose](): void {}
}

function* jobsOf(batches: Iterable<Batch>): Generator<Job> {
  for (const { questions } of batches)
    for (const question of questions) yield { question, drawn: new Map(), faults: 0 };
}
