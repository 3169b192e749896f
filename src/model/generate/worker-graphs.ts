/** A worker's cache and the graphs that were built on it, each kept for layouts that come again. */
import { required } from '../../base/errors.ts';
import type { GraphMemory } from '../../tensor/graph-memory.ts';
import type { TreeLayout } from '../tree/layout.ts';
import { type CacheSize, KeyValueCache } from './cache.ts';
import { DecodeGraph } from './decode.ts';
import { type GraphMemories, KeptGraphs } from './kept-graph.ts';
import type { GraphParts, HostRows, ModelParts } from './next-token.ts';
import { MoveGraph, PrefillGraph } from './prefill.ts';

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
  protected readonly model: ModelParts;
  readonly #graphs: KeptGraphs;
  readonly #rows: HostRows = new Map();
  #cache: KeyValueCache | undefined;

  /** `shared` is memory of other workers that never run at the same time. */
  constructor(model: ModelParts, shared?: GraphMemories) {
    this.model = model;
    this.#graphs = new KeptGraphs(model.device, MAX_GRAPHS, shared);
  }

  /** The cache, made anew when it is too small: what was built on it goes with it. */
  protected cacheFor(size: CacheSize): KeyValueCache {
    if (this.#cache?.fits(size) === true) return this.#cache;
    const wanted = this.#cache === undefined ? size : grown(this.#cache.size, size);
    this[Symbol.dispose]();
    const { device, config } = this.model;
    this.#cache = new KeyValueCache(device, config, wanted);
    return this.#cache;
  }

  /** Graph of prompts, or of what stands behind the only one: see PrefillGraph for where it goes. */
  protected prefill(
    layout: TreeLayout,
    temperature: number,
    into: 'slots' | 'rows' | 'spare' = 'slots',
  ): PrefillGraph {
    const kind = `${layout.samples === 0 ? 'prefill' : 'remainders'} ${into} ${temperature}`;
    const build = (memory: GraphMemory) => new PrefillGraph(this.#parts(memory), layout, temperature, into);
    return this.#graphs.get(kind, layout, build);
  }

  protected decode(layout: TreeLayout, temperature: number): DecodeGraph {
    const build = (memory: GraphMemory) => new DecodeGraph(this.#parts(memory), layout, temperature);
    return this.#graphs.get(`decode ${temperature}`, layout, build);
  }

  protected move(prompts: number, rows: number): MoveGraph {
    const build = (memory: GraphMemory) => new MoveGraph(this.#parts(memory), prompts, rows);
    return this.#graphs.get('move', { prompts, rows }, build);
  }

  #parts(memory: GraphMemory): GraphParts {
    const cache = required(this.#cache, 'a cache that was reserved');
    return { ...this.model, cache, memory, rows: this.#rows };
  }

  /** Bytes of the cache and of the graphs' intermediates. */
  get bytes(): number {
    return (this.#cache?.bytes ?? 0) + this.#graphs.bytes;
  }

  /** Frees the graphs and the cache; both are made anew when they are asked for. */
  [Symbol.dispose](): void {
    this.#graphs[Symbol.dispose]();
    this.#cache?.[Symbol.dispose]();
    this.#cache = undefined;
  }
}
