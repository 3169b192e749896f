/** A worker's cache and the graphs that were built on it, each kept for layouts that come again. */
import { required } from '../../base/errors.ts';
import { Lru } from '../../base/lru.ts';
import { GraphMemory } from '../../tensor/graph-memory.ts';
import type { TreeLayout } from '../tree/layout.ts';
import { type CacheSize, KeyValueCache } from './cache.ts';
import { DecodeGraph } from './decode.ts';
import { type GraphParts, HostRows, type ModelParts } from './next-token.ts';
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
  readonly #model: ModelParts;
  readonly #graphs = new Lru<PrefillGraph | DecodeGraph | MoveGraph>(MAX_GRAPHS);
  /** Memory that graphs of one kind share: only one of them runs at a time. */
  readonly #memories = new Map<string, GraphMemory>();
  readonly #rows = new HostRows();
  #cache: KeyValueCache | undefined;

  constructor(model: ModelParts) {
    this.#model = model;
  }

  /** The cache, made anew when it is too small: what was built on it goes with it. */
  reserve(size: CacheSize): KeyValueCache {
    if (this.#cache?.fits(size) === true) return this.#cache;
    const wanted = this.#cache === undefined ? size : grown(this.#cache.size, size);
    this.#release();
    const { device, config } = this.#model;
    this.#cache = new KeyValueCache(device, config, wanted);
    return this.#cache;
  }

  prefill(layout: TreeLayout, temperature: number): PrefillGraph {
    const kind = layout.samples === 0 ? 'prefill' : 'remainders';
    const build = (parts: GraphParts): PrefillGraph => new PrefillGraph(parts, layout, temperature);
    return this.#get(kind, layout, temperature, build) as PrefillGraph;
  }

  decode(layout: TreeLayout, temperature: number): DecodeGraph {
    const build = (parts: GraphParts): DecodeGraph => new DecodeGraph(parts, layout, temperature);
    return this.#get('decode', layout, temperature, build) as DecodeGraph;
  }

  move(prompts: number, rows: number): MoveGraph {
    const build = (): MoveGraph => new MoveGraph(this.#model, this.#reserved, prompts, rows);
    return this.#graphs.get(`move ${prompts} ${rows}`, build) as MoveGraph;
  }

  get #reserved(): KeyValueCache {
    return required(this.#cache, 'a cache that was reserved');
  }

  #get(
    kind: string,
    layout: TreeLayout,
    temperature: number,
    build: (parts: GraphParts) => PrefillGraph | DecodeGraph,
  ): PrefillGraph | DecodeGraph | MoveGraph {
    return this.#graphs.get(`${kind} ${Object.values(layout).join(' ')} ${temperature}`, () => {
      const shared = `${kind} ${temperature}`;
      const memory = this.#memories.get(shared) ?? new GraphMemory(this.#model.device);
      this.#memories.set(shared, memory);
      return build({ ...this.#model, cache: this.#reserved, memory, rows: this.#rows });
    });
  }

  /** The slot of prefixes that several prompts share. */
  get spare(): number {
    return this.#reserved.spare;
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
