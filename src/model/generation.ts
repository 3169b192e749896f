/**
 * Generation over prompt trees: a prompt goes through the model once, and its n samples are n queries a step against
 * one shared cache. Prompts wait in line, longest first, and take a slot as soon as enough are free; when nobody
 * waits any more, the unfinished samples close ranks. The textbook's beam search and penalties are left out.
 */
import { InternalError, UserError } from '../base/errors.ts';
import type { TokenIds } from '../base/token-ids.ts';
import type { Device } from '../ggml/device.ts';
import { bucketCount, stageLength } from './buckets.ts';
import { type CacheSize, KeyValueCache } from './cache.ts';
import type { Qwen3Config } from './config.ts';
import { DecodeGraph } from './decode.ts';
import type { WeightSource } from './forward.ts';
import { Lru } from './lru.ts';
import { frozen, type NextTokens } from './next-token.ts';
import { MoveGraph, PrefillGraph } from './prefill.ts';
import { argmax, checkSampling, draw, type Sampling } from './sampler.ts';
import { type Drawing, type Sample, Slots, startPrompt } from './slots.ts';

export type { Sample } from './slots.ts';

/** Tokens of prompts that go through the model at once. */
const PREFILL_TOKENS = 2048;
const MAX_GRAPHS = 32;
const MAX_GRAPH_BYTES = 2 ** 30;

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
  /** Every (seed, prompt, sample) has its own stream, so results do not depend on `batch`. */
  readonly seed?: number;
  /** Prompts that are worked on at a time. */
  readonly batch?: number;
  /** Its reason is thrown between two steps. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A prompt whose samples are all finished. */
export interface Generated {
  /** Index among the prompts of the call. */
  readonly prompt: number;
  readonly samples: readonly Sample[];
}

type Settings = Sampling & { samples: number; maxTokens: number; seed: number; stop: ReadonlySet<number> };

function settingsOf(options: GenerateOptions): Settings {
  const { samples = 1, temperature = 1, topK = -1, topP = 1, maxTokens, stopIds, seed = 0 } = options;
  const settings = { samples, temperature, topK, topP, maxTokens, seed, stop: new Set(stopIds) };
  checkSampling(settings);
  for (const [name, value] of Object.entries({ samples, maxTokens, batch: options.batch ?? 1 })) {
    if (!Number.isInteger(value) || value < 1)
      throw new UserError('SAMPLING', `Generation: ${name} must be a whole number from 1, got ${value}.`);
  }
  return settings;
}

/** Draws samples from a model. Weights may change between calls; graphs and cache are kept for the next one. */
export class Generator implements Disposable {
  readonly #device: Device;
  readonly #config: Qwen3Config;
  readonly #weights: WeightSource;
  readonly #graphs = new Lru<PrefillGraph | DecodeGraph | MoveGraph>(MAX_GRAPHS, MAX_GRAPH_BYTES);
  #cache: KeyValueCache | undefined;
  #busy = false;

  constructor(device: Device, config: Qwen3Config, weights: WeightSource) {
    this.#device = device;
    this.#config = config;
    this.#weights = frozen(weights);
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
    if (this.#busy) throw new InternalError('generation: one call at a time');
    if (prompts.length === 0) return;
    this.#busy = true;
    try {
      yield* this.#run(prompts, settings, options);
    } finally {
      this.#busy = false;
    }
  }

  async *#run(
    prompts: readonly TokenIds[],
    settings: Settings,
    options: GenerateOptions,
  ): AsyncGenerator<Generated> {
    const { samples } = settings;
    this.#check(prompts);
    const batch = Math.min(prompts.length, options.batch ?? Math.max(1, Math.floor(64 / samples)));
    const longest = Math.max(...prompts.map(({ length }) => length));
    const cache = this.#reserve({
      prompts: batch,
      promptTokens: stageLength(longest),
      rows: batch * samples,
      completionTokens: stageLength(settings.maxTokens, 16),
    });
    cache.clear();
    const line = prompts
      .map((prompt, index) => ({ prompt, index }))
      .sort((a, b) => b.prompt.length - a.prompt.length || a.index - b.index);
    const slots = new Slots(batch, samples);
    let graph: DecodeGraph | undefined;
    let done = 0;
    while (line.length > 0 || slots.live) {
      options.signal?.throwIfAborted();
      const free = slots.free();
      if (line.length > 0 && (free.length * 8 >= batch || !slots.live)) {
        await this.#admit(cache, slots, free, line, settings);
        graph = undefined;
      } else {
        if (line.length === 0 && (await this.#closeRanks(cache, slots))) graph = undefined;
        graph = await this.#step(cache, slots, settings, graph);
      }
      for (const { prompt, drawings } of slots.clear()) {
        done += 1;
        options.onProgress?.(done, prompts.length);
        yield { prompt, samples: drawings.map((drawing) => drawing.sample()) };
      }
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

  /** The cache, made anew when it is too small: what was built on it goes with it. */
  #reserve(size: CacheSize): KeyValueCache {
    if (this.#cache?.fits(size) === true) return this.#cache;
    this.#release();
    this.#cache = new KeyValueCache(this.#device, this.#config, this.#config.layers, size);
    return this.#cache;
  }

  /** Takes the longest waiting prompts into free slots and draws their first tokens. */
  async #admit(
    cache: KeyValueCache,
    slots: Slots,
    free: readonly number[],
    line: { prompt: TokenIds; index: number }[],
    settings: Settings,
  ): Promise<void> {
    const tokens = stageLength(line[0]?.prompt.length ?? 1);
    const room = Math.min(free.length, line.length, Math.max(1, Math.floor(PREFILL_TOKENS / tokens)));
    // Much shorter ones wait for a narrower graph.
    const alike = line.slice(0, room).filter(({ prompt }) => prompt.length * 4 > tokens * 3).length;
    const taken = line.splice(0, bucketCount(Math.max(1, alike)));
    const into = free.slice(0, taken.length);
    const { temperature, samples, seed } = settings;
    const key = `prefill ${taken.length} ${tokens} ${temperature}`;
    const graph = this.#graphs.get(
      key,
      () =>
        new PrefillGraph(this.#device, this.#config, this.#weights, cache, taken.length, tokens, temperature),
    ) as PrefillGraph;
    await graph.run(
      taken.map(({ prompt }) => prompt),
      into,
    );
    taken.forEach(({ prompt, index }, row) => {
      const active = startPrompt(index, prompt.length, samples, seed);
      for (const drawing of active.drawings) this.#draw(drawing, graph.next, row, settings);
      slots.fill(into[row] ?? 0, active);
    });
  }

  async #closeRanks(cache: KeyValueCache, slots: Slots): Promise<boolean> {
    const from = slots.compact();
    if (from === undefined) return false;
    const [prompts, rows] = [from.slots.length, from.rows.length];
    const graph = this.#graphs.get(
      `move ${prompts} ${rows}`,
      () => new MoveGraph(this.#device, this.#config, cache, prompts, rows),
    ) as MoveGraph;
    await graph.run(from.slots, from.rows);
    return true;
  }

  /** One more token for every unfinished sample. `last` is the graph of the step before, if nobody moved since. */
  async #step(
    cache: KeyValueCache,
    slots: Slots,
    settings: Settings,
    last: DecodeGraph | undefined,
  ): Promise<DecodeGraph> {
    const { temperature } = settings;
    const live = slots.rows.filter((drawing) => drawing !== undefined);
    const layout = {
      prompts: slots.count,
      promptTokens: stageLength(Math.max(...live.map(({ promptLength }) => promptLength))),
      samples: slots.places,
      completionTokens: stageLength(Math.max(...live.map(({ count }) => count)), 16),
    };
    const graph = this.#graphs.get(
      `decode ${Object.values(layout).join(' ')} ${temperature}`,
      () => new DecodeGraph(this.#device, this.#config, this.#weights, cache, layout, temperature),
    ) as DecodeGraph;
    slots.rows.forEach((drawing, row) => {
      const step = drawing === undefined ? 0 : drawing.count - 1;
      graph.tokens[row] = drawing?.last ?? 0;
      graph.positions[row] = (drawing?.promptLength ?? 0) + step;
      graph.steps[row] = step;
      if (graph === last) graph.seeStep(row, step);
      else graph.see(row, drawing?.promptLength ?? 0, step + 1);
    });
    await graph.run();
    slots.rows.forEach((drawing, row) => {
      if (drawing !== undefined) this.#draw(drawing, graph.next, row, settings);
    });
    return graph;
  }

  #draw(drawing: Drawing, next: NextTokens, row: number, settings: Settings): void {
    const preferences = next.preferences(row);
    const token = settings.temperature === 0 ? argmax(preferences) : draw(preferences, settings, drawing.rng);
    const room = this.#config.maxPositions - drawing.promptLength;
    drawing.accept(token, next.logprob(row, token), {
      stop: settings.stop,
      maxTokens: Math.min(settings.maxTokens, room),
    });
  }

  #release(): void {
    this.#graphs.clear();
    this.#cache?.[Symbol.dispose]();
    this.#cache = undefined;
  }

  /** Bytes of the cache and of the graphs' intermediates. */
  get bytes(): number {
    return (this.#cache?.bytes ?? 0) + this.#graphs.bytes;
  }

  [Symbol.dispose](): void {
    // The device may be reading what would be freed.
    if (this.#busy) throw new InternalError('generation: disposed in the middle of a call');
    this.#release();
  }
}
