/**
 * Tensors: a shape, a dtype and the native tensor behind them. Shapes are written as ggml writes them, the
 * contiguous dimension first: a batch of N vectors of width d has the shape [d, N]. Every tensor made here is
 * contiguous; views exist only inside operations.
 */
import type { Pointer } from '../ggml/signatures.ts';

/** Element types, with the number that ggml gives them. */
export const DTYPES = { f32: 0, f16: 1, i32: 26, bf16: 30 } as const;
export type DType = keyof typeof DTYPES;
export const BYTES: Readonly<Record<DType, number>> = { f32: 4, f16: 2, i32: 4, bf16: 2 };

/** One to four dimensions, the contiguous one first. */
export type Shape = readonly number[];

export interface Tensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly pointer: Pointer;
  /** Whether a gradient flows to it: it is a parameter, or was computed from one. */
  readonly differentiable: boolean;
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** A shape as four dimensions, filled with ones. */
export function dims4(shape: Shape): [number, number, number, number] {
  return [shape[0] ?? 1, shape[1] ?? 1, shape[2] ?? 1, shape[3] ?? 1];
}

/** Whether two shapes have the same four dimensions. */
export function sameShape(a: Shape, b: Shape): boolean {
  const [x, y] = [dims4(a), dims4(b)];
  return x.every((n, i) => n === y[i]);
}

/** An operation was given operands that it cannot take; the message names the operation and every shape. */
export class ShapeError extends Error {
  constructor(operation: string, rule: string, operands: readonly Tensor[]) {
    const got = operands.map((t) => `${t.dtype}[${t.shape.join(', ')}]`).join(' and ');
    super(`${operation}: ${rule}, got ${got}`);
    this.name = 'ShapeError';
  }
}
