/** Values into and out of tensors' memory: graph inputs and outputs, and parameters. */
import { UserError } from '../base/errors.ts';
import type { Device } from '../ggml/device.ts';
import { BYTES, type IdRange, ShapeError, sizeOf, type Tensor } from './tensor.ts';

/**
 * Throws for an id that a look-up in the graph could not find: ggml aborts on such an id, or writes over memory
 * that belongs to something else.
 */
function needIdsInRange(ids: Int32Array, { below, distinct, width }: IdRange): void {
  if (below === Infinity) return;
  // For each id, the row that it was last seen in.
  const seen = distinct ? new Int32Array(below).fill(-1) : undefined;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] ?? 0;
    if (id < 0 || id >= below) {
      throw new UserError(
        'ID_RANGE',
        `The id ${id} at place ${i} is outside of [0, ${below}); were the data made with another tokenizer than the model's?`,
      );
    }
    if (seen === undefined) continue;
    const row = Math.floor(i / width);
    if (seen[id] === row)
      throw new UserError(
        'ID_TWICE',
        `The id ${id} occurs twice in row ${row}, and the ids of a row must differ.`,
      );
    seen[id] = row;
  }
}

/** Fills a tensor; `data` must have exactly its number of elements and a fitting type, and ids must be in range. */
export function write(device: Device, tensor: Tensor, data: Float32Array | Int32Array | Uint16Array): void {
  const types = { f32: Float32Array, f16: Uint16Array, bf16: Uint16Array, i32: Int32Array, q8_0: undefined };
  const type = types[tensor.dtype];
  if (type === undefined || data.length !== sizeOf(tensor.shape) || !(data instanceof type))
    throw new ShapeError(
      'write',
      `needs as many elements of its type as the tensor, not ${data.constructor.name}[${data.length}]`,
      [tensor],
    );
  tensor.home.needAccess('write', tensor);
  if (device.meta !== undefined) return;
  if (data instanceof Int32Array && tensor.ids !== undefined) needIdsInRange(data, tensor.ids);
  device.lib.ggml.ggml_backend_tensor_set(tensor.pointer, data, 0, data.byteLength);
}

function read<T extends Float32Array | Int32Array>(device: Device, tensor: Tensor, into: T, name: string): T {
  const bytes = sizeOf(tensor.shape) * BYTES[tensor.dtype];
  if (into.byteLength !== bytes)
    throw new ShapeError(name, `needs as many elements as the tensor, not ${into.length}`, [tensor]);
  tensor.home.needAccess(name, tensor);
  if (device.meta !== undefined) return into;
  device.lib.ggml.ggml_backend_tensor_get(tensor.pointer, into, 0, bytes);
  return into;
}

/** Reads an f32 tensor, into an array of its size when one is given. */
export function readF32(
  device: Device,
  tensor: Tensor,
  into = new Float32Array(sizeOf(tensor.shape)),
): Float32Array {
  if (tensor.dtype !== 'f32') throw new ShapeError('readF32', 'needs f32', [tensor]);
  return read(device, tensor, into, 'readF32');
}

/** Reads elements of an f32 tensor from the one at `start` on. */
export function readPart(device: Device, tensor: Tensor, start: number, into: Float32Array): void {
  if (tensor.dtype !== 'f32' || start < 0 || start + into.length > sizeOf(tensor.shape))
    throw new ShapeError('readPart', `cannot give ${into.length} floats from ${start} on`, [tensor]);
  tensor.home.needAccess('readPart', tensor);
  if (device.meta !== undefined) return;
  device.lib.ggml.ggml_backend_tensor_get(tensor.pointer, into, 4 * start, into.byteLength);
}

/** Reads an i32 tensor. */
export function readI32(device: Device, tensor: Tensor): Int32Array {
  if (tensor.dtype !== 'i32') throw new ShapeError('readI32', 'needs i32', [tensor]);
  return read(device, tensor, new Int32Array(sizeOf(tensor.shape)), 'readI32');
}

/** Elements that are converted at a time. */
const CONVERTED = 2 ** 20;

/** Fills elements of an f32, f16 or bf16 tensor from the one at `start` on; halves are rounded to nearest even. */
export function writeFloats(device: Device, tensor: Tensor, values: Float32Array, start = 0): void {
  const { ggml } = device.lib;
  const { dtype } = tensor;
  const isFloat = dtype === 'f32' || dtype === 'f16' || dtype === 'bf16';
  if (!isFloat || start < 0 || start + values.length > sizeOf(tensor.shape))
    throw new ShapeError('writeFloats', `cannot take ${values.length} floats from ${start} on`, [tensor]);
  tensor.home.needAccess('writeFloats', tensor);
  if (device.meta !== undefined) return;
  if (dtype === 'f32') {
    ggml.ggml_backend_tensor_set(tensor.pointer, values, 4 * start, values.byteLength);
    return;
  }
  const narrow = dtype === 'f16' ? ggml.ggml_fp32_to_fp16_row : ggml.ggml_fp32_to_bf16_row;
  const halves = new Uint16Array(Math.min(CONVERTED, values.length));
  for (let at = 0; at < values.length; at += CONVERTED) {
    const part = values.subarray(at, at + CONVERTED);
    narrow(part, halves, part.length);
    ggml.ggml_backend_tensor_set(tensor.pointer, halves, 2 * (start + at), 2 * part.length);
  }
}

/** Reads an f32, f16 or bf16 tensor as f32. */
export function readFloats(device: Device, tensor: Tensor): Float32Array {
  const { dtype } = tensor;
  if (dtype === 'f32') return readF32(device, tensor);
  if (dtype !== 'f16' && dtype !== 'bf16')
    throw new ShapeError('readFloats', 'needs a floating-point tensor', [tensor]);
  tensor.home.needAccess('readFloats', tensor);
  if (device.meta !== undefined) return new Float32Array(sizeOf(tensor.shape));
  const { ggml } = device.lib;
  const widen = dtype === 'f16' ? ggml.ggml_fp16_to_fp32_row : ggml.ggml_bf16_to_fp32_row;
  const values = new Float32Array(sizeOf(tensor.shape));
  const halves = new Uint16Array(Math.min(CONVERTED, values.length));
  for (let at = 0; at < values.length; at += CONVERTED) {
    const part = values.subarray(at, at + CONVERTED);
    ggml.ggml_backend_tensor_get(tensor.pointer, halves, 2 * at, 2 * part.length);
    widen(halves, part, part.length);
  }
  return values;
}
