/**
 * Memory that several graphs share for their intermediates, when only one of them runs at a time. Fresh memory
 * costs a page fault for every 4 kB at its first run, and graphs of many layouts would each hold their own.
 * The graphs must be made by the same code and differ in their shapes alone: ggml keeps the plan of the graph
 * before when the next one has as many nodes and none is larger.
 */
import type { Device, MetaMemory } from '../ggml/device.ts';
import type { Pointer } from '../ggml/signatures.ts';

export class GraphMemory implements Disposable {
  readonly #device: Device;
  readonly #allocator: Pointer;
  #open = true;
  #generation = 0;
  /** On a meta device, the size that it would have. */
  #planned = 0;

  constructor(device: Device) {
    this.#device = device;
    const { ggml } = device.lib;
    this.#allocator = ggml.ggml_gallocr_new(ggml.ggml_backend_get_default_buffer_type(device.backend));
  }

  /** Changes whenever the memory moved: graphs that were allocated before must not run any more. */
  get generation(): number {
    return this.#generation;
  }

  get bytes(): number {
    if (this.#device.meta !== undefined) return this.#planned;
    return this.#device.lib.ggml.ggml_gallocr_get_buffer_size(this.#allocator, 0);
  }

  /** Gives a graph its addresses; false when there is too little memory. */
  allocate(graph: Pointer): boolean {
    if (this.#device.meta !== undefined) return this.#plan(this.#device.meta, graph);
    const before = this.#generation === 0 ? 0 : this.bytes;
    const done = this.#device.lib.ggml.ggml_gallocr_alloc_graph(this.#allocator, graph);
    if (this.#generation === 0 || this.bytes !== before) this.#generation += 1;
    return done;
  }

  #plan(ledger: MetaMemory, graph: Pointer): boolean {
    const size = new BigUint64Array(1);
    this.#device.lib.ggml.ggml_gallocr_reserve_n_size(this.#allocator, graph, null, null, size);
    const more = Math.max(0, Number(size[0]) - this.#planned);
    this.#planned += more;
    ledger.add(more);
    this.#generation = 1;
    return true;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#device.meta?.add(-this.#planned);
    this.#device.lib.ggml.ggml_gallocr_free(this.#allocator);
  }
}
