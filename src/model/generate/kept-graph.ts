/** A graph that is kept for layouts that come again. */
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
