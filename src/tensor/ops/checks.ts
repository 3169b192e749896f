/** Checks that several operations share. What ggml would abort on throws a ShapeError here first. */
import { dims4, type Shape, ShapeError, type Tensor } from '../tensor.ts';

export function needF32(operation: string, ...operands: readonly Tensor[]): void {
  if (operands.some((t) => t.dtype !== 'f32'))
    throw new ShapeError(operation, 'needs f32 operands', operands);
}

/** Throws unless `x` is f32 with two dimensions at most. */
export function needMatrix(operation: string, x: Tensor): void {
  if (x.dtype !== 'f32' || !isMatrix(x)) throw new ShapeError(operation, 'needs f32 [n, rows]', [x]);
}

export function isMatrix({ shape }: Tensor): boolean {
  const [, , outer, outermost] = dims4(shape);
  return outer === 1 && outermost === 1;
}

/** Tells whether the dimensions of `small` divide those of `large`, so that it can be repeated to it. */
export function repeatsInto(small: Shape, large: Shape): boolean {
  const parts = dims4(small);
  return dims4(large).every((n, i) => n % (parts[i] ?? 1) === 0);
}

/** Throws unless `value` is a number that a kernel can be given. */
export function needNumber(operation: string, what: string, value: number): void {
  if (Number.isNaN(value)) throw new RangeError(`${operation}: ${what} must be a number, got ${value}`);
}
