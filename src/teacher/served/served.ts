/**
 * A server, or several that serve the same model, as the teacher. Requests run concurrently; a prompt whose request
 * failed is asked again, wherever there is room first. What keeps failing is given up: an address that does not even
 * answer something easy, and the others go on; otherwise the prompt.
 */
import { setMaxListeners } from 'node:events';
import { errorText, UserError } from '../../base/errors.ts';
import { hashString } from '../../base/rng.ts';
import { asTokenIds } from '../../base/token-ids.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import { merge } from '../../model/merge.ts';
import {
  type Answered,
  type Batch,
  type Distributions,
  type Draft,
  type Kept,
  NO_DISTRIBUTIONS,
  type Question,
  rowsOf,
  type SamplingOptions,
  type Select,
  type Teacher,
  type TokenFacts,
} from '../teacher.ts';
import { Endpoint, persistently, Refused, Transient, Unsendable } from './endpoint.ts';
import { probeEndpoint } from './probe.ts';
import type { Ask, Protocol, RawSample } from './protocol.ts';
import { type ProtocolName, protocols } from './protocols.ts';
import { BadReply } from './reply.ts';
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
  readonly sampling: SamplingOptions;
  readonly topK: number;
  readonly tokenizer: Tokenizer;
  readonly seed: number;
}

/** A draft with what the server said of its tokens. */
interface Drawn {
  readonly draft: Draft;
  readonly distributions: Distributions;
}

/** A question on its way to all of its samples. */
interface Job {
  readonly question: Question;
  /** What was drawn so far; a fault does not lose it. */
  readonly drawn: Drawn[];
  /** Samples that were drawn and could not be sent: they count, and are never kept. */
  unsendable: number;
  /** Faults since something was drawn. */
  faults: number;
}

/** Statuses that speak of the address or the key, and not of one prompt. */
const SETTINGS: ReadonlySet<number> = new Set([401, 403, 404, 405]);

export class ServedTeacher implements Teacher {
  readonly name: string;
  readonly topK: number;
  readonly #options: ServedOptions;
  readonly #protocol: Protocol;
  readonly #endpoints: readonly Endpoint[];
  #model = '';

  constructor(options: ServedOptions) {
    const { kind, endpoints, served, timeout, retries, requestsPerMinute, apiKey, seed } = options;
    this.#options = options;
    this.#protocol = protocols[kind];
    this.name = served ?? kind;
    this.topK = this.#protocol.distributions ? options.topK : 0;
    const { firstPause = 1000 } = options;
    this.#endpoints = endpoints.map(
      (url) =>
        new Endpoint(this.#protocol.base(url), {
          timeout,
          retries,
          requestsPerMinute,
          apiKey,
          seed,
          unsendable: this.#protocol.unsendable,
          firstPause,
        }),
    );
  }

  get model(): string {
    return this.#model;
  }

  async probe(signal: AbortSignal): Promise<readonly string[]> {
    const { tokenizer, sampling } = this.#options;
    const warnings = new Set<string>();
    for (const endpoint of this.#endpoints) {
      const model = await this.#modelAt(endpoint, signal);
      this.#model = model;
      const probed = { protocol: this.#protocol, endpoint, model, tokenizer, topK: this.topK, sampling };
      for (const warning of await probeEndpoint(probed, signal)) warnings.add(warning);
    }
    return [...warnings];
  }

  /** The model's name; one that the user gave is not looked up. */
  async #modelAt(endpoint: Endpoint, signal: AbortSignal): Promise<string> {
    const { served } = this.#options;
    if (served !== undefined || !this.#protocol.namesModel) return served ?? '';
    const path = this.#options.kind === 'openai' ? '/models' : '/v1/models';
    const listed = await persistently(() => endpoint.send(path, undefined, signal), endpoint);
    const [first] = listed.at('data').list();
    if (first === undefined)
      throw new UserError('TEACHER', `${endpoint.url} lists no model; name the one to ask in "served".`);
    return first.at('id').text();
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
  }

  /** Asks one question; undefined if it has to be asked again. */
  async #attempt(
    endpoint: Endpoint,
    job: Job,
    select: Select,
    signal: AbortSignal,
  ): Promise<Answered | undefined> {
    const { question, drawn } = job;
    try {
      await this.#draw(endpoint, job, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof Refused && SETTINGS.has(thrown.status)) {
        throw new UserError(
          'TEACHER',
          `${thrown.message}; check the address, the model's name and the API key.`,
          { cause: thrown },
        );
      }
      if (thrown instanceof Refused) return { question, failure: thrown.message };
      if (!(thrown instanceof Transient || thrown instanceof BadReply)) throw thrown;
      const { retries } = this.#options;
      job.faults += 1;
      if (job.faults <= retries && !endpoint.isDown) return undefined;
      // Is it the address, or this prompt?
      const isAlive = await this.#isAlive(endpoint, signal);
      return isAlive && job.faults > retries ? { question, failure: errorText(thrown) } : undefined;
    }
    const chosen = new Set(
      select(
        question,
        drawn.map(({ draft }) => draft),
      ),
    );
    const kept = drawn.filter(({ draft }) => chosen.has(draft));
    return { question, kept: kept.map(({ draft, distributions }): Kept => ({ draft, ...distributions })) };
  }

  /** Whether an address answers something easy. */
  async #isAlive(endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#protocol.distributions) await this.#protocol.tokenize(endpoint, 'a', this.#model, signal);
      else await endpoint.send('/models', undefined, signal);
      return true;
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof Transient || thrown instanceof BadReply || thrown instanceof Refused)
        return false;
      throw thrown;
    }
  }

  /** Draws all samples that a job still lacks, in as many requests as the server needs. */
  async #draw(endpoint: Endpoint, job: Job, signal: AbortSignal): Promise<void> {
    const { sampling, tokenizer, seed } = this.#options;
    const { question, drawn } = job;
    const first = hashString(`${seed}:${question.position}`) >>> 1;
    for (;;) {
      const done = drawn.length + job.unsendable;
      if (done >= sampling.samples) return;
      const ask = {
        question,
        samples: sampling.samples - done,
        seed: (first + done) % 2 ** 31,
        sampling,
        topK: this.topK,
        stopId: tokenizer.eosId,
        model: this.#model,
      };
      const samples = await this.#samples(endpoint, ask, signal);
      if (samples === undefined) job.unsendable += 1;
      else for (const sample of samples.slice(0, ask.samples)) drawn.push(this.#drawnOf(sample));
      job.faults = 0;
    }
  }

  /** What one request brings; undefined if it was drawn and cannot be sent. */
  async #samples(endpoint: Endpoint, ask: Ask, signal: AbortSignal): Promise<RawSample[] | undefined> {
    try {
      const reply = await endpoint.send(this.#protocol.path, this.#protocol.body(ask), signal);
      const samples = this.#protocol.read(reply, ask);
      if (samples.length === 0) reply.fail('holds no sample');
      return samples;
    } catch (thrown) {
      if (thrown instanceof Unsendable) return undefined;
      throw thrown;
    }
  }

  #drawnOf(sample: RawSample): Drawn {
    const { tokenizer } = this.#options;
    const { finish } = sample;
    if ('text' in sample) {
      // What the student is to learn ends with its own end of turn.
      const text = finish === 'stop' ? sample.text + tokenizer.tokenText(tokenizer.eosId) : sample.text;
      const draft = { text, tokens: tokenizer.encode(text), finish };
      return { draft, distributions: NO_DISTRIBUTIONS };
    }
    const { ids, facts } = withEnd(sample, tokenizer);
    const tokens = asTokenIds(ids);
    const draft = { text: tokenizer.decode(tokens), tokens, finish };
    return { draft, distributions: rowsOf(facts, this.topK) };
  }

  [Symbol.dispose](): void {}
}

/** The tokens of an answer; an end that the server left out is put there, without a distribution. */
function withEnd(
  { tokens, facts, finish }: Exclude<RawSample, { text: string }>,
  tokenizer: Tokenizer,
): { ids: readonly number[]; facts: readonly (TokenFacts | undefined)[] } {
  const last = tokens.at(-1);
  const ends = last !== undefined && tokenizer.isSpecial(last);
  if (finish === 'length' || ends) return { ids: tokens, facts };
  return { ids: [...tokens, tokenizer.eosId], facts: [...facts, undefined] };
}

function* jobsOf(batches: Iterable<Batch>): Generator<Job> {
  for (const { questions } of batches)
    for (const question of questions) yield { question, drawn: [], unsendable: 0, faults: 0 };
}
