/**
 * Answers to prompts that come one by one, while others are being answered (continuous batching over prompt trees). Prompts that
 * begin alike are a family: what they share is computed once, stays in a cache for the next ones, and each of them is a row
 * that joins the others between two steps.
 */
import { InternalError, required, UserError } from '../../base/errors.ts';
import { asTokenIds, type TokenIds } from '../../base/token-ids.ts';
import type { Device } from '../../ggml/device.ts';
import type { ModelConfig } from '../arch/config.ts';
import type { WeightSource } from '../arch/forward.ts';
import type { PromptContents } from './cache.ts';
import { Family, type Joined, type LiveToken } from './family.ts';
import { GraphMemories } from './kept-graph.ts';
import { frozen, type ModelParts } from './next-token.ts';
import { beginsWith, type KeptPrefix } from './prefixes.ts';
import { checkSampling, type Constraint, type Sampling } from './sampler.ts';
import { type Sample, startPrompt, wholeSpan } from './slots.ts';
import { small, type WorkerDevices, workerDevices } from './worker-pool.ts';

export type { LiveToken } from './family.ts';

export interface LiveRequest extends Sampling {
  readonly prompt: TokenIds;
  /** Tokens that other prompts begin with, too. */
  readonly shared: number;
  readonly generate_max_len: number;
  readonly stopIds: readonly number[];
  readonly seed: number;
  /** Number among several answers to one prompt: each has random numbers of its own. */
  readonly sample?: number;
  readonly constraint?: Constraint;
  /** Likeliest tokens that are told with each one. */
  readonly top?: number;
  /** Called with each token; returning true ends the answer behind it. */
  readonly onToken?: (token: LiveToken) => boolean;
  /** Its reason is thrown when it fires. */
  readonly signal?: AbortSignal;
}

export interface LiveAnswer extends Sample {
  /** Tokens of the prompt that were in a cache already. */
  readonly cached: number;
}

export interface LiveOptions {
  /** Answers at a time, of all workers together. */
  readonly rows?: number;
  /** Prompts that are kept for those that begin alike, of each worker. */
  readonly families?: number;
}

const DEFAULTS = { rows: 32, families: 6 };

/** Rest of a prompt, behind what is in a cache, that a row may begin with. */
const MOST_REST = 512;
/** Tokens from which it is worth to keep what prompts share. */
const LEAST_SHARED = 32;

interface Waiting {
  readonly request: LiveRequest;
  readonly resolve: (answer: LiveAnswer) => void;
  readonly reject: (reason: unknown) => void;
  /** Takes it out of the line, for the reason of its signal. */
  readonly leave: () => void;
}

/** A family with room for a request, and the tokens of its prompt that were in a cache already. */
interface Found {
  readonly family: Family;
  readonly cached: number;
}

/** Part of the cores, with families of its own. */
class LiveWorker implements Disposable {
  readonly #model: ModelParts;
  readonly #rows: number;
  readonly #most: number;
  readonly #kept: ReadonlyMap<string, KeptPrefix>;
  /** In order of use. */
  #families: Family[] = [];
  readonly #line: Waiting[] = [];
  /** Memory of all families' graphs: they take their steps in turn. */
  readonly #memories: GraphMemories;
  #running: Promise<void> | undefined;
  #closed = false;

  /** `kept` are beginnings that are known, whoever computed them; there may be more of them later. */
  constructor(model: ModelParts, rows: number, families: number, kept: ReadonlyMap<string, KeptPrefix>) {
    this.#model = model;
    this.#rows = rows;
    this.#most = families;
    this.#kept = kept;
    this.#memories = new GraphMemories(model.device);
  }

  /** Answers that are waited for. */
  get load(): number {
    return this.#line.length + this.#families.reduce((sum, { live }) => sum + live, 0);
  }

  get bytes(): number {
    return this.#families.reduce((sum, { bytes }) => sum + bytes, this.#memories.bytes);
  }

  knows(prompt: TokenIds): boolean {
    return this.#families.some((family) => family.begins(prompt));
  }

  answer(request: LiveRequest): Promise<LiveAnswer> {
    return new Promise((resolve, reject) => {
      // Clients that go away leave the line; rows are freed by their family.
      const leave = (): void => {
        const at = this.#line.indexOf(waiting);
        if (at < 0) return;
        this.#line.splice(at, 1);
        reject(request.signal?.reason);
      };
      const waiting: Waiting = { request, resolve, reject, leave };
      request.signal?.addEventListener('abort', leave, { once: true });
      this.#line.push(waiting);
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    while (!this.#closed && (this.#line.length > 0 || this.#families.some(({ live }) => live > 0))) {
      await this.#admit();
      for (const family of this.#families) if (family.live > 0) await family.step();
    }
    // At once, so that whoever asks from now on begins anew.
    this.#running = undefined;
    for (const { reject } of this.#line.splice(0)) reject(new InternalError('the model was closed'));
  }

  /** Lets those in line join, in their order, as far as there is room. What one of them fails with is its own failure. */
  async #admit(): Promise<void> {
    for (let waiting = this.#line[0]; waiting !== undefined; waiting = this.#line[0]) {
      const { request, resolve, reject, leave } = waiting;
      if (request.signal?.aborted === true) {
        leave();
        continue;
      }
      if (this.#families.reduce((sum, { live }) => sum + live, 0) >= this.#rows) return;
      try {
        const found = await this.#familyOf(request);
        // Its client may have gone away meanwhile.
        if (this.#line[0] !== waiting) continue;
        if (found === undefined) return;
        const { family, cached } = found;
        family.join(this.#joined(request, family, (answer) => resolve({ ...answer, cached }), reject));
      } catch (thrown) {
        reject(thrown);
      }
      this.#line.splice(0, this.#line[0] === waiting ? 1 : 0);
      request.signal?.removeEventListener('abort', leave);
    }
  }

  #joined(
    request: LiveRequest,
    { prefix }: Family,
    resolve: Joined['resolve'],
    reject: Joined['reject'],
  ): Joined {
    const { prompt, seed, sample = 0, constraint, generate_max_len } = request;
    const room = Math.min(generate_max_len, this.#model.config.contextLength - prompt.length);
    const { drawings } = startPrompt(0, wholeSpan(prefix.length), {
      samples: sample + 1,
      seed,
      constraint,
      rest: asTokenIds(prompt.slice(prefix.length)),
    });
    return {
      drawing: required(drawings[sample], 'a sample of a request'),
      sampling: request,
      limits: { stop: new Set(request.stopIds), generate_max_len: room },
      top: request.top ?? 0,
      onToken: request.onToken,
      signal: request.signal,
      resolve,
      reject,
    };
  }

  /** A family with room for a request, which is made where there is none; undefined where it has to wait. */
  async #familyOf(request: LiveRequest): Promise<Found | undefined> {
    const { prompt, shared } = request;
    const serves = (prefix: TokenIds): boolean =>
      prompt.length - prefix.length <= MOST_REST &&
      // A little more that is shared is not worth another cache.
      shared - prefix.length <= LEAST_SHARED &&
      beginsWith(prompt, prefix);
    const [known] = this.#families
      .filter(({ prefix }) => serves(prefix))
      .sort((a, b) => b.prefix.length - a.prefix.length);
    const own = (length: number): number => prompt.length - length + request.generate_max_len;
    if (known?.fits(own(known.prefix.length)) === true) {
      this.#families = [...this.#families.filter((family) => family !== known), known];
      return known.isFull ? undefined : { family: known, cached: known.prefix.length };
    }
    // Room is made larger when nobody is in it.
    if (known !== undefined && known.live > 0) return undefined;
    if (known !== undefined) {
      const contents = known.contents();
      this.#drop(known);
      return this.#open(known.prefix, own(known.prefix.length), contents);
    }
    const [kept] = [...this.#kept.values()]
      .filter(({ tokens }) => serves(tokens))
      .sort((a, b) => b.tokens.length - a.tokens.length);
    if (kept !== undefined) return this.#open(kept.tokens, own(kept.tokens.length), kept.contents);
    const isShared = shared > LEAST_SHARED && shared < prompt.length && prompt.length - shared <= MOST_REST;
    // Short prompts have in common that they begin with nothing.
    const length = isShared ? shared : prompt.length <= MOST_REST ? 0 : prompt.length - 1;
    return this.#open(asTokenIds(prompt.slice(0, length)), own(length));
  }

  async #open(prefix: TokenIds, own: number, contents?: PromptContents): Promise<Found | undefined> {
    if (this.#families.length >= this.#most) {
      const idle = this.#families.find(({ live }) => live === 0);
      if (idle === undefined) return undefined;
      this.#drop(idle);
    }
    const room = { rows: this.#rows, own };
    const family = await Family.open(this.#model, prefix, room, this.#memories, contents);
    this.#families.push(family);
    return { family, cached: contents === undefined ? 0 : prefix.length };
  }

  /** Computes what prompts begin with, beside the families, which may be at work meanwhile. */
  async prefix(tokens: TokenIds): Promise<KeptPrefix> {
    using memories = new GraphMemories(this.#model.device);
    using family = await Family.open(this.#model, tokens, { rows: 1, own: 1 }, memories);
    return { tokens, contents: family.contents() };
  }

  #drop(family: Family): void {
    this.#families = this.#families.filter((one) => one !== family);
    family[Symbol.dispose]();
  }

  /** Ends after the step at hand; who waits is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    for (const family of this.#families) family.abandon(new InternalError('the model was closed'));
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const family of this.#families) family[Symbol.dispose]();
    this.#families = [];
    this.#memories[Symbol.dispose]();
  }
}

/** Answers prompts as they come. */
export class LiveGenerator {
  readonly #config: ModelConfig;
  readonly #workers: readonly LiveWorker[];
  readonly #devices: WorkerDevices;
  readonly #kept = new Map<string, KeptPrefix>();

  constructor(device: Device, config: ModelConfig, weights: WeightSource, options: LiveOptions = {}) {
    const { rows, families } = { ...DEFAULTS, ...options };
    this.#config = config;
    // Of a small model each core works for itself; a larger one takes all of them for each step.
    const count =
      small(config) && device.info.kind === 'cpu' ? Math.max(1, Math.min(device.threads, rows)) : 1;
    this.#devices = workerDevices(device, config, count);
    this.#workers = this.#devices.devices.map(
      (own) =>
        new LiveWorker(
          { device: own, config, weights: frozen(weights) },
          Math.ceil(rows / count),
          Math.max(1, families),
          this.#kept,
        ),
    );
  }

  /** Answers that are being written or waited for. */
  get load(): number {
    return this.#workers.reduce((sum, { load }) => sum + load, 0);
  }

  /** Bytes of caches and of the graphs' intermediates. */
  get bytes(): number {
    return this.#workers.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Answers one prompt. Throws a UserError for one that fills the context, and the signal's reason when it fires. */
  async answer(request: LiveRequest): Promise<LiveAnswer> {
    checkSampling(request);
    const { length } = request.prompt;
    const { contextLength } = this.#config;
    if (length === 0) throw new InternalError('an empty prompt');
    if (length >= contextLength)
      throw new UserError(
        'PROMPT_TOO_LONG',
        `The prompt has ${length} tokens, and the model has room for ${contextLength - 1} before an answer; shorten it.`,
      );
    const [first] = this.#workers
      .map((worker) => ({ worker, load: worker.load, isNew: worker.knows(request.prompt) ? 0 : 1 }))
      // Work is divided evenly; of two that are equally free, the one that knows the beginning.
      .sort((a, b) => a.load - b.load || a.isNew - b.isNew);
    if (first === undefined) throw new InternalError('no worker');
    return first.worker.answer(request);
  }

  /** Beginnings of prompts that are kept as long as this is. */
  get kept(): readonly KeptPrefix[] {
    return [...this.#kept.values()];
  }

  /** Keeps a beginning that was computed before. */
  keep(prefix: KeptPrefix): void {
    this.#kept.set(prefix.tokens.join(' '), prefix);
  }

  /** Computes what prompts begin with and keeps it, unless it is kept. */
  async pin(tokens: TokenIds): Promise<void> {
    const [first] = this.#workers;
    if (first !== undefined && !this.#kept.has(tokens.join(' '))) this.keep(await first.prefix(tokens));
  }

  /** Ends after the steps at hand. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    this.#devices[Symbol.dispose]();
  }
}
