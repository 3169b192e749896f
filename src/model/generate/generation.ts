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
import { dealt, type RunOptions, WorkerPool } from './worker-pool.ts';
import { checkSampling } from './sampler.ts';
import { commonLength, prefixRuns } from '../tree/shared-prefix.ts';
import type { Sample } from './slots.ts';

export type { Generated } from './worker.ts';
export type { Sample, Stopped } from './slots.ts';

export interface GenerateOptions extends Partial<Omit<Settings, 'stop' | 'generate_max_len'>>, RunOptions {
  readonly generate_max_len: number;
  /** Tokens that end a sample; they are part of it. */
  readonly stopIds: readonly number[];
}

const DEFAULTS = { n_samples_per_prompt: 1, temperature: 1, top_k: -1, top_p: 1, seed: 0 } as const;
/** Samples that are drawn at a time, if nobody says. */
const SAMPLES = 64;

function settingsOf({ stopIds, ...options }: GenerateOptions): Settings {
  const given = { ...DEFAULTS, ...options };
  const { n_samples_per_prompt, generate_max_len } = given;
  const { batch = Math.max(1, Math.floor(SAMPLES / n_samples_per_prompt)) } = given;
  const settings = { ...given, batch, stop: new Set(stopIds) };
  checkSampling(settings);
  for (const [name, value] of Object.entries({ n_samples_per_prompt, generate_max_len, batch })) {
    if (!Number.isInteger(value) || value < 1)
      throw new UserError('SAMPLING', `Generation: ${name} must be a whole number from 1, got ${value}.`);
  }
  return settings;
}

/** Prompts at most that share what they begin with. */
const MAX_GROUP = 64;
/** Groups are cut so that each worker has at least about so many parts to be dealt. */
const PARTS_A_WORKER = 4;

/**
 * Neighbouring prompts that begin alike, at most `most` of them together, each with at least one token of its own; a
 * prompt that is like no neighbour is by itself, with nothing shared.
 */
export function prefixGroups(prompts: readonly TokenIds[], most: number): Waiting[][] {
  const numbered = prompts.map((promptIds, index) => ({ promptIds, index, samples: [index] }));
  return prefixRuns(numbered, most).map((run) => {
    const [{ promptIds: first }, ...others] = run;
    const shortest = Math.min(...run.map(({ promptIds }) => promptIds.length));
    const shared = others.reduce(
      (length, { promptIds }) => commonLength(first, promptIds, length),
      shortest - 1,
    );
    const isShared = others.length > 0 && shared > 0;
    const sharedPrefix = isShared ? asTokenIds(first.slice(0, shared)) : undefined;
    return run.map(({ promptIds: prompt, index }) => ({ prompt, index, sharedPrefix }));
  });
}

/** Prompts in line: those of a group side by side, longest first, in parts of at most `most`. */
function inLine(prompts: readonly TokenIds[], most: number): Waiting[][] {
  return prefixGroups(prompts, MAX_GROUP)
    .map((group) => group.toSorted((a, b) => b.prompt.length - a.prompt.length || a.index - b.index))
    .toSorted(([a], [b]) => (b?.prompt.length ?? 0) - (a?.prompt.length ?? 0))
    .flatMap((group) =>
      Array.from({ length: Math.ceil(group.length / most) }, (_, i) => group.slice(i * most, (i + 1) * most)),
    );
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

  /**
   * As `generate`, but each prompt's samples as soon as all of them are finished. Prompts are dealt out to the workers,
   * those that begin alike together, longest first: who gets which does not depend on who is faster.
   */
  async *stream(prompts: readonly TokenIds[], options: GenerateOptions): AsyncGenerator<Generated> {
    const settings = settingsOf(options);
    this.#check(prompts);
    if (prompts.length === 0) return;
    const starts = () => {
      const workers = this.#workersFor(prompts.length, settings);
      const most = Math.max(1, Math.floor(prompts.length / (PARTS_A_WORKER * workers.length)));
      const line = inLine(prompts, most);
      return workers.map((worker, i) => {
        const mine = dealt(line, i, workers.length).flat();
        const slots = Math.min(mine.length, Math.ceil(settings.batch / workers.length));
        return (signal: AbortSignal) => worker.run(mine, slots, { ...settings, signal });
      });
    };
    yield* this.#workers.run(starts, prompts.length, options);
  }

  #workersFor(prompts: number, { batch, n_samples_per_prompt }: Settings): readonly GenerationWorker[] {
    const active = Math.min(prompts, batch);
    return this.#workers.reserve(active, active * n_samples_per_prompt);
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
    const workers = this.#workersFor(lengths.length, settings);
    const line = lengths.toSorted((a, b) => b - a);
    return workers.reduce((bytes, worker, i) => {
      const mine = dealt(line, i, workers.length);
      const slots = Math.min(mine.length, Math.ceil(settings.batch / workers.length));
      return bytes + (slots === 0 ? 0 : worker.reserve(slots, mine[0] ?? 1, settings, longest));
    }, 0);
  }

  /** Bytes of caches and of the graphs' intermediates. */
  get bytes(): number {
    return this.#workers.bytes;
  }

  [Symbol.dispose](): void {
    this.#workers[Symbol.dispose]();
  }
}
