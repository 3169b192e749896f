/** Buffers that have addresses and no memory: what lies in one counts as allocated when a graph is planned. */
import type { Device, MetaMemory } from '../ggml/device.ts';
import type { Pointer } from '../ggml/signatures.ts';

/** Where nothing is; what is planned is never read or written. */
const NOWHERE = 2n ** 44n;
const ALIGNMENT = 64;

/** Gives tensors addresses and takes their bytes from the ledger; returns the buffer, and how many bytes. */
export function metaBuffer(
  device: Device,
  ledger: MetaMemory,
  tensors: readonly Pointer[],
): { buffer: Pointer; bytes: number } {
  const { ggml } = device.lib;
  let bytes = 0;
  const places = tensors.map((tensor) => {
    const at = bytes;
    bytes += Math.ceil(ggml.ggml_nbytes(tensor) / ALIGNMENT) * ALIGNMENT;
    return at;
  });
  const buffer = ggml.ggml_backend_cpu_buffer_from_ptr(NOWHERE as Pointer, Math.max(bytes, ALIGNMENT));
  tensors.forEach((tensor, i) => {
    ggml.ggml_backend_tensor_alloc(buffer, tensor, (NOWHERE + BigInt(places[i] ?? 0)) as Pointer);
  });
  ledger.add(bytes);
  return { buffer, bytes };
}
