/**
 * A server, or several that serve the same model. Requests run concurrently; a prompt whose request failed is asked
 * again, wherever there is room first. What keeps failing is given up: an address that does not even answer something
 * easy, and the others go on; otherwise the prompt.
 */
import { plainText } from '../../chat/thought.ts';
import type { ChatTemplate } from '../../chat/template.ts';
import type { ToolFormat } from '../../chat/formats/format.ts';
import { hermes } from '../../chat/formats/hermes.ts';
import { setMaxListeners } from 'node:events';
import { errorText, required, UserError } from '../../base/errors.ts';
import { hashString } from '../../base/rng.ts';
import { merge } from '../../base/merge.ts';
import { Notices } from '../notices.ts';
import type { Answer, Drawn, Prompt, SampleOptions, Sampler } from '../sampler.ts';
import { serverAddress } from './address.ts';
import { drawnOf } from './drawn.ts';
import { Endpoint, persistently } from './endpoint.ts';
import { Refused, Transient, Unsendable } from './faults.ts';
import { answerOf, type Job, jobsOf, NOTHING, settle } from './jobs.ts';
import { endOf, type IsEnd } from './finish.ts';
import type { ServedOptions } from './options.ts';
import { probeEndpoint } from './probe.ts';
import type { Ask, Protocol, RawSample } from './protocol.ts';
import { protocols } from './protocols.ts';
import { explained } from './refusal.ts';
import { BadReply } from './reply.ts';
import { Watch } from './watch.ts';
import { WorkQueue } from './work-queue.ts';

/** Statuses that speak of the address, the key or the account, and not of one prompt. */
const SETTINGS: ReadonlySet<number> = new Set([401, 402, 403, 404, 405]);

const CHECK_NAMES = "check the address and the model's name";

/** So many answers that are all cut at the start are told of. */
const CUT_AT_FIRST = 16;

/** Pattern of a 403 that is of one prompt's contents. */
const MODERATED = /flagged|moderat|content[ _](?:policy|filter)|safety/i;

/** Words in which servers say that a prompt leaves no room for an answer; none has an error code for it. */
const TOO_LONG = /context|too long|too many tokens|exceed/i;

export class Served implements Sampler {
  readonly givesTopK: boolean;
  readonly template?: ChatTemplate;
  readonly notices = new Notices();
  readonly #options: ServedOptions;
  readonly #protocol: Protocol;
  readonly #endpoints: readonly Endpoint[];
  readonly #isEnd: IsEnd;
  readonly #format: ToolFormat;
  readonly #tell: (message: string) => void;
  /** Answers that were cut, until one is finished. */
  #cut = 0;

  constructor(options: ServedOptions) {
    const { kind, endpoints, tokenizer, template, tell = this.notices.say } = options;
    const protocol = protocols[kind];
    this.#options = options;
    this.#protocol = protocol;
    this.givesTopK = protocol.distributions;
    if (template !== undefined) this.template = template;
    this.#format = options.format ?? template?.format ?? hermes;
    this.#isEnd = endOf(tokenizer);
    this.#tell = tell;
    const { unsendable, adjustable, parse } = protocol;
    const given = { ...options, unsendable, adjustable, parse, watch: new Watch(tell) };
    this.#endpoints = endpoints.map((url) => new Endpoint(protocol.base(serverAddress(url)), given));
  }

  get name(): string {
    return this.#options.served ?? this.#endpoints[0]?.model ?? this.#options.kind;
  }

  get identity(): string {
    const { template } = this;
    const addresses = this.#endpoints.map(({ url }) => url);
    return JSON.stringify([...addresses, this.name, ...(template === undefined ? [] : [template.identity])]);
  }

  get served(): string {
    return [...this.#models].toSorted().join(', ');
  }

  get #models(): ReadonlySet<string> {
    return new Set(this.#endpoints.flatMap(({ model }) => model ?? []));
  }

  /** Finds the name of the model at each address; throws a UserError where none can be found. */
  async findModels(signal: AbortSignal): Promise<void> {
    await this.#each(signal, async (endpoint, own) => {
      endpoint.model = await this.#modelAt(endpoint, own);
    });
  }

  /** Asks all addresses at once; the first fault ends that, and is thrown. */
  async #each<T>(signal: AbortSignal, ask: (endpoint: Endpoint, signal: AbortSignal) => Promise<T>) {
    const others = new AbortController();
    const either = AbortSignal.any([signal, others.signal]);
    // All of them listen to one signal; more than ten are no leak.
    setMaxListeners(0, either);
    try {
      return await Promise.all(this.#endpoints.map((endpoint) => ask(endpoint, either)));
    } finally {
      others.abort();
    }
  }

  async check(sampling: SampleOptions): Promise<readonly string[]> {
    const { signal = new AbortController().signal } = sampling;
    const tokenizer = required(this.#options.tokenizer, "the student's tokenizer");
    await this.findModels(signal);
    const [protocol, isEnd, topK] = [this.#protocol, this.#isEnd, this.#topK(sampling)];
    const found = await this.#each(signal, async (endpoint, own) => {
      const probed = { protocol, endpoint, tokenizer, format: this.#format, isEnd, topK, sampling };
      try {
        const warnings = await probeEndpoint(probed, own);
        endpoint.isKnown = true;
        return warnings;
      } catch (thrown) {
        const isAddress = thrown instanceof Refused && [404, 405].includes(thrown.status);
        const advice = protocol.distributions
          ? `check the address, the model's name and that it allows ${topK} log-probabilities a token`
          : isAddress
            ? CHECK_NAMES
            : 'see to what it says';
        throw await explained(thrown, endpoint, this.#options, advice, own);
      }
    });
    const warnings = new Set(found.flat());
    if (this.#models.size > 1) {
      const names = this.#endpoints.map(({ url, model = '' }) => `${model} at ${url}`).join(', ');
      warnings.add(`the addresses name different models (${names}); each is asked for its own`);
    }
    return [...warnings];
  }

  /** Entries a token: servers that give any are always asked for the token's own log-probability. */
  #topK({ kd_topk = 1 }: SampleOptions): number {
    return this.givesTopK ? Math.max(1, kd_topk) : 0;
  }

  /** The model's name; one that the user gave is not looked up. */
  async #modelAt(endpoint: Endpoint, signal: AbortSignal): Promise<string> {
    const { served, modelBy } = this.#options;
    const { models } = this.#protocol;
    if (served !== undefined || models === undefined) return served ?? '';
    try {
      const [first] = await persistently(() => endpoint.models(models, signal), endpoint);
      if (first !== undefined) return first;
    } catch (thrown) {
      const advice = `name the model to ask with ${modelBy}`;
      throw await explained(thrown, endpoint, this.#options, advice, signal);
    }
    throw new UserError('TEACHER', `${endpoint.url} lists no model; name the one to ask with ${modelBy}.`);
  }

  async *sample(prompts: Iterable<Prompt>, options: SampleOptions): AsyncGenerator<Answer, void, undefined> {
    const { signal = new AbortController().signal } = options;
    const queue = new WorkQueue(jobsOf(prompts, options));
    const workers = this.#endpoints.flatMap((endpoint) =>
      Array.from(
        { length: this.#options.concurrency },
        () => (stop: AbortSignal) => this.#work(endpoint, queue, options, stop),
      ),
    );
    yield* merge(workers, signal);
    const left = await queue.take(signal);
    if (left === undefined) return;
    const faults = this.#endpoints.map(({ url, lastFault }) => `${url}: ${lastFault}`).join('; ');
    throw new UserError(
      'TEACHER',
      `No ${this.#options.tokenizer === undefined ? 'server' : 'teacher'} answers any more (${faults}); see to the server and re-run the same command to resume.`,
    );
  }

  async *#work(endpoint: Endpoint, queue: WorkQueue<Job>, options: SampleOptions, signal: AbortSignal) {
    // All workers listen to one signal, each once; more than ten are no leak.
    setMaxListeners(0, signal);
    while (!endpoint.isDown) {
      const job = await queue.take(signal);
      if (job === undefined) return;
      let next: readonly Job[] = [job];
      try {
        if (!(await this.#attempt(endpoint, job, options, signal))) continue;
        next = await settle(job, options, this.#options.tokenizer);
        if (job.asked.open === 0) yield answerOf(job.asked, options);
      } finally {
        queue.finish(...next);
      }
    }
    if (endpoint.isGivenUp || this.#endpoints.every(({ isDown }) => isDown)) return;
    endpoint.isGivenUp = true;
    this.#tell(`${endpoint.url} is given up (${endpoint.lastFault}); the others go on`);
  }

  /** Draws a job's samples, or finds that it cannot be done; false if it has to be tried again. */
  async #attempt(endpoint: Endpoint, job: Job, options: SampleOptions, signal: AbortSignal) {
    const fail = (failure: string, isFull = false): true => {
      // A conversation that fills the context ends as one that is cut.
      if (isFull && job.before !== undefined) job.drawn.set(job.places[0] ?? 0, NOTHING);
      else job.asked.failure = { failure, isFull };
      return true;
    };
    try {
      await this.#draw(endpoint, job, options, signal);
      return true;
    } catch (thrown) {
      signal.throwIfAborted();
      const isSetting =
        thrown instanceof Refused && SETTINGS.has(thrown.status) && !MODERATED.test(thrown.said);
      if (isSetting || (thrown instanceof BadReply && !endpoint.isKnown))
        throw await explained(thrown, endpoint, this.#options, CHECK_NAMES, signal);
      if (thrown instanceof Refused)
        return fail(thrown.message, thrown.status === 400 && TOO_LONG.test(thrown.said));
      if (!(thrown instanceof Transient || thrown instanceof BadReply)) throw thrown;
      const { retries } = this.#options;
      job.faults += 1;
      if (job.faults <= retries && !endpoint.isDown) return false;
      // Is it the address, or this prompt?
      const isAlive = await this.#isAlive(endpoint, signal);
      return isAlive && job.faults > retries && fail(errorText(thrown));
    }
  }

  async #isAlive(endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
    const { models = '/models' } = this.#protocol;
    try {
      await (this.#protocol.tokenize?.(endpoint, 'a', signal) ?? endpoint.send(models, undefined, signal));
      return true;
    } catch (thrown) {
      signal.throwIfAborted();
      // An address without a list of models answers, too.
      if (thrown instanceof Refused) return true;
      if (thrown instanceof Transient || thrown instanceof BadReply) return false;
      throw thrown;
    }
  }

  /** A prompt with the tokens or the text that the protocol goes by, where a tokenizer is known. */
  #whole(prompt: Prompt): Prompt {
    const { tokenizer, begins = '' } = this.#options;
    const { ids, text } = prompt;
    if (begins !== '' && text?.startsWith(begins) === true)
      return { ...prompt, text: text.slice(begins.length) };
    if (tokenizer === undefined) return prompt;
    if (this.givesTopK) return { ...prompt, ids: ids ?? tokenizer.encode(text ?? '') };
    return text === undefined && ids !== undefined ? { ...prompt, text: tokenizer.decode(ids) } : prompt;
  }

  /** Draws all samples that a job still lacks, in as many requests as the server needs. */
  async #draw(endpoint: Endpoint, job: Job, options: SampleOptions, signal: AbortSignal): Promise<void> {
    const { asked, prompt, places, before, drawn } = job;
    const { tokenizer } = this.#options;
    const { position = asked.index } = asked.prompt;
    const { seed, skip_special_tokens: skipSpecial = true, generate_max_len: most } = options;
    const turn = before === undefined ? '' : `:${before.length}`;
    const first = seed === undefined ? undefined : hashString(`${seed}:${position}${turn}`) >>> 1;
    const whole = this.#whole(prompt);
    const topK = this.#topK(options);
    for (;;) {
      const lacking = places.filter((place) => !drawn.has(place));
      const [start] = lacking;
      if (start === undefined) return;
      const run = lacking.findIndex((place, i) => place !== start + i);
      const ask: Ask = {
        prompt: whole,
        samples: run < 0 ? lacking.length : run,
        seed: first === undefined ? undefined : (first + start) % 2 ** 31,
        sampling: { ...options, generate_max_len: most - (before?.length ?? 0) },
        format: this.#format,
        topK,
        stopIds: tokenizer?.stopIds ?? [],
        isEnd: this.#isEnd,
        model: endpoint.model ?? this.#options.served ?? '',
      };
      const samples = await this.#samples(endpoint, ask, signal);
      if (samples === undefined) drawn.set(start, undefined);
      samples?.slice(0, ask.samples).forEach((raw, i) => {
        if (raw === undefined) return;
        const sample = this.#counted(drawnOf(raw, tokenizer, topK), most);
        const text =
          skipSpecial && tokenizer ? plainText(sample.tokens, tokenizer, this.#format) : sample.text;
        drawn.set(start + i, { ...sample, text });
      });
      job.faults = 0;
    }
  }

  /** Samples that one request brings; undefined if they were drawn and cannot be sent. */
  async #samples(
    endpoint: Endpoint,
    ask: Ask,
    signal: AbortSignal,
  ): Promise<(RawSample | undefined)[] | undefined> {
    const protocol = this.#protocol;
    try {
      return await endpoint.ask(protocol.path(ask), protocol.body(ask), signal, (reply) => {
        const samples = protocol.read(reply, ask);
        if (samples.length === 0) reply.fail('holds no sample');
        endpoint.isKnown = true;
        return samples;
      });
    } catch (thrown) {
      if (thrown instanceof Unsendable) return undefined;
      if (thrown instanceof Refused && protocol.cut?.test(thrown.said) === true)
        return [{ finish: 'length', text: '' }];
      throw thrown;
    }
  }

  /** Counts answers by their ends, as a server or an option under which all are cut is to be told of early. */
  #counted(drawn: Drawn, most: number): Drawn {
    if (drawn.finish === 'stop') this.#cut = -Infinity;
    this.#cut += 1;
    if (this.#cut === CUT_AT_FIRST) {
      this.#tell(
        `none of the first ${CUT_AT_FIRST} answers is finished: they are longer than ${most} tokens, or the server gives no reason that is an end of turn`,
      );
    }
    return drawn;
  }

  [Symbol.dispose](): void {}
}
