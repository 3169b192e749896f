/**
 * Memory that several graphs share for their intermediates, when only one of them runs at a time. Fresh memory
 * costs a page fault for every 4 kB at its first run, and graphs of many layouts would each hold their own.
 * The graphs must be made by the same code and differ in their shapes alone: ggml keeps the plan of the graph
 * before when the next one has as many nodes and none is larger.
 */
import type { Device } from '../ggml/device.ts';
import type { Pointer } from '../ggml/signatures.ts';

export class GraphMemory implements Disposable {
  readonly #device: Device;
  readonly #allocator: Pointer;
  #open = true;
  #generation = 0;

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
    return this.#device.lib.ggml.ggml_gallocr_get_buffer_size(this.#allocator, 0);
  }

  /** Gives a graph its addresses; false when there is too little memory. */
  allocate(graph: Pointer): boolean {
    const before = this.#generation === 0 ? 0 : this.bytes;
    const done = this.#device.lib.ggml.ggml_gallocr_alloc_graph(this.#allocator, graph);
    if (this.#generation === 0 || this.bytes !== before) this.#generation += 1;
    return done;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#device.lib.ggml.ggml_gallocr_free(this.#allocator);
  }
}
