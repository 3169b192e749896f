/** A worker's cache and the graphs that were built on it, each kept for layouts that come again. */
import type { Device } from '../../ggml/device.ts';
import { GraphMemory } from '../../tensor/graph-memory.ts';
import { type CacheSize, KeyValueCache } from './cache.ts';
import type { ModelConfig } from '../arch/config.ts';
import { DecodeGraph } from './decode.ts';
import type { WeightSource } from '../arch/forward.ts';
import { Lru } from '../../base/lru.ts';
import { HostRows, type WorkerMemory } from './next-token.ts';
import { MoveGraph, PrefillGraph } from './prefill.ts';
import { RemainderGraph, type RemainderLayout } from './remainder.ts';
import type { TreeLayout } from '../tree/layout.ts';

/** For each worker. */
export const MAX_GRAPHS = 32;

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

export class WorkerGraphs implements Disposable {
  readonly #device: Device;
  readonly #config: ModelConfig;
  readonly #weights: WeightSource;
  readonly #graphs = new Lru<PrefillGraph | RemainderGraph | DecodeGraph | MoveGraph>(MAX_GRAPHS);
  /** What graphs of one kind share: only one of them runs at a time. */
  readonly #memories = new Map<string, GraphMemory>();
  readonly #rows = new HostRows();
  #cache: KeyValueCache | undefined;

  constructor(device: Device, config: ModelConfig, weights: WeightSource) {
    this.#device = device;
    this.#config = config;
    this.#weights = weights;
  }

  /** The cache, made anew when it is too small: what was built on it goes with it. */
  reserve(size: CacheSize): KeyValueCache {
    if (this.#cache?.fits(size) === true) return this.#cache;
    const wanted = this.#cache === undefined ? size : grown(this.#cache.size, size);
    this.#release();
    this.#cache = new KeyValueCache(this.#device, this.#config, this.#config.layers, wanted);
    return this.#cache;
  }

  prefill(cache: KeyValueCache, prompts: number, tokens: number, temperature: number): PrefillGraph {
    const build = (): PrefillGraph =>
      new PrefillGraph(
        this.#device,
        this.#config,
        this.#weights,
        cache,
        prompts,
        tokens,
        temperature,
        this.#room(`prefill ${temperature}`),
      );
    return this.#graphs.get(`prefill ${prompts} ${tokens} ${temperature}`, build) as PrefillGraph;
  }

  suffix(cache: KeyValueCache, layout: RemainderLayout, temperature: number): RemainderGraph {
    const build = (): RemainderGraph =>
      new RemainderGraph(
        this.#device,
        this.#config,
        this.#weights,
        cache,
        layout,
        temperature,
        this.#room(`suffix ${temperature}`),
      );
    return this.#graphs.get(
      `suffix ${Object.values(layout).join(' ')} ${temperature}`,
      build,
    ) as RemainderGraph;
  }

  decode(cache: KeyValueCache, layout: TreeLayout, temperature: number): DecodeGraph {
    const build = (): DecodeGraph =>
      new DecodeGraph(
        this.#device,
        this.#config,
        this.#weights,
        cache,
        layout,
        temperature,
        this.#room(`decode ${temperature}`),
      );
    const key = `decode ${Object.values(layout).join(' ')} ${temperature}`;
    return this.#graphs.get(key, build) as DecodeGraph;
  }

  move(cache: KeyValueCache, prompts: number, rows: number): MoveGraph {
    const build = (): MoveGraph => new MoveGraph(this.#device, this.#config, cache, prompts, rows);
    return this.#graphs.get(`move ${prompts} ${rows}`, build) as MoveGraph;
  }

  #room(kind: string): WorkerMemory {
    const memory = this.#memories.get(kind) ?? new GraphMemory(this.#device);
    this.#memories.set(kind, memory);
    return { memory, rows: this.#rows };
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
