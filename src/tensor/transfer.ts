/** Values into and out of tensors' memory: graph inputs and outputs, and parameters. */
import { UserError } from '../base/errors.ts';
import type { Device } from '../ggml/device.ts';
import { type IdRange, ShapeError, sizeOf, type Tensor } from './tensor.ts';

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

/** Makes sure that a tensor's memory may be touched; false on a meta device, which has none. */
function reaches(operation: string, device: Device, tensor: Tensor): boolean {
  tensor.home.needAccess(operation, tensor);
  return device.meta === undefined;
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
  if (!reaches('write', device, tensor)) return;
  if (data instanceof Int32Array && tensor.ids !== undefined) needIdsInRange(data, tensor.ids);
  device.lib.ggml.ggml_backend_tensor_set(tensor.pointer, data, 0, data.byteLength);
}

/** Reads an f32 tensor, into an array of its size when one is given. */
export function readF32(
  device: Device,
  tensor: Tensor,
  into = new Float32Array(sizeOf(tensor.shape)),
): Float32Array {
  if (into.length !== sizeOf(tensor.shape))
    throw new ShapeError('readF32', `needs as many elements as the tensor, not ${into.length}`, [tensor]);
  readPart(device, tensor, 0, into);
  return into;
}

/** Reads elements of an f32 tensor from the one at `start` on. */
export function readPart(device: Device, tensor: Tensor, start: number, into: Float32Array): void {
  if (tensor.dtype !== 'f32') throw new ShapeError('readF32', 'needs f32', [tensor]);
  if (start < 0 || start + into.length > sizeOf(tensor.shape))
    throw new ShapeError('readF32', `cannot give ${into.length} f32 from ${start} on`, [tensor]);
  if (!reaches('readF32', device, tensor)) return;
  device.lib.ggml.ggml_backend_tensor_get(tensor.pointer, into, 4 * start, into.byteLength);
}

/** Reads an i32 tensor. */
export function readI32(device: Device, tensor: Tensor): Int32Array {
  if (tensor.dtype !== 'i32') throw new ShapeError('readI32', 'needs i32', [tensor]);
  const into = new Int32Array(sizeOf(tensor.shape));
  if (reaches('readI32', device, tensor))
    device.lib.ggml.ggml_backend_tensor_get(tensor.pointer, into, 0, into.byteLength);
  return into;
}

/** Elements that are converted at a time. */
const CONVERTED = 2 ** 20;

/** Parts of `values` of a size that is converted at once, with room for their halves. */
function* halvesOf(values: Float32Array): Generator<readonly [at: number, Float32Array, Uint16Array]> {
  const halves = new Uint16Array(Math.min(CONVERTED, values.length));
  for (let at = 0; at < values.length; at += CONVERTED)
    yield [at, values.subarray(at, at + CONVERTED), halves];
}

/** Fills elements of an f32, f16 or bf16 tensor from the one at `start` on; halves are rounded to nearest even. */
export function writeFloats(device: Device, tensor: Tensor, values: Float32Array, start = 0): void {
  const { ggml } = device.lib;
  const { dtype, pointer } = tensor;
  const isFloat = dtype === 'f32' || dtype === 'f16' || dtype === 'bf16';
  if (!isFloat || start < 0 || start + values.length > sizeOf(tensor.shape))
    throw new ShapeError('writeFloats', `cannot take ${values.length} floats from ${start} on`, [tensor]);
  if (!reaches('writeFloats', device, tensor)) return;
  if (dtype === 'f32') ggml.ggml_backend_tensor_set(pointer, values, 4 * start, values.byteLength);
  else {
    for (const [at, part, halves] of halvesOf(values)) {
      ggml[`ggml_fp32_to_${dtype === 'f16' ? 'fp16' : 'bf16'}_row`](part, halves, part.length);
      ggml.ggml_backend_tensor_set(pointer, halves, 2 * (start + at), 2 * part.length);
    }
  }
}

/** Reads an f32, f16 or bf16 tensor as f32. */
export function readFloats(device: Device, tensor: Tensor): Float32Array {
  const { dtype } = tensor;
  if (dtype === 'f32') return readF32(device, tensor);
  if (dtype !== 'f16' && dtype !== 'bf16')
    throw new ShapeError('readFloats', 'needs a floating-point tensor', [tensor]);
  const values = new Float32Array(sizeOf(tensor.shape));
  if (!reaches('readFloats', device, tensor)) return values;
  const { ggml } = device.lib;
  for (const [at, part, halves] of halvesOf(values)) {
    ggml.ggml_backend_tensor_get(tensor.pointer, halves, 2 * at, 2 * part.length);
    ggml[`ggml_${dtype === 'f16' ? 'fp16' : 'bf16'}_to_fp32_row`](halves, part, part.length);
  }
  return values;
}
