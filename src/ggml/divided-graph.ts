/**
 * A graph with operations that its device lacks. The CPU computes those, ggml's scheduler copies what they need there
 * and back; it keeps memory of its own for the graph.
 */
import type { Library } from './library.ts';
import type { Pointer } from './signatures.ts';

/** Names of operations, as ggml calls them, that TINYSTAR_FALLBACK gives to the CPU even where the device has them. */
export function namedFallbacks(): ReadonlySet<string> {
  const names = (process.env['TINYSTAR_FALLBACK'] ?? '').split(',').map((name) => name.trim().toUpperCase());
  return new Set(names.filter((name) => name !== ''));
}

export interface Division {
  /** Backend of the device. */
  readonly device: Pointer;
  /** Backend of the CPU. */
  readonly cpu: Pointer;
  /** The native graph, not yet allocated. */
  readonly graph: Pointer;
  /** Its nodes, in their order. */
  readonly nodes: readonly Pointer[];
  /** Those that the device lacks. */
  readonly lacking: ReadonlySet<Pointer>;
}

/**
 * The nodes that the CPU has to compute: those that are lacking, and whatever shares its memory with one of them.
 * Undefined where a lacking one writes into memory of the device, such as weights, which cannot be moved.
 */
function nodesOfCpu(
  lib: Library,
  nodes: readonly Pointer[],
  lacking: ReadonlySet<Pointer>,
): Set<Pointer> | undefined {
  const roots = new Set<Pointer>();
  for (const node of lacking) {
    const root = lib.viewSource(node) ?? node;
    if (lib.hasMemory(root)) return undefined;
    roots.add(root);
  }
  return new Set(nodes.filter((node) => roots.has(lib.viewSource(node) ?? node)));
}

export class DividedGraph implements Disposable {
  readonly #lib: Library;
  readonly #division: Division;
  readonly #scheduler: Pointer;

  private constructor(lib: Library, division: Division, scheduler: Pointer) {
    this.#lib = lib;
    this.#division = division;
    this.#scheduler = scheduler;
  }

  /** Divides a graph and allocates it: `writes` if it cannot be divided, `memory` if there is too little. */
  static divide(lib: Library, division: Division): DividedGraph | 'writes' | 'memory' {
    const { ggml } = lib;
    const { device, cpu, graph, nodes, lacking } = division;
    const onCpu = nodesOfCpu(lib, nodes, lacking);
    if (onCpu === undefined) return 'writes';
    const backends = new BigUint64Array([device, cpu]);
    // Twice what there is, as it is a hash table; ggml aborts when it is too small.
    const places = 2 * (nodes.length + lib.leafCount(graph)) + 64;
    const scheduler = ggml.ggml_backend_sched_new(backends, null, 2, places, false, false);
    // Every node is given its place: ggml's own choice knows nothing of operations in place.
    for (const node of nodes)
      ggml.ggml_backend_sched_set_tensor_backend(scheduler, node, onCpu.has(node) ? cpu : device);
    if (ggml.ggml_backend_sched_alloc_graph(scheduler, graph))
      return new DividedGraph(lib, division, scheduler);
    ggml.ggml_backend_sched_free(scheduler);
    return 'memory';
  }

  /** Bytes of the intermediates, on both. */
  get bytes(): number {
    const { device, cpu } = this.#division;
    const { ggml } = this.#lib;
    return [device, cpu].reduce(
      (total, backend) => total + ggml.ggml_backend_sched_get_buffer_size(this.#scheduler, backend),
      0,
    );
  }

  /** Runs it off the event loop; resolves to ggml's status. */
  compute(): Promise<number> {
    return this.#lib.scheduleAsync(this.#scheduler, this.#division.graph);
  }

  /** Runs it at once; returns ggml's status. */
  computeNow(): number {
    return this.#lib.ggml.ggml_backend_sched_graph_compute(this.#scheduler, this.#division.graph);
  }

  [Symbol.dispose](): void {
    this.#lib.ggml.ggml_backend_sched_free(this.#scheduler);
  }
}
