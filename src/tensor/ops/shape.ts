/** Operations that move elements without changing them. All results are contiguous. */
import type { Graph } from '../graph.ts';
import {
  BYTES,
  dims4,
  DTYPES,
  needShape,
  sameShape,
  type Shape,
  ShapeError,
  sizeOf,
  type Tensor,
} from '../tensor.ts';
import { needF32, needNumber } from './checks.ts';

/** The same elements under another shape. */
export function reshape(g: Graph, a: Tensor, shape: Shape): Tensor {
  needShape('reshape', shape);
  if (sizeOf(shape) !== sizeOf(a.shape))
    throw new ShapeError('reshape', `needs the element count of [${shape.join(', ')}]`, [a]);
  const pointer = g.ggml.ggml_reshape_4d(g.context, a.pointer, ...dims4(shape));
  if (a.dtype !== 'f32') return g.constant(pointer, shape, a.dtype, a.ids);
  return g.record(pointer, shape, [a], (grad) => [reshape(g, grad, a.shape)]);
}

/** A permutation of 0..3 in ggml's sense: dimension i of the operand becomes dimension `axes[i]`. */
type Axes = readonly [number, number, number, number];

/** Reorders dimensions and copies into contiguous order. */
export function permute(g: Graph, a: Tensor, axes: Axes): Tensor {
  if (axes.length !== 4 || ![0, 1, 2, 3].every((axis) => axes.includes(axis)))
    throw new ShapeError('permute', `axes must be a permutation of 0..3, not ${axes.join()}`, [a]);
  const from = dims4(a.shape);
  const inverse = dims4([0, 1, 2, 3].map((axis) => axes.indexOf(axis)));
  const shape = inverse.map((axis) => from[axis] ?? 1);
  const view = g.ggml.ggml_permute(g.context, a.pointer, ...axes);
  const pointer = g.ggml.ggml_cont(g.context, view);
  if (a.dtype !== 'f32') return g.constant(pointer, shape, a.dtype, a.ids);
  return g.record(pointer, shape, [a], (grad) => [permute(g, grad, inverse)]);
}

/** Swaps the first two dimensions. */
export function transpose(g: Graph, a: Tensor): Tensor {
  return g.transposeOnce(a, () => {
    const [width, rows] = dims4(a.shape);
    // Rows this long lie on the same few cache lines' places, and walking down them misses the cache each time.
    const blocked =
      g.device.info.kind === 'cpu' && width % 256 === 0 && rows % TILE === 0 && a.dtype !== 'i32';
    return blocked ? transposeTiled(g, a) : permute(g, a, [1, 0, 2, 3]);
  });
}

const TILE = 32;

/** Transposes tiles of 32 rows, whose cache lines are then used whole, and puts the tiles side by side. */
function transposeTiled(g: Graph, a: Tensor): Tensor {
  const { ggml, context } = g;
  const [width, rows, outer, outermost] = dims4(a.shape);
  const tiles = [width, TILE, rows / TILE, outer * outermost] as const;
  const cut = ggml.ggml_reshape_4d(context, a.pointer, ...tiles);
  const turned = ggml.ggml_cont(context, ggml.ggml_permute(context, cut, 1, 0, 2, 3));
  const joined = ggml.ggml_cont(context, ggml.ggml_permute(context, turned, 0, 2, 1, 3));
  const pointer = ggml.ggml_reshape_4d(context, joined, rows, width, outer, outermost);
  const shape = [rows, width, outer, outermost];
  if (a.dtype !== 'f32') return g.constant(pointer, shape, a.dtype);
  return g.record(pointer, shape, [a], (grad) => [transpose(g, grad)]);
}

/** Throws unless `axis` is a dimension and [start, start + length) a part of it that is not empty. */
export function needRange(operation: string, a: Tensor, axis: number, start: number, length: number): void {
  const whole = dims4(a.shape)[axis];
  const fine =
    whole !== undefined &&
    Number.isInteger(start) &&
    Number.isInteger(length) &&
    start >= 0 &&
    length >= 1 &&
    start + length <= whole;
  if (!fine)
    throw new ShapeError(operation, `[${start}, ${start + length}) of dimension ${axis} is out of range`, [
      a,
    ]);
}

/** Elements [start, start + length) of one dimension, copied. */
export function slice(g: Graph, a: Tensor, axis: number, start: number, length: number): Tensor {
  needRange('slice', a, axis, start, length);
  const from = dims4(a.shape);
  const whole = from[axis] ?? 1;
  if (length === whole) return a;
  const stridesOf = ([n, rows, planes]: readonly [number, number, number, number]) => {
    const row = BYTES[a.dtype] * n;
    return [BYTES[a.dtype], row, row * rows, row * rows * planes] as const;
  };
  const shape = dims4(from.with(axis, length));
  // A cut of the outermost dimension is contiguous already, with the strides of a tensor of its own.
  const outermost = from.slice(axis + 1).every((n) => n === 1);
  const [, ...strides] = stridesOf(outermost ? shape : from);
  const offset = start * (stridesOf(from)[axis] ?? 0);
  const view = g.ggml.ggml_view_4d(g.context, a.pointer, ...shape, ...strides, offset);
  const pointer = outermost ? view : g.ggml.ggml_cont(g.context, view);
  if (a.dtype !== 'f32') return g.constant(pointer, shape, a.dtype, a.ids);
  return g.record(pointer, shape, [a], (grad) => [padded(g, grad, axis, start, whole)]);
}

/** Elements of a leaf that is worth its memory during a whole run. */
const SMALL = 2 ** 16;

/** A tensor of one value. */
export function full(g: Graph, shape: Shape, value: number): Tensor {
  needShape('full', shape);
  needNumber('full', 'the value', value);
  const dims = dims4(shape);
  // ggml holds the memory of a leaf from a graph's first node on, so a large tensor is repeated from a small leaf.
  const leaf: [number, number, number, number] = [dims[0], 1, 1, 1];
  for (let i = 1; i < 4 && sizeOf(leaf) * (dims[i] ?? 1) <= SMALL; i++) leaf[i] = dims[i] ?? 1;
  const raw = g.ggml.ggml_new_tensor_4d(g.context, DTYPES.f32, ...leaf);
  const small = g.ggml.ggml_fill(g.context, raw, value);
  if (sameShape(leaf, dims)) return g.constant(small, shape);
  const like = g.ggml.ggml_new_tensor_4d(g.context, DTYPES.f32, ...dims);
  return g.constant(g.ggml.ggml_repeat(g.context, small, like), shape);
}

function padded(g: Graph, a: Tensor, axis: number, start: number, whole: number): Tensor {
  const shape = dims4(a.shape);
  const length = shape[axis] ?? 1;
  const zeros = (n: number): Tensor => full(g, shape.with(axis, n), 0);
  let result = start > 0 ? concat(g, zeros(start), a, axis) : a;
  const rest = whole - start - length;
  if (rest > 0) result = concat(g, result, zeros(rest), axis);
  return result;
}

/** Two tensors one after the other along `axis`; the other dimensions must agree. */
export function concat(g: Graph, a: Tensor, b: Tensor, axis: number): Tensor {
  needF32('concat', a, b);
  const [x, y] = [dims4(a.shape), dims4(b.shape)];
  if (x[axis] === undefined || !x.every((n, i) => i === axis || n === y[i])) {
    throw new ShapeError('concat', `needs equal shapes except in dimension ${axis}`, [a, b]);
  }
  const [na, nb] = [x[axis] ?? 1, y[axis] ?? 1];
  const pointer = g.ggml.ggml_concat(g.context, a.pointer, b.pointer, axis);
  return g.record(pointer, x.with(axis, na + nb), [a, b], (grad) => [
    slice(g, grad, axis, 0, na),
    slice(g, grad, axis, na, nb),
  ]);
}

/** A tensor with `after` zeros behind it along `axis`. */
export function pad(g: Graph, a: Tensor, axis: number, after: number): Tensor {
  needF32('pad', a);
  const length = dims4(a.shape)[axis];
  if (length === undefined || !Number.isInteger(after) || after < 0)
    throw new ShapeError('pad', `needs a dimension and a number of zeros, not ${axis} and ${after}`, [a]);
  return padded(g, a, axis, 0, length + after);
}

/**
 * Adds `part` [n, ...] to the elements [start, start + n) of the contiguous dimension of `whole`, in its memory: nothing else
 * may read `whole`. Elements beside them are not touched, so that a large tensor is not copied for a small part.
 */
export function addInto(g: Graph, whole: Tensor, part: Tensor, start: number): Tensor {
  needF32('addInto', whole, part);
  const [[width, ...outer], [length, ...rows]] = [dims4(whole.shape), dims4(part.shape)];
  if (outer.join() !== rows.join())
    throw new ShapeError('addInto', 'needs equal shapes except in dimension 0', [whole, part]);
  needRange('addInto', whole, 0, start, length);
  const row = BYTES.f32 * width;
  const strides = [row, row * outer[0], row * outer[0] * outer[1]] as const;
  const { ggml, context } = g;
  const pointer = ggml.ggml_acc_inplace(context, whole.pointer, part.pointer, ...strides, BYTES.f32 * start);
  return g.record(pointer, whole.shape, [whole, part], (grad) => [grad, slice(g, grad, 0, start, length)]);
}

/** Cuts a tensor in two along `axis`; the gradient is put together again without padding. */
export function split(g: Graph, a: Tensor, axis: number, first: number): [Tensor, Tensor] {
  needF32('split', a);
  const whole = dims4(a.shape)[axis] ?? 1;
  needRange('split', a, axis, 0, first);
  needRange('split', a, axis, first, whole - first);
  const part = (start: number, length: number): Tensor => ({
    ...slice(g, { ...a, differentiable: false }, axis, start, length),
    differentiable: a.differentiable,
  });
  const [head, tail] = [part(0, first), part(first, whole - first)];
  g.tape.push([head, tail], [a], ([gradHead, gradTail]) => {
    if (gradHead !== undefined && gradTail !== undefined) return [concat(g, gradHead, gradTail, axis)];
    if (gradHead !== undefined) return [padded(g, gradHead, axis, 0, whole)];
    return [gradTail === undefined ? undefined : padded(g, gradTail, axis, first, whole)];
  });
  return [head, tail];
}
