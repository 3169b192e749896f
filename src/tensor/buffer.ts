/** Memory of a context's tensors, zero at first. On a meta device it has addresses, and its bytes are only counted. */
import type { Device } from '../ggml/device.ts';
import type { Pointer } from '../ggml/signatures.ts';

/** Address where nothing is: what lies on a meta device is never read or written. */
const NOWHERE = 2n ** 44n;
const ALIGNMENT = 64;

export class TensorBuffer implements Disposable {
  readonly #device: Device;
  readonly #pointer: Pointer;
  readonly #metaBytes: number;

  private constructor(device: Device, pointer: Pointer, metaBytes: number) {
    this.#device = device;
    this.#pointer = pointer;
    this.#metaBytes = metaBytes;
    device.meta?.add(metaBytes);
    this.clear();
  }

  /** Allocates `tensors`, which are all of the context's; undefined for want of memory. */
  static allocate(device: Device, context: Pointer, tensors: readonly Pointer[]): TensorBuffer | undefined {
    const { backend } = device;
    const { ggml } = device.lib;
    if (device.meta === undefined) {
      try {
        return new TensorBuffer(device, ggml.ggml_backend_alloc_ctx_tensors(context, backend), 0);
      } catch {
        return undefined;
      }
    }
    let bytes = 0;
    const offsets = tensors.map((tensor) => {
      const offset = bytes;
      bytes += Math.ceil(ggml.ggml_nbytes(tensor) / ALIGNMENT) * ALIGNMENT;
      return offset;
    });
    const buffer = ggml.ggml_backend_cpu_buffer_from_ptr(NOWHERE as Pointer, Math.max(bytes, ALIGNMENT));
    tensors.forEach((tensor, i) => {
      ggml.ggml_backend_tensor_alloc(buffer, tensor, (NOWHERE + BigInt(offsets[i] ?? 0)) as Pointer);
    });
    return new TensorBuffer(device, buffer, bytes);
  }

  get bytes(): number {
    return this.#device.lib.ggml.ggml_backend_buffer_get_size(this.#pointer);
  }

  /** Sets every element of every tensor to zero. */
  clear(): void {
    if (this.#device.meta === undefined) this.#device.lib.ggml.ggml_backend_buffer_clear(this.#pointer, 0);
  }

  [Symbol.dispose](): void {
    this.#device.meta?.add(-this.#metaBytes);
    this.#device.lib.ggml.ggml_backend_buffer_free(this.#pointer);
  }
}
