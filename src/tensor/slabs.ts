/** Large tensors are worked on in slabs of rows, so that what is computed in between stays small. */
import { type Shape, sizeOf } from './tensor.ts';

/** Elements of a slab, unless that makes too many of them. */
const SLAB = 2 ** 22;
const MOST = 64;

/** Some of a tensor's rows. */
export interface Slab {
  readonly start: number;
  readonly count: number;
}

/** The slabs of a tensor that is read as rows of its first dimension. */
export function slabs(shape: Shape): Slab[] {
  const width = shape[0] ?? 1;
  const rows = sizeOf(shape) / width;
  const most = Math.max(1, Math.floor(SLAB / width), Math.ceil(rows / MOST));
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => ({
    start: i * most,
    count: Math.min(most, rows - i * most),
  }));
}
