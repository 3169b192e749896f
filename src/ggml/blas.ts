/**
 * A BLAS beside the CPU: where the engine's folder holds ggml's BLAS library, as on a Mac, large products go there and
 * everything else stays where it was. Both work in the same memory, so nothing is copied. ONNX Runtime comes before it
 * (onnxruntime.ts).
 */
import { InternalError } from '../base/errors.ts';
import type { Library } from './library.ts';
import type { Pointer } from './signatures.ts';

/** ggml's name of the device. */
export const BLAS_DEVICE = 'BLAS';

/** Tells whether another library may compute large products; TINYSTAR_BLAS=off says no. */
export function blasAllowed(): boolean {
  return process.env['TINYSTAR_BLAS'] !== 'off';
}

/** Divides graphs between a BLAS and the CPU, node by node, and runs them. One graph at a time. */
export class BlasScheduler {
  readonly #lib: Library;
  readonly #blas: Pointer;
  readonly #cpu: Pointer;
  #native: Pointer | undefined;
  #places = 0;

  /** `blas` is ggml's device, `cpu` an open backend; products run on `threads`. */
  constructor(lib: Library, blas: Pointer, cpu: Pointer, threads: number) {
    this.#lib = lib;
    this.#cpu = cpu;
    this.#blas = lib.ggml.ggml_backend_dev_init(blas, null);
    if (!lib.setThreads(this.#blas, threads))
      throw new InternalError('the BLAS backend has no ggml_backend_set_n_threads');
  }

  /** Name of the BLAS, for example `Accelerate`. */
  get title(): string {
    const { ggml } = this.#lib;
    return ggml.ggml_backend_dev_description(ggml.ggml_backend_get_device(this.#blas));
  }

  /** A native scheduler with room for so many tensors; the one at hand, if it has it. */
  #scheduler(tensors: number): Pointer {
    if (this.#native !== undefined && tensors <= this.#places) return this.#native;
    this.#free();
    // Twice, as it is a hash table; ggml aborts when it is too small.
    this.#places = 2 * Math.max(tensors, 4096);
    const backends = new BigUint64Array([this.#blas, this.#cpu]);
    this.#native = this.#lib.ggml.ggml_backend_sched_new(backends, null, 2, this.#places, false, false);
    return this.#native;
  }

  /** Runs an allocated graph off the event loop; resolves to ggml's status. */
  async compute(graph: Pointer): Promise<number> {
    const { ggml } = this.#lib;
    const scheduler = this.#scheduler(ggml.ggml_graph_n_nodes(graph) + this.#lib.leafCount(graph));
    ggml.ggml_backend_sched_reset(scheduler);
    // Everything has its memory already: this only decides who computes what.
    if (!ggml.ggml_backend_sched_alloc_graph(scheduler, graph))
      throw new InternalError('the scheduler could not divide the graph');
    return this.#lib.scheduleAsync(scheduler, graph);
  }

  #free(): void {
    if (this.#native !== undefined) this.#lib.ggml.ggml_backend_sched_free(this.#native);
    this.#native = undefined;
  }

  close(): void {
    this.#free();
    this.#lib.ggml.ggml_backend_free(this.#blas);
  }
}
