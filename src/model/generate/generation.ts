/**
 * Generation over prompt trees: a prompt goes through the model once, and its n samples are n queries a step against
 * one shared cache. The textbook's beam search and penalties are left out.
 */
import { InternalError, UserError } from '../../base/errors.ts';
import { asTokenIds, type TokenIds } from '../../base/token-ids.ts';
import type { Device } from '../../ggml/device.ts';
import type { ModelConfig } from '../arch/config.ts';
import type { WeightSource } from '../arch/forward.ts';
import { type Generated, GenerationWorker, type Settings, type Waiting } from './worker.ts';
import { dealt, WorkerPool } from './worker-pool.ts';
import { merge } from '../checkpoint/merge.ts';
import { checkSampling } from './sampler.ts';
import { type PrefixGroup, prefixGroups } from '../tree/shared-prefix.ts';
import type { Sample, Stopped } from './slots.ts';

export type { Generated } from './worker.ts';
export type { Sample, Stopped } from './slots.ts';

export interface GenerateOptions {
  /** Samples a prompt. */
  readonly n_samples_per_prompt?: number;
  /** 0 is greedy. */
  readonly temperature?: number;
  /** -1 is off. */
  readonly top_k?: number;
  /** 1 is off. */
  readonly top_p?: number;
  readonly generate_max_len: number;
  /** Tokens that end a sample; they are part of it. */
  readonly stopIds: readonly number[];
  /**
   * Every (seed, prompt's index, sample) has its own stream, so results do not depend on `batch`; give each call of
   * a training run a seed of its own.
   */
  readonly seed?: number;
  /**
   * Reply that a sample which came to a stop token reads next, and then goes on from; undefined ends it there. This is how a
   * call's result gets into a conversation: the reply joins the sample's own part of the cache, token by token, while
   * the other samples go on, and nothing of what came before is computed again. `generate_max_len` counts replies too.
   */
  readonly reply?: (stopped: Stopped) => Promise<TokenIds | undefined>;
  /** Prompts that are worked on at a time. */
  readonly batch?: number;
  /** Its reason is thrown between two steps. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

function settingsOf(options: GenerateOptions): Settings {
  const { n_samples_per_prompt = 1, temperature = 1, top_k = -1, top_p = 1, generate_max_len } = options;
  const { seed = 0, stopIds, reply } = options;
  const drawn = { n_samples_per_prompt, temperature, top_k, top_p, generate_max_len, seed };
  const settings = { ...drawn, stop: new Set(stopIds), reply };
  checkSampling(settings);
  for (const [name, value] of Object.entries({
    n_samples_per_prompt,
    generate_max_len,
    batch: options.batch ?? 1,
  })) {
    if (!Number.isInteger(value) || value < 1)
      throw new UserError('SAMPLING', `Generation: ${name} must be a whole number from 1, got ${value}.`);
  }
  return settings;
}

/** Prompts that are worked on at a time, if nobody says. */
const batchFor = (samples: number): number => Math.max(1, Math.floor(64 / samples));

/** Prompts at most that share what they begin with. */
const MAX_GROUP = 64;
/** Groups are cut so that each worker has at least about so many parts to be dealt. */
const PARTS_A_WORKER = 4;

/** A group's members in line, longest first, in parts of at most `most`. */
function inParts(prompts: readonly TokenIds[], { members, shared }: PrefixGroup, most: number): Waiting[][] {
  const own = members.flatMap((index): Waiting[] => {
    const prompt = prompts[index];
    return prompt === undefined ? [] : [{ prompt, index }];
  });
  const [first] = own;
  const sharedPrefix =
    shared > 0 && first !== undefined ? { tokens: asTokenIds(first.prompt.slice(0, shared)) } : undefined;
  const line = own
    .map((waiting) => ({ ...waiting, sharedPrefix }))
    .toSorted((a, b) => b.prompt.length - a.prompt.length || a.index - b.index);
  const parts = Math.ceil(line.length / most);
  return Array.from({ length: parts }, (_, i) => line.slice(i * most, (i + 1) * most));
}

/** Draws samples from a model. Weights may change between calls; graphs and caches are kept for the next one. */
export class Generator implements Disposable {
  readonly #config: ModelConfig;
  readonly #workers: WorkerPool<GenerationWorker>;

  constructor(device: Device, config: ModelConfig, weights: WeightSource) {
    this.#config = config;
    const model = { device, config, weights };
    this.#workers = new WorkerPool('generation', model, (own) => new GenerationWorker(own));
  }

  /** Samples of every prompt, in the prompts' order. */
  async generate(prompts: readonly TokenIds[], options: GenerateOptions): Promise<Sample[][]> {
    const results: Sample[][] = prompts.map(() => []);
    for await (const { prompt, samples } of this.stream(prompts, options)) results[prompt] = [...samples];
    return results;
  }

  /** As `generate`, but each prompt's samples as soon as all of them are finished. */
  async *stream(prompts: readonly TokenIds[], options: GenerateOptions): AsyncGenerator<Generated> {
    const settings = settingsOf(options);
    this.#check(prompts);
    if (prompts.length === 0) return;
    const { onProgress } = options;
    const run = (): AsyncGenerator<Generated> => this.#run(prompts, settings, options);
    yield* this.#workers.alone(run, (done) => onProgress?.(done, prompts.length));
  }

  #check(prompts: readonly TokenIds[]): void {
    const { contextLength } = this.#config;
    prompts.forEach(({ length }, i) => {
      if (length === 0) throw new InternalError(`generation: prompt ${i} is empty`);
      if (length >= contextLength)
        throw new UserError(
          'PROMPT_TOO_LONG',
          `Prompt ${i} has ${length} tokens, and the model has room for ${contextLength - 1} before an answer; shorten its tools.`,
        );
    });
  }

  /**
   * Builds what generating from prompts of these lengths needs at most, without generating: see Device.meta.
   * `longest` is how long an answer will be, if all are shorter than they may be. Returns the bytes held on the host.
   */
  reserve(lengths: readonly number[], options: GenerateOptions, longest = options.generate_max_len): number {
    const settings = settingsOf(options);
    const { batch = batchFor(settings.n_samples_per_prompt) } = options;
    const active = Math.min(lengths.length, batch);
    const workers = this.#workers.reserve(active, active * settings.n_samples_per_prompt);
    const line = lengths.toSorted((a, b) => b - a);
    return workers.reduce((bytes, worker, i) => {
      const mine = dealt(line, i, workers.length);
      const slots = Math.min(mine.length, Math.ceil(batch / workers.length));
      return bytes + (slots === 0 ? 0 : worker.reserve(slots, mine[0] ?? 1, settings, longest));
    }, 0);
  }

  /**
   * Deals the prompts out to the workers, those that begin alike together, longest first: who gets which does not depend
   * on who is faster.
   */
  #run(
    prompts: readonly TokenIds[],
    settings: Settings,
    { batch = batchFor(settings.n_samples_per_prompt), signal }: GenerateOptions,
  ): AsyncGenerator<Generated> {
    const active = Math.min(prompts.length, batch);
    const workers = this.#workers.reserve(active, active * settings.n_samples_per_prompt);
    const most = Math.max(1, Math.floor(prompts.length / (PARTS_A_WORKER * workers.length)));
    const longest = ({ members }: PrefixGroup): number =>
      members.reduce((length, index) => Math.max(length, prompts[index]?.length ?? 0), 0);
    const line = prefixGroups(prompts, MAX_GROUP)
      .toSorted((a, b) => longest(b) - longest(a))
      .flatMap((group) => inParts(prompts, group, most));
    const starts = workers.map((worker, i) => {
      const mine = dealt(line, i, workers.length).flat();
      const slots = Math.min(mine.length, Math.ceil(batch / workers.length));
      return (stop: AbortSignal) => worker.run(mine, slots, settings, stop);
    });
    return merge(starts, signal);
  }

  /** Bytes of caches and of the graphs' intermediates. */
  get bytes(): number {
    return this.#workers.bytes;
  }

  [Symbol.dispose](): void {
    this.#workers[Symbol.dispose]();
  }
}
