/**
 * Tensors: a shape, a dtype and the native tensor behind them. Shapes are written as ggml writes them, the
 * contiguous dimension first: a batch of N vectors of width d has the shape [d, N]. Every tensor made here is
 * contiguous; views exist only inside operations.
 */
import type { Pointer } from '../ggml/signatures.ts';

/** Element types, with the number that ggml gives them. */
export const DTYPES = { f32: 0, f16: 1, i32: 26, bf16: 30 } as const;
export type DType = keyof typeof DTYPES;
/** And of what is only stored: operations do not take blocks, but for the optimiser's. */
export const STORED_DTYPES = { ...DTYPES, q8_0: 8 } as const;
export type StoredDType = keyof typeof STORED_DTYPES;
/** Of one element; q8_0 has blocks of 32 with a scale of two bytes. */
export const BYTES: Readonly<Record<StoredDType, number>> = {
  f32: 4,
  f16: 2,
  q8_0: 34 / 32,
  i32: 4,
  bf16: 2,
};

/** One to four dimensions, the contiguous one first. */
export type Shape = readonly number[];

/** Owner of a tensor's memory: a graph or a set of parameters. */
export interface Home {
  /** Throws unless the memory of `tensor` may be read or written from outside now. */
  needAccess(operation: string, tensor: Tensor): void;
}

/**
 * Range of the elements of an i32 tensor that are looked up in something. Shared by an input and all
 * views of it, so that a look-up anywhere in a graph tells the input which ids it may be filled with.
 */
export interface IdRange {
  /** Ids are in [0, below). */
  below: number;
  /** Ids differ within every `width` of them. */
  distinct: boolean;
  /** Elements of a row. */
  readonly width: number;
  /** Tells whether the ids are made on the device, so that the range is a fact and not a demand. */
  readonly made: boolean;
}

export interface Tensor {
  readonly shape: Shape;
  readonly dtype: StoredDType;
  readonly pointer: Pointer;
  /** Tells whether a gradient flows to it: it is a parameter, or was computed from one. */
  readonly differentiable: boolean;
  readonly home: Home;
  /** Only of i32 tensors whose origin is known. */
  readonly ids?: IdRange | undefined;
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** A shape as four dimensions, filled with ones. */
export function dims4(shape: Shape): [number, number, number, number] {
  return [shape[0] ?? 1, shape[1] ?? 1, shape[2] ?? 1, shape[3] ?? 1];
}

/** Tells whether two shapes have the same four dimensions. */
export function sameShape(a: Shape, b: Shape): boolean {
  const [x, y] = [dims4(a), dims4(b)];
  return x.every((n, i) => n === y[i]);
}

/** More elements than any device holds, and few enough that no size in bytes overflows. */
const MAX_ELEMENTS = 2 ** 40;

/** Throws unless `shape` has one to four dimensions, each a positive integer; `operation` is for the message. */
export function needShape(operation: string, shape: Shape): void {
  const fine =
    shape.length >= 1 &&
    shape.length <= 4 &&
    shape.every((n) => Number.isSafeInteger(n) && n > 0) &&
    sizeOf(shape) <= MAX_ELEMENTS;
  if (!fine) throw new ShapeError(operation, `cannot make the shape [${shape.join(', ')}]`, []);
}

/** Says that `ids` are places in `n` of them, which must differ within a row when `distinct`. */
export function needIds(operation: string, ids: Tensor, n: number, distinct = false): void {
  const range = ids.ids;
  if (range === undefined)
    throw new ShapeError(operation, 'needs ids that are an input, or made by topK', [ids]);
  if (range.made) {
    if (range.below > n)
      throw new ShapeError(operation, `needs ids below ${n}, and these may be up to ${range.below - 1}`, [
        ids,
      ]);
    return;
  }
  range.below = Math.min(range.below, n);
  // Known of whole rows only: a part of an input's rows or their columns may be given too.
  range.distinct ||= distinct && range.width > 1 && range.width === ids.shape[0];
}

/** An operation was given operands that it cannot take; the message names the operation and every shape. */
export class ShapeError extends Error {
  constructor(operation: string, rule: string, operands: readonly Tensor[]) {
    const got = operands.map((t) => `${t.dtype}[${t.shape.join(', ')}]`).join(' and ');
    super(`${operation}: ${rule}${got === '' ? '' : `, got ${got}`}`);
    this.name = 'ShapeError';
  }
}
