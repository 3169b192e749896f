/** Sums, and the repetition that undoes them. */
import type { Graph } from '../graph.ts';
import { dims4, needShape, sameShape, type Shape, ShapeError, sizeOf, type Tensor } from '../tensor.ts';
import { needF32, repeatsInto } from './checks.ts';
import { orComposed, sumOfRepetitions } from './composed.ts';

/** Sums `a` over the repetitions of `shape` in it: the gradient of a broadcast. */
export function sumTo(g: Graph, a: Tensor, shape: Shape): Tensor {
  needF32('sumTo', a);
  needShape('sumTo', shape);
  if (sameShape(a.shape, shape)) return a;
  if (!repeatsInto(shape, a.shape))
    throw new ShapeError('sumTo', `needs a multiple of [${shape.join(', ')}]`, [a]);
  if (sizeOf(shape) === 1) return sum(g, a);
  const like = g.ggml.ggml_new_tensor_4d(g.context, 0, ...dims4(shape));
  const native = g.ggml.ggml_repeat_back(g.context, a.pointer, like);
  const pointer = orComposed(g, native, () => sumOfRepetitions(g, a.pointer, a.shape, shape));
  return g.record(pointer, shape, [a], (grad) => [repeat(g, grad, a.shape)]);
}

/** Repeats `a` to a larger shape, each dimension a multiple of its own. */
export function repeat(g: Graph, a: Tensor, shape: Shape): Tensor {
  needF32('repeat', a);
  needShape('repeat', shape);
  if (sameShape(a.shape, shape)) return a;
  if (!repeatsInto(a.shape, shape)) throw new ShapeError('repeat', `must divide [${shape.join(', ')}]`, [a]);
  const like = g.ggml.ggml_new_tensor_4d(g.context, 0, ...dims4(shape));
  const pointer = g.ggml.ggml_repeat(g.context, a.pointer, like);
  return g.record(pointer, shape, [a], (grad) => [sumTo(g, grad, a.shape)]);
}

/** The sum of all elements, shape [1]. */
export function sum(g: Graph, a: Tensor): Tensor {
  needF32('sum', a);
  return g.record(g.ggml.ggml_sum(g.context, a.pointer), [1], [a], (grad) => [repeat(g, grad, a.shape)]);
}

/** Sums each row (the contiguous dimension): [n, ...] to [1, ...]. */
export function sumRows(g: Graph, a: Tensor): Tensor {
  needF32('sumRows', a);
  const shape = [1, ...a.shape.slice(1)];
  return g.record(g.ggml.ggml_sum_rows(g.context, a.pointer), shape, [a], (grad) => [
    repeat(g, grad, a.shape),
  ]);
}
