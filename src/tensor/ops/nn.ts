/** The operations of a transformer: matrix product, normalisation, softmax, rotary positions, look-up. */
import type { Pointer } from '../../ggml/signatures.ts';
import type { Graph } from '../graph.ts';
import {
  dims4,
  DTYPES,
  needIds,
  needShape,
  sameShape,
  type Shape,
  ShapeError,
  sizeOf,
  type StoredDType,
  type Tensor,
} from '../tensor.ts';
import { isMatrix, needF32, needMatrix, needNumber } from './checks.ts';
import { orComposed, rmsNormBack, softmaxBack } from './composed.ts';
import { sumTo } from './reduce.ts';
import { full, reshape, transpose } from './shape.ts';

function flat2(g: Graph, a: Tensor): Tensor {
  const [width] = dims4(a.shape);
  return a.shape.length <= 2 ? a : reshape(g, a, [width, a.shape.slice(1).reduce((x, y) => x * y, 1)]);
}

/**
 * ggml's fast matrix product needs what is summed over to be a multiple of the widest vectors' 16 floats, and a product
 * over anything else takes up to six times as long. The rows of a batch are summed over for the gradients of weights.
 */
export const PRODUCT_MULTIPLE = 16;

/** A copy in bf16, without a gradient. */
const asBf16 = (g: Graph, x: Tensor): Tensor =>
  g.constant(g.ggml.ggml_cast(g.context, x.pointer, DTYPES.bf16), x.shape, 'bf16');

/**
 * x [K, N, ...] and y [M, N, ...] give their product over N, [K, M, ...], without a gradient. Matrix products of
 * transposed copies are faster in ggml than its outer product, except where an operand is large, as scores are,
 * and its transpose would cost more than the product. `dtype` is that of the weights: where they are computed with in
 * bf16, the product of their gradient is, too.
 */
export function outerSum(g: Graph, x: Tensor, y: Tensor, dtype: StoredDType): Tensor {
  const [k, , ...outer] = dims4(x.shape);
  const [m] = dims4(y.shape);
  const size = { rows: m, columns: k, depth: dims4(x.shape)[1], count: outer[0] * outer[1] };
  const outerProduct = (a: Tensor, b: Tensor): Tensor => {
    const shape = [a.shape[0] ?? 1, b.shape[0] ?? 1, ...outer];
    return g.constant(g.ggml.ggml_out_prod(g.context, a.pointer, b.pointer), shape);
  };
  if (dtype === 'f32' && g.device.gives(size)) return outerProduct(x, y);
  // The kernel adds multiples of the first operand's rows, in steps of 64 elements.
  const long = Math.max(k, m);
  if (g.device.info.kind !== 'cpu' || long % 64 !== 0 || Math.min(k, m) > 64) {
    const turned = transpose(g, x);
    return mulMat(g, dtype === 'bf16' ? asBf16(g, turned) : turned, transpose(g, y));
  }
  return k === long ? outerProduct(x, y) : transpose(g, outerProduct(y, x));
}

/** The gradient of mulMat's `x`: w [K, M, ...] and grad [M, N, ...] give their product over M, [K, N, ...]. */
export function innerSum(g: Graph, w: Tensor, grad: Tensor): Tensor {
  const [k, m, ...outer] = dims4(w.shape);
  const [, n] = dims4(grad.shape);
  const size = { rows: n, columns: k, depth: m, count: outer[0] * outer[1] };
  if (w.dtype !== 'f32' || !g.device.gives(size)) return mulMat(g, transpose(g, w), grad);
  const { ggml, context } = g;
  const view = ggml.ggml_permute(context, grad.pointer, 1, 0, 2, 3);
  const shape = [k, n, ...outer].slice(0, Math.max(2, grad.shape.length));
  return g.constant(ggml.ggml_out_prod(context, w.pointer, view), shape);
}

/**
 * The node of a matrix product. Over a short dimension, as a head's is, ggml's matrix product spends its time on
 * adding up the ends of its vectors; its outer product of transposed copies, small beside the result, does not. A BLAS
 * has no such weakness.
 */
function product(g: Graph, w: Tensor, x: Tensor): Pointer {
  const [depth, width, ...outer] = dims4(w.shape);
  const [, count] = dims4(x.shape);
  const scores = depth <= 64 && width % 64 === 0 && count >= depth && outer.some((n) => n > 1);
  if (g.device.info.kind !== 'cpu' || g.device.hasBlas || w.dtype !== 'f32' || !scores)
    return g.ggml.ggml_mul_mat(g.context, w.pointer, x.pointer);
  return g.ggml.ggml_out_prod(g.context, transpose(g, w).pointer, transpose(g, x).pointer);
}

/**
 * Matrix product over the contiguous dimension: w [K, M, ...] and x [K, N, ...] give [M, N, ...].
 * A two-dimensional `w` is applied to every vector of `x`; otherwise the outer dimensions must be equal.
 * The gradients are matrix products of transposed copies, which are faster in ggml than its outer product.
 */
export function mulMat(g: Graph, w: Tensor, x: Tensor): Tensor {
  const [dw, dx] = [dims4(w.shape), dims4(x.shape)];
  const shared = dw[2] === 1 && dw[3] === 1;
  if (
    x.dtype !== 'f32' ||
    w.dtype === 'i32' ||
    dw[0] !== dx[0] ||
    (!shared && (dw[2] !== dx[2] || dw[3] !== dx[3]))
  ) {
    const rule = 'needs [K, M, ...] and f32 [K, N, ...] with equal K and outer dimensions';
    throw new ShapeError('mulMat', rule, [w, x]);
  }
  if (shared && x.shape.length > 2) {
    const y = mulMat(g, w, flat2(g, x));
    return reshape(g, y, [dw[1], ...x.shape.slice(1)]);
  }
  const shape = [dw[1], dx[1], dx[2], dx[3]].slice(0, Math.max(2, x.shape.length));
  return g.record(product(g, w, x), shape, [w, x], (grad) => [
    w.differentiable ? outerSum(g, x, grad, w.dtype) : undefined,
    x.differentiable ? innerSum(g, w, grad) : undefined,
  ]);
}

/** Dot product of each row of a with that of b: [n, r] and [n, r] give [1, r], without a gradient and nothing in between. */
export function rowDots(g: Graph, a: Tensor, b: Tensor): Tensor {
  needMatrix('rowDots', a);
  needF32('rowDots', a, b);
  if (!sameShape(a.shape, b.shape)) throw new ShapeError('rowDots', 'needs equal shapes', [a, b]);
  const { ggml, context } = g;
  const [n, rows] = dims4(a.shape);
  const apart = ({ pointer }: Tensor): Pointer => ggml.ggml_reshape_4d(context, pointer, n, 1, rows, 1);
  const dots = ggml.ggml_mul_mat(context, apart(a), apart(b));
  return g.constant(ggml.ggml_reshape_4d(context, dots, 1, rows, 1, 1), [1, rows]);
}

/** x / sqrt(mean(x^2) + eps) over the contiguous dimension, times `weight` [n]. */
export function rmsNorm(g: Graph, x: Tensor, weight: Tensor, eps: number): Tensor {
  if (x.dtype !== 'f32' || weight.dtype !== 'f32' || !sameShape(weight.shape, x.shape.slice(0, 1)))
    throw new ShapeError('rmsNorm', 'the weight must be as long as a row of x', [x, weight]);
  if (!(eps >= 0)) throw new RangeError(`rmsNorm: eps must not be negative, got ${eps}`);
  const { ggml, context } = g;
  const normed = ggml.ggml_rms_norm(context, x.pointer, eps);
  const pointer = ggml.ggml_mul(context, normed, weight.pointer);
  return g.record(pointer, x.shape, [x, weight], (grad) => {
    const towardsX = (): Tensor => {
      const scaled = ggml.ggml_mul(context, grad.pointer, weight.pointer);
      const fused = ggml.ggml_rms_norm_back(context, scaled, x.pointer, eps);
      const parts = { x: x.pointer, y: normed, width: x.shape[0] ?? 1, eps };
      return g.constant(
        orComposed(g, fused, () => rmsNormBack(g, scaled, parts)),
        x.shape,
      );
    };
    const towardsWeight = (): Tensor =>
      sumTo(g, g.constant(ggml.ggml_mul(context, grad.pointer, normed), x.shape), weight.shape);
    return [x.differentiable ? towardsX() : undefined, weight.differentiable ? towardsWeight() : undefined];
  });
}

/**
 * softmax(scale * x + mask) over the contiguous dimension. `mask` [n, rows, 1 or outer...] repeats over the
 * third dimension (heads) and must be equal to x in the others, or 1 in the fourth.
 */
export function softmax(g: Graph, x: Tensor, mask: Tensor, scale: number): Tensor {
  const [dx, dm] = [dims4(x.shape), dims4(mask.shape)];
  if (
    x.dtype !== 'f32' ||
    (mask.dtype !== 'f32' && mask.dtype !== 'f16') ||
    dx[0] !== dm[0] ||
    dx[1] !== dm[1] ||
    dx[2] % dm[2] !== 0 ||
    dx[3] % dm[3] !== 0
  ) {
    throw new ShapeError('softmax', 'the mask must repeat into x', [x, mask]);
  }
  needNumber('softmax', 'the scale', scale);
  const pointer = g.ggml.ggml_soft_max_ext(g.context, x.pointer, mask.pointer, scale, 0);
  return g.record(pointer, x.shape, [x], (grad) => {
    // ggml puts the result in the place of an operand that nothing else needs, and must not take that of `y`, which
    // its kernel still reads: it takes the first that it can, and a scaled copy is needed by nothing else.
    const own = g.ggml.ggml_scale(g.context, grad.pointer, scale);
    const fused = g.ggml.ggml_soft_max_ext_back(g.context, own, pointer, 1, 0);
    return [
      g.constant(
        orComposed(g, fused, () => softmaxBack(g, own, pointer)),
        x.shape,
      ),
    ];
  });
}

/**
 * Rotary position embedding, NEOX layout: x [head size, heads, tokens], positions i32 [tokens]. `factors`
 * [head size / 2], without a gradient, divide each pair's frequency.
 */
export function rope(g: Graph, x: Tensor, positions: Tensor, theta: number, factors?: Tensor): Tensor {
  const [size, , tokens, outer] = dims4(x.shape);
  if (
    x.dtype !== 'f32' ||
    positions.dtype !== 'i32' ||
    !sameShape(positions.shape, [tokens]) ||
    outer !== 1 ||
    size % 2 !== 0 ||
    (factors !== undefined && sizeOf(factors.shape) !== size / 2)
  ) {
    throw new ShapeError('rope', 'needs f32 [even size, heads, tokens] and i32 [tokens]', [x, positions]);
  }
  if (!(theta > 0)) throw new RangeError(`rope: theta must be positive, got ${theta}`);
  const neox = 2;
  const args = [factors?.pointer ?? null, size, neox, 0, theta, 1, 0, 1, 32, 1] as const;
  const pointer = g.ggml.ggml_rope_ext(g.context, x.pointer, positions.pointer, ...args);
  return g.record(pointer, x.shape, [x], (grad) => [
    g.constant(g.ggml.ggml_rope_ext_back(g.context, grad.pointer, positions.pointer, ...args), x.shape),
  ]);
}

/** Rows of a table: table [d, n] and ids i32 [r] give [d, r]. */
export function getRows(g: Graph, table: Tensor, ids: Tensor): Tensor {
  const [width, n] = dims4(table.shape);
  const [count, ...rest] = dims4(ids.shape);
  if (table.dtype === 'i32' || ids.dtype !== 'i32' || !isMatrix(table) || rest.some((m) => m !== 1)) {
    throw new ShapeError('getRows', 'needs a table [d, n] and i32 ids [r]', [table, ids]);
  }
  needIds('getRows', ids, n);
  const shape = [width, count];
  return g.record(g.ggml.ggml_get_rows(g.context, table.pointer, ids.pointer), shape, [table], (grad) => [
    g.constant(g.ggml.ggml_get_rows_back(g.context, grad.pointer, ids.pointer, table.pointer), table.shape),
  ]);
}

/** Elements of each row: x [n, r] and ids i32 [k, r], distinct within a row, give [k, r]. */
export function gather(g: Graph, x: Tensor, ids: Tensor): Tensor {
  const [n, rows] = dims4(x.shape);
  const [k, idRows] = dims4(ids.shape);
  const fits = isMatrix(x) && isMatrix(ids) && rows === idRows && k <= n;
  if (x.dtype !== 'f32' || ids.dtype !== 'i32' || !fits) {
    throw new ShapeError('gather', 'needs f32 [n, rows] and i32 [k, rows] with k <= n', [x, ids]);
  }
  needIds('gather', ids, n, true);
  const cells = g.ggml.ggml_reshape_4d(g.context, x.pointer, 1, n, rows, 1);
  const picked = g.ggml.ggml_get_rows(g.context, cells, ids.pointer);
  const shape: Shape = [k, rows];
  const pointer = g.ggml.ggml_reshape_4d(g.context, picked, k, rows, 1, 1);
  return g.record(pointer, shape, [x], (grad) => [scatter(g, n, ids, grad)]);
}

/** The reverse of `gather`: zeros [n, r] with `values` [k, r] written at `ids` i32 [k, r]. */
export function scatter(g: Graph, n: number, ids: Tensor, values: Tensor, background = 0): Tensor {
  const [k, rows] = dims4(ids.shape);
  if (
    ids.dtype !== 'i32' ||
    values.dtype !== 'f32' ||
    !isMatrix(ids) ||
    !(k <= n) ||
    !sameShape(values.shape, ids.shape)
  ) {
    const rule = `needs i32 ids and f32 values [k, rows] of one shape, and k <= n = ${n}`;
    throw new ShapeError('scatter', rule, [ids, values]);
  }
  const shape = [n, rows];
  needShape('scatter', shape);
  needNumber('scatter', 'the background', background);
  needIds('scatter', ids, n, true);
  const { ggml, context } = g;
  const empty = reshape(g, full(g, shape, background), [1, n, rows]);
  const cells = ggml.ggml_reshape_4d(context, values.pointer, 1, k, rows, 1);
  const written = ggml.ggml_set_rows(context, empty.pointer, cells, ids.pointer);
  const pointer = ggml.ggml_reshape_4d(context, written, n, rows, 1, 1);
  return g.record(pointer, shape, [values], (grad) => [gather(g, grad, ids)]);
}

/** Ids of the `k` largest elements of each row, in no particular order: x [n, r] gives i32 [k, r]. */
export function topK(g: Graph, x: Tensor, k: number): Tensor {
  needMatrix('topK', x);
  const [n, rows] = dims4(x.shape);
  if (!Number.isInteger(k) || k < 1 || k > n)
    throw new ShapeError('topK', `needs an integer 1 <= k <= n, not ${k}`, [x]);
  const range = { below: n, distinct: true, width: k, made: true };
  return g.constant(g.ggml.ggml_top_k(g.context, x.pointer, k), [k, rows], 'i32', range);
}
