/** Graphs that are kept for layouts that come again. */
import { Lru } from '../../base/lru.ts';
import type { Device } from '../../ggml/device.ts';
import { GraphMemory } from '../../tensor/graph-memory.ts';
import type { Graph } from '../../tensor/graph.ts';

/**
 * Memory of graphs, by their kinds: those of one kind share it, as only one of them runs at a time. All that a graph is given
 * is written into it for each run.
 */
export class GraphMemories implements Disposable {
  readonly #device: Device;
  readonly #memories = new Map<string, GraphMemory>();

  constructor(device: Device) {
    this.#device = device;
  }

  of(kind: string): GraphMemory {
    const memory = this.#memories.get(kind) ?? new GraphMemory(this.#device);
    this.#memories.set(kind, memory);
    return memory;
  }

  get bytes(): number {
    return [...this.#memories.values()].reduce((total, memory) => total + memory.bytes, 0);
  }

  [Symbol.dispose](): void {
    for (const memory of this.#memories.values()) memory[Symbol.dispose]();
    this.#memories.clear();
  }
}

/** The graphs of a worker, in memory of their own or of several workers that never run at the same time. */
export class KeptGraphs implements Disposable {
  readonly #graphs: Lru<Graph>;
  readonly #memories: GraphMemories;
  readonly #isOwner: boolean;

  constructor(device: Device, most: number, shared?: GraphMemories) {
    this.#memories = shared ?? new GraphMemories(device);
    this.#isOwner = shared === undefined;
    this.#graphs = new Lru(most);
  }

  /** The graph of a kind, which is always of one class, for a layout; built when it is not there. */
  get<G extends Graph>(kind: string, layout: object, build: (memory: GraphMemory) => G): G {
    return this.#graphs.get(`${kind} ${Object.values(layout).join(' ')}`, () =>
      build(this.#memories.of(kind)),
    ) as G;
  }

  /** Bytes of the graphs' intermediates that are its own. */
  get bytes(): number {
    return this.#isOwner ? this.#memories.bytes : 0;
  }

  /** Disposes every graph. */
  [Symbol.dispose](): void {
    this.#graphs.clear();
    if (this.#isOwner) this.#memories[Symbol.dispose]();
  }
}
