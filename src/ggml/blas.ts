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
export type BlasScheduler = ReturnType<typeof blasScheduler>;

/** A scheduler for `blas`, ggml's device, and `cpu`, an open backend; products run on `threads`. */
export function blasScheduler(lib: Library, blas: Pointer, cpu: Pointer, threads: number) {
  const { ggml } = lib;
  const backend = ggml.ggml_backend_dev_init(blas, null);
  if (!lib.setThreads(backend, threads))
    throw new InternalError('the BLAS backend has no ggml_backend_set_n_threads');
  let native: Pointer | undefined;
  let places = 0;
  const free = (): void => {
    if (native !== undefined) ggml.ggml_backend_sched_free(native);
    native = undefined;
  };
  /** A native scheduler with room for so many tensors; the one at hand, if it has it. */
  const scheduler = (tensors: number): Pointer => {
    if (native !== undefined && tensors <= places) return native;
    free();
    // Twice, as it is a hash table; ggml aborts when it is too small.
    places = 2 * Math.max(tensors, 4096);
    const backends = new BigUint64Array([backend, cpu]);
    native = ggml.ggml_backend_sched_new(backends, null, 2, places, false, false);
    return native;
  };
  return {
    /** Name of the BLAS, for example `Accelerate`. */
    title: ggml.ggml_backend_dev_description(blas),
    /** Runs an allocated graph off the event loop; resolves to ggml's status. */
    async compute(graph: Pointer): Promise<number> {
      const own = scheduler(ggml.ggml_graph_n_nodes(graph) + lib.leafCount(graph));
      ggml.ggml_backend_sched_reset(own);
      // Everything has its memory already: this only decides who computes what.
      if (!ggml.ggml_backend_sched_alloc_graph(own, graph))
        throw new InternalError('the scheduler could not divide the graph');
      return lib.scheduleAsync(own, graph);
    },
    close(): void {
      free();
      ggml.ggml_backend_free(backend);
    },
  };
}
