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

/** A node's own memory, or whose it uses. */
const rootOf = (lib: Library, node: Pointer): Pointer => lib.viewSource(node) ?? node;

/** Those nodes that write into memory that is there already, such as weights, and so cannot be computed elsewhere. */
export function boundNodes(lib: Library, nodes: Iterable<Pointer>): Pointer[] {
  return [...nodes].filter((node) => lib.hasMemory(rootOf(lib, node)));
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

  /** Divides a graph of which no lacking node is bound, and allocates it; undefined if there is too little memory. */
  static divide(lib: Library, division: Division): DividedGraph | undefined {
    const { ggml } = lib;
    const { device, cpu, graph, nodes, lacking } = division;
    // With a lacking node goes whatever shares its memory.
    const roots = new Set(Array.from(lacking, (node) => rootOf(lib, node)));
    const backends = new BigUint64Array([device, cpu]);
    // Twice what there is, as it is a hash table; ggml aborts when it is too small.
    const places = 2 * (nodes.length + lib.leafCount(graph)) + 64;
    const scheduler = ggml.ggml_backend_sched_new(backends, null, 2, places, false, false);
    // Every node is given its place: ggml's own choice knows nothing of operations in place.
    for (const node of nodes)
      ggml.ggml_backend_sched_set_tensor_backend(
        scheduler,
        node,
        roots.has(rootOf(lib, node)) ? cpu : device,
      );
    if (ggml.ggml_backend_sched_alloc_graph(scheduler, graph))
      return new DividedGraph(lib, division, scheduler);
    ggml.ggml_backend_sched_free(scheduler);
    return undefined;
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
