/**
 * Generation over prompt trees: a prompt goes through the model once, and its n samples are n queries a step against
 * one shared cache. The textbook's beam search and penalties are left out.
 */
import { InternalError, UserError } from '../../base/errors.ts';
import { asTokenIds, type TokenIds } from '../../base/token-ids.ts';
import type { Device } from '../../ggml/device.ts';
import type { Qwen3Config } from '../arch/config.ts';
import type { WeightSource } from '../arch/forward.ts';
import { type Generated, GenerationLane, type Settings, type Waiting } from './lane.ts';
import { LanePool } from './lane-pool.ts';
import { laneCount } from './lanes.ts';
import { merge } from '../checkpoint/merge.ts';
import { frozen } from './next-token.ts';
import { checkSampling } from './sampler.ts';
import { type PromptFamily, promptFamilies } from '../tree/shared-prefix.ts';
import type { Sample, Stopped } from './slots.ts';

export type { Generated } from './lane.ts';
export type { Sample, Stopped } from './slots.ts';

export interface GenerateOptions {
  /** Samples a prompt. */
  readonly samples?: number;
  /** 0 is greedy. */
  readonly temperature?: number;
  /** -1 is off. */
  readonly topK?: number;
  /** 1 is off. */
  readonly topP?: number;
  readonly maxTokens: number;
  /** Tokens that end a sample; they are part of it. */
  readonly stopIds: readonly number[];
  /**
   * Every (seed, prompt's index, sample) has its own stream, so results do not depend on `batch`; give each call of
   * a training run a seed of its own.
   */
  readonly seed?: number;
  /**
   * What a sample that came to a stop token reads next, and then goes on from; undefined ends it there. This is how a
   * call's result gets into a conversation: the reply joins the sample's own part of the cache, token by token, while
   * the other samples go on, and nothing of what came before is computed again. `maxTokens` counts replies too.
   */
  readonly reply?: (stopped: Stopped) => Promise<TokenIds | undefined>;
  /** Prompts that are worked on at a time. */
  readonly batch?: number;
  /** Its reason is thrown between two steps. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

function settingsOf(options: GenerateOptions): Settings {
  const { samples = 1, temperature = 1, topK = -1, topP = 1, maxTokens, stopIds, seed = 0 } = options;
  const { reply } = options;
  const settings = { samples, temperature, topK, topP, maxTokens, seed, stop: new Set(stopIds), reply };
  checkSampling(settings);
  for (const [name, value] of Object.entries({ samples, maxTokens, batch: options.batch ?? 1 })) {
    if (!Number.isInteger(value) || value < 1)
      throw new UserError('SAMPLING', `Generation: ${name} must be a whole number from 1, got ${value}.`);
  }
  return settings;
}

/** Prompts that are worked on at a time, if nobody says. */
const batchFor = (samples: number): number => Math.max(1, Math.floor(64 / samples));

/** Prompts at most that share what they begin with. */
const MAX_KIN = 64;
/** Families are cut so that each lane has at least about so many parts to be dealt. */
const PARTS_A_LANE = 4;

/** A family's members in line, longest first, in parts of at most `most`. */
function inParts(prompts: readonly TokenIds[], { members, shared }: PromptFamily, most: number): Waiting[][] {
  const own = members.flatMap((index): Waiting[] => {
    const prompt = prompts[index];
    return prompt === undefined ? [] : [{ prompt, index }];
  });
  const [first] = own;
  const beginning =
    shared > 0 && first !== undefined ? { tokens: asTokenIds(first.prompt.slice(0, shared)) } : undefined;
  const line = own
    .map((waiting) => ({ ...waiting, beginning }))
    .toSorted((a, b) => b.prompt.length - a.prompt.length || a.index - b.index);
  const parts = Math.ceil(line.length / most);
  return Array.from({ length: parts }, (_, i) => line.slice(i * most, (i + 1) * most));
}

/** Draws samples from a model. Weights may change between calls; graphs and caches are kept for the next one. */
export class Generator implements Disposable {
  readonly #device: Device;
  readonly #config: Qwen3Config;
  readonly #lanes: LanePool<GenerationLane>;

  constructor(device: Device, config: Qwen3Config, weights: WeightSource) {
    this.#device = device;
    this.#config = config;
    const still = frozen(weights);
    this.#lanes = new LanePool('generation', device, config, (own) => new GenerationLane(own, config, still));
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
    let done = 0;
    for await (const generated of this.#lanes.alone(() => this.#run(prompts, settings, options))) {
      done += 1;
      options.onProgress?.(done, prompts.length);
      yield generated;
    }
  }

  #check(prompts: readonly TokenIds[]): void {
    const { maxPositions } = this.#config;
    prompts.forEach(({ length }, i) => {
      if (length === 0) throw new InternalError(`generation: prompt ${i} is empty`);
      if (length >= maxPositions)
        throw new UserError(
          'PROMPT_TOO_LONG',
          `Prompt ${i} has ${length} tokens, and the model has room for ${maxPositions - 1} before an answer; shorten its tools.`,
        );
    });
  }

  /**
   * Builds what generating from prompts of these lengths needs at most, without generating: see Device.planning.
   * `longest` is how long an answer will be, if all are shorter than they may be. Returns the bytes held on the host.
   */
  reserve(lengths: readonly number[], options: GenerateOptions, longest = options.maxTokens): number {
    const settings = settingsOf(options);
    const { batch = batchFor(settings.samples) } = options;
    const active = Math.min(lengths.length, batch);
    const lanes = this.#lanes.reserve(
      laneCount(this.#device, this.#config, active, active * settings.samples),
    );
    const line = lengths.toSorted((a, b) => b - a);
    return lanes.reduce((bytes, lane, i) => {
      const mine = line.filter((_, at) => at % lanes.length === i);
      const slots = Math.min(mine.length, Math.ceil(batch / lanes.length));
      return bytes + (slots === 0 ? 0 : lane.reserve(slots, mine[0] ?? 1, settings, longest));
    }, 0);
  }

  /**
   * Deals the prompts out to the lanes, those that begin alike together, longest first: who gets which does not depend
   * on who is faster.
   */
  #run(
    prompts: readonly TokenIds[],
    settings: Settings,
    { batch = batchFor(settings.samples), signal }: GenerateOptions,
  ): AsyncGenerator<Generated> {
    const active = Math.min(prompts.length, batch);
    const lanes = this.#lanes.reserve(
      laneCount(this.#device, this.#config, active, active * settings.samples),
    );
    const most = Math.max(1, Math.floor(prompts.length / (PARTS_A_LANE * lanes.length)));
    const longest = ({ members }: PromptFamily): number =>
      members.reduce((length, index) => Math.max(length, prompts[index]?.length ?? 0), 0);
    const line = promptFamilies(prompts, MAX_KIN)
      .toSorted((a, b) => longest(b) - longest(a))
      .flatMap((family) => inParts(prompts, family, most));
    const starts = lanes.map((lane, i) => {
      const mine = line.filter((_, at) => at % lanes.length === i).flat();
      const slots = Math.min(mine.length, Math.ceil(batch / lanes.length));
      return (stop: AbortSignal) => lane.run(mine, slots, settings, stop);
    });
    return merge(starts, signal);
  }

  /** Bytes of caches and of the graphs' intermediates. */
  get bytes(): number {
    return this.#lanes.bytes;
  }

  [Symbol.dispose](): void {
    this.#lanes[Symbol.dispose]();
  }
}
