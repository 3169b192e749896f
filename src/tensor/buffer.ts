/** Memory of a context's tensors, zero at first. On a meta device it has addresses, and its bytes are only counted. */
import type { Device, MetaMemory } from '../ggml/device.ts';
import { orUndefined } from '../ggml/library.ts';
import type { Ggml, Pointer } from '../ggml/signatures.ts';

/** Address where nothing is: what lies on a meta device is never read or written. */
const NOWHERE = 2n ** 44n;
const ALIGNMENT = 64;

export interface TensorBuffer extends Disposable {
  readonly bytes: number;
  /** Sets every element of every tensor to zero. */
  clear(): void;
}

/** Allocates `tensors`, which are all of the context's; undefined for want of memory. */
export function allocateTensors(
  { backend, lib: { ggml }, meta }: Device,
  context: Pointer,
  tensors: readonly Pointer[],
): TensorBuffer | undefined {
  if (meta !== undefined) return placeNowhere(ggml, meta, tensors);
  const buffer = orUndefined(() => ggml.ggml_backend_alloc_ctx_tensors(context, backend));
  if (buffer === undefined) return undefined;
  const clear = (): void => ggml.ggml_backend_buffer_clear(buffer, 0);
  clear();
  return {
    bytes: ggml.ggml_backend_buffer_get_size(buffer),
    clear,
    [Symbol.dispose]: () => ggml.ggml_backend_buffer_free(buffer),
  };
}

function placeNowhere(ggml: Ggml, meta: MetaMemory, tensors: readonly Pointer[]): TensorBuffer {
  const sizes = tensors.map((tensor) => Math.ceil(ggml.ggml_nbytes(tensor) / ALIGNMENT) * ALIGNMENT);
  const total = sizes.reduce((a, b) => a + b, 0);
  const bytes = Math.max(total, ALIGNMENT);
  const buffer = ggml.ggml_backend_cpu_buffer_from_ptr(NOWHERE as Pointer, bytes);
  let place = NOWHERE;
  for (const [i, tensor] of tensors.entries()) {
    ggml.ggml_backend_tensor_alloc(buffer, tensor, place as Pointer);
    place += BigInt(sizes[i] ?? 0);
  }
  meta.add(total);
  return {
    bytes,
    clear: () => undefined,
    [Symbol.dispose]() {
      meta.add(-total);
      ggml.ggml_backend_buffer_free(buffer);
    },
  };
}
