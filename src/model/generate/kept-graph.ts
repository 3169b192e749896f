/** Graphs that are kept for layouts that come again. */
import { Lru } from '../../base/lru.ts';
import type { Device } from '../../ggml/device.ts';
import { GraphMemory } from '../../tensor/graph-memory.ts';
import type { Graph } from '../../tensor/graph.ts';

export abstract class KeptGraph implements Disposable {
  protected readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** Tells whether it can still run; see Graph.valid. */
  get valid(): boolean {
    return this.graph.valid;
  }

  get bytes(): number {
    return this.graph.bytes;
  }

  [Symbol.dispose](): void {
    this.graph[Symbol.dispose]();
  }
}

/** The graphs of a worker. Those of one kind share memory, as only one of them runs at a time. */
export class KeptGraphs implements Disposable {
  readonly #device: Device;
  readonly #graphs: Lru<KeptGraph>;
  readonly #memories = new Map<string, GraphMemory>();

  constructor(device: Device, most: number) {
    this.#device = device;
    this.#graphs = new Lru(most);
  }

  /** The graph of a kind, which is always of one class, for a layout; built when it is not there. */
  get<G extends KeptGraph>(kind: string, layout: object, build: (memory: GraphMemory) => G): G {
    return this.#graphs.get(`${kind} ${Object.values(layout).join(' ')}`, () => {
      const memory = this.#memories.get(kind) ?? new GraphMemory(this.#device);
      this.#memories.set(kind, memory);
      return build(memory);
    }) as G;
  }

  /** Bytes of the graphs' intermediates. */
  get bytes(): number {
    return [...this.#memories.values()].reduce((total, memory) => total + memory.bytes, 0);
  }

  /** Disposes every graph. */
  [Symbol.dispose](): void {
    this.#graphs.clear();
    for (const memory of this.#memories.values()) memory[Symbol.dispose]();
    this.#memories.clear();
  }
}
