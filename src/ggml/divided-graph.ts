/**
 * A graph with operations that its device lacks. The CPU computes those, ggml's scheduler copies what they need there
 * and back; it keeps memory of its own for the graph.
 */
import type { Library } from './library.ts';
import type { PartedGraph } from './parted-graph.ts';
import type { Pointer } from './signatures.ts';

/** Names of operations, as ggml calls them, that TINYSTAR_FALLBACK gives to the CPU even where the device has them. */
export function namedFallbacks(): ReadonlySet<string> {
  const names = (process.env['TINYSTAR_FALLBACK'] ?? '').split(',').map((name) => name.trim().toUpperCase());
  return new Set(names.filter((name) => name !== ''));
}

/** Operations that the CPU computes in a device's place, to be printed once. */
export class FallbackNotices {
  readonly #known = new Set<string>();
  #untold: string[] = [];

  /** Remembers operations, by ggml's names, that `device` lacks. */
  note(device: string, names: Iterable<string>): void {
    const fresh = [...new Set(names)].filter((name) => !this.#known.has(name)).toSorted();
    if (fresh.length === 0) return;
    for (const name of fresh) this.#known.add(name);
    const them = fresh.length === 1 ? 'it' : 'them';
    this.#untold.push(
      `the device ${device} lacks ${fresh.join(', ')}: the CPU computes ${them} in its place, which takes longer`,
    );
  }

  /** All that were noted. */
  get names(): readonly string[] {
    return [...this.#known];
  }

  /** Sentences that have not been taken before. */
  take(): readonly string[] {
    const untold = this.#untold;
    this.#untold = [];
    return untold;
  }
}

/** A node's own memory, or whose it uses. */
const rootOf = (lib: Library, node: Pointer): Pointer => lib.viewSource(node) ?? node;

/** Those nodes that write into memory that is there already, such as weights, and so cannot be computed elsewhere. */
export function boundNodes(lib: Library, nodes: Iterable<Pointer>): Pointer[] {
  return [...nodes].filter((node) => lib.hasMemory(rootOf(lib, node)));
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

export interface DividedGraph extends PartedGraph {
  /** Bytes of the intermediates, on both. */
  readonly bytes: number;
  /** Runs it at once; returns ggml's status. */
  computeNow(): number;
}

/** Divides a graph of which no lacking node is bound, and allocates it; undefined if there is too little memory. */
export function dividedGraph(
  lib: Library,
  { device, cpu, graph, nodes, lacking }: Division,
): DividedGraph | undefined {
  const { ggml } = lib;
  // With a lacking node goes whatever shares its memory.
  const roots = new Set(Array.from(lacking, (node) => rootOf(lib, node)));
  const backends = [device, cpu];
  // Twice what there is, as it is a hash table; ggml aborts when it is too small.
  const places = 2 * (nodes.length + lib.leafCount(graph)) + 64;
  const scheduler = ggml.ggml_backend_sched_new(new BigUint64Array(backends), null, 2, places, false, false);
  // Every node is given its place: ggml's own choice knows nothing of operations in place.
  for (const node of nodes) {
    const backend = roots.has(rootOf(lib, node)) ? cpu : device;
    ggml.ggml_backend_sched_set_tensor_backend(scheduler, node, backend);
  }
  if (!ggml.ggml_backend_sched_alloc_graph(scheduler, graph)) {
    ggml.ggml_backend_sched_free(scheduler);
    return undefined;
  }
  return {
    get bytes() {
      const sizes = backends.map((backend) => ggml.ggml_backend_sched_get_buffer_size(scheduler, backend));
      return sizes.reduce((a, b) => a + b);
    },
    compute: () => lib.scheduleAsync(scheduler, graph),
    computeNow: () => ggml.ggml_backend_sched_graph_compute(scheduler, graph),
    [Symbol.dispose]: () => ggml.ggml_backend_sched_free(scheduler),
  };
}
