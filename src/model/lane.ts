/**
 * Generation on one device: prompts wait in line, longest first, and take a slot as soon as enough are free; when
 * nobody waits any more, the unfinished samples close ranks.
 */
import type { TokenIds } from '../base/token-ids.ts';
import type { Device } from '../ggml/device.ts';
import { GraphMemory } from '../tensor/graph-memory.ts';
import { bucketCount, stageLength } from './buckets.ts';
import { type CacheSize, KeyValueCache } from './cache.ts';
import type { Qwen3Config } from './config.ts';
import { DecodeGraph } from './decode.ts';
import type { WeightSource } from './forward.ts';
import { Lru } from './lru.ts';
import type { NextTokens } from './next-token.ts';
import type { TreeLayout } from './tree-layout.ts';
import { MoveGraph, PrefillGraph } from './prefill.ts';
import { argmax, draw, type Sampling } from './sampler.ts';
import { type Drawing, type Sample, Slots, startPrompt, type Stopped } from './slots.ts';

/** Tokens of prompts that go through the model at once. */
const PREFILL_TOKENS = 2048;
/** For each lane. */
const MAX_GRAPHS = 32;
/** Lengths that a batch grows through, roughly, between two times that it closes ranks. */
const CLOSING_LENGTHS = 3;

/** How samples are drawn. */
export interface Settings extends Sampling {
  readonly samples: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly stop: ReadonlySet<number>;
  readonly reply: ((stopped: Stopped) => Promise<TokenIds | undefined>) | undefined;
}

/** A prompt in line. */
export interface Waiting {
  readonly prompt: TokenIds;
  /** Index among the prompts of the call. */
  readonly index: number;
}

/** A prompt whose samples are all finished. */
export interface Generated {
  /** Index among the prompts of the call. */
  readonly prompt: number;
  readonly samples: readonly Sample[];
}

/** Room for what was and what is wanted, so that calls of changing sizes settle; unless that is twice as much. */
function grown(was: CacheSize, wanted: CacheSize): CacheSize {
  const both = {
    prompts: Math.max(was.prompts, wanted.prompts),
    promptTokens: Math.max(was.promptTokens, wanted.promptTokens),
    rows: Math.max(was.rows, wanted.rows),
    completionTokens: Math.max(was.completionTokens, wanted.completionTokens),
  };
  const tokens = (size: CacheSize): number =>
    size.prompts * size.promptTokens + size.rows * size.completionTokens;
  return tokens(both) <= 2 * tokens(wanted) ? both : wanted;
}

/** A cache, and the graphs that were built on it. */
export class GenerationLane implements Disposable {
  readonly #device: Device;
  readonly #config: Qwen3Config;
  readonly #weights: WeightSource;
  readonly #graphs = new Lru<PrefillGraph | DecodeGraph | MoveGraph>(MAX_GRAPHS);
  /** What graphs of one kind share: only one of them runs at a time. */
  readonly #memories = new Map<string, GraphMemory>();
  #cache: KeyValueCache | undefined;

  constructor(device: Device, config: Qwen3Config, weights: WeightSource) {
    this.#device = device;
    this.#config = config;
    this.#weights = weights;
  }

  /** Draws the samples of prompts, longest first, `batch` of them at a time. */
  async *run(
    prompts: readonly Waiting[],
    batch: number,
    settings: Settings,
    signal: AbortSignal,
  ): AsyncGenerator<Generated> {
    const { samples, maxTokens } = settings;
    const line = [...prompts];
    const cache = this.#reserve({
      prompts: batch,
      promptTokens: stageLength(line[0]?.prompt.length ?? 1),
      rows: batch * samples,
      completionTokens: stageLength(maxTokens, 16),
    });
    cache.clear();
    const slots = new Slots(batch, samples);
    let graph: DecodeGraph | undefined;
    while (line.length > 0 || slots.live) {
      signal.throwIfAborted();
      const free = slots.free();
      if (line.length > 0 && (free.length * 8 >= batch || !slots.live)) {
        await this.#admit(cache, slots, free, line, settings);
        graph = undefined;
      } else {
        if (line.length === 0 && (await this.#closeRanks(cache, slots))) graph = undefined;
        graph = await this.#step(cache, slots, settings, graph);
      }
      await this.#reply(slots, settings);
      for (const { prompt, drawings } of slots.clear())
        yield { prompt, samples: drawings.map((drawing) => drawing.sample()) };
    }
  }

  /**
   * Builds what a call with such prompts and samples needs at most, without running it: see Device.planning. Returns
   * the bytes that the graphs hold on the host.
   */
  reserve(
    prompts: number,
    promptLength: number,
    { samples, maxTokens, temperature }: Settings,
    longest: number,
  ): number {
    const promptTokens = stageLength(promptLength);
    const rows = prompts * samples;
    const lengths = [
      ...new Set(Array.from({ length: Math.min(maxTokens, longest) }, (_, i) => stageLength(i + 1, 16))),
    ];
    const completionTokens = stageLength(maxTokens, 16);
    const cache = this.#reserve({ prompts, promptTokens, rows, completionTokens });
    const together = bucketCount(Math.max(1, Math.min(prompts, Math.floor(PREFILL_TOKENS / promptTokens))));
    this.#prefill(cache, together, promptTokens, temperature);
    // The whole batch through all lengths; then ever smaller ones, as samples finish and the rest close ranks.
    const layouts = lengths.map((length) => ({ prompts, promptTokens, samples, completionTokens: length }));
    for (let left = bucketCount(prompts); left > 1 && layouts.length < MAX_GRAPHS;) {
      left = bucketCount(Math.max(1, Math.floor((2 * left) / 3)));
      const later = lengths.slice(-CLOSING_LENGTHS);
      layouts.push(
        ...later.map((length) => ({ prompts: left, promptTokens, samples, completionTokens: length })),
      );
    }
    const kept = layouts.slice(0, MAX_GRAPHS - 1);
    for (const layout of kept) this.#decode(cache, layout, temperature);
    const logits = this.#config.vocabSize * 4 * (temperature === 0 || temperature === 1 ? 1 : 2);
    return kept.reduce(
      (bytes, { prompts: own, completionTokens: tokens }) =>
        bytes + own * samples * (logits + 4 * (promptTokens + tokens)),
      together * logits,
    );
  }

  /** Lets samples that stopped go on with the reply that they are given, if any. */
  async #reply(slots: Slots, { reply, maxTokens }: Settings): Promise<void> {
    if (reply === undefined) return;
    const replies = slots.rows.map(async (drawing) => {
      const stopped = drawing?.stopped();
      // Where there is no room for a reply there is none for an answer.
      if (drawing === undefined || stopped === undefined || drawing.count >= this.#limit(drawing, maxTokens))
        return;
      const given = await reply(stopped);
      if (given !== undefined && given.length > 0) drawing.resume(given);
    });
    // All have come to rest before a failure is passed on.
    for (const settled of await Promise.allSettled(replies))
      if (settled.status === 'rejected') throw settled.reason;
  }

  /** The cache, made anew when it is too small: what was built on it goes with it. */
  #reserve(size: CacheSize): KeyValueCache {
    if (this.#cache?.fits(size) === true) return this.#cache;
    const wanted = this.#cache === undefined ? size : grown(this.#cache.size, size);
    this.#release();
    this.#cache = new KeyValueCache(this.#device, this.#config, this.#config.layers, wanted);
    return this.#cache;
  }

  /** Takes the longest waiting prompts into free slots and draws their first tokens. */
  async #admit(
    cache: KeyValueCache,
    slots: Slots,
    free: readonly number[],
    line: Waiting[],
    settings: Settings,
  ): Promise<void> {
    const tokens = stageLength(line[0]?.prompt.length ?? 1);
    const room = Math.min(free.length, line.length, Math.max(1, Math.floor(PREFILL_TOKENS / tokens)));
    // Much shorter ones wait for a narrower graph.
    const alike = line.slice(0, room).filter(({ prompt }) => prompt.length * 4 > tokens * 3).length;
    const taken = line.splice(0, bucketCount(Math.max(1, alike)));
    const into = free.slice(0, taken.length);
    const { temperature, samples, seed } = settings;
    const graph = this.#prefill(cache, taken.length, tokens, temperature);
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

  #prefill(cache: KeyValueCache, prompts: number, tokens: number, temperature: number): PrefillGraph {
    const build = (): PrefillGraph =>
      new PrefillGraph(
        this.#device,
        this.#config,
        this.#weights,
        cache,
        prompts,
        tokens,
        temperature,
        this.#memory(`prefill ${temperature}`),
      );
    return this.#graphs.get(`prefill ${prompts} ${tokens} ${temperature}`, build) as PrefillGraph;
  }

  #decode(cache: KeyValueCache, layout: TreeLayout, temperature: number): DecodeGraph {
    const build = (): DecodeGraph =>
      new DecodeGraph(
        this.#device,
        this.#config,
        this.#weights,
        cache,
        layout,
        temperature,
        this.#memory(`decode ${temperature}`),
      );
    const key = `decode ${Object.values(layout).join(' ')} ${temperature}`;
    return this.#graphs.get(key, build) as DecodeGraph;
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
    const graph = this.#decode(cache, layout, temperature);
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
    const maxTokens = this.#limit(drawing, settings.maxTokens);
    if (drawing.given !== undefined) {
      drawing.acceptGiven(next.logprob(row, drawing.given), maxTokens);
      return;
    }
    const preferences = next.preferences(row);
    const token = settings.temperature === 0 ? argmax(preferences) : draw(preferences, settings, drawing.rng);
    drawing.accept(token, next.logprob(row, token), { stop: settings.stop, maxTokens });
  }

  /** Tokens that a sample may have: those it is allowed, as far as the model has positions. */
  #limit({ promptLength }: Drawing, maxTokens: number): number {
    return Math.min(maxTokens, this.#config.maxPositions - promptLength);
  }

  #memory(kind: string): GraphMemory {
    const memory = this.#memories.get(kind) ?? new GraphMemory(this.#device);
    this.#memories.set(kind, memory);
    return memory;
  }

  #release(): void {
    this.#graphs.clear();
    for (const memory of this.#memories.values()) memory[Symbol.dispose]();
    this.#memories.clear();
    this.#cache?.[Symbol.dispose]();
    this.#cache = undefined;
  }

  /** Bytes of the cache and of the graphs' intermediates. */
  get bytes(): number {
    const shared = [...this.#memories.values()].reduce((total, memory) => total + memory.bytes, 0);
    return (this.#cache?.bytes ?? 0) + shared;
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}
