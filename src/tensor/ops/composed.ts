/**
 * Operations that some devices lack (Metal's have no backward pass of softmax and RMS norm, and no sum over
 * repetitions), made of ones that all have. They take nodes and give nodes, without a gradient of their own.
 */
import type { Pointer } from '../../ggml/signatures.ts';
import type { Graph } from '../graph.ts';
import { dims4, type Shape } from '../tensor.ts';

/** The node that ggml has an operation for, if the device has it too; otherwise what `compose` makes. */
export function orComposed(g: Graph, native: Pointer, compose: () => Pointer): Pointer {
  return g.device.supports(native) ? native : compose();
}

/** Gradient of y = softmax(x) from that of y, row by row: y (grad - sum(y grad)). */
export function softmaxBack({ ggml, context }: Graph, grad: Pointer, y: Pointer): Pointer {
  const total = ggml.ggml_sum_rows(context, ggml.ggml_mul(context, grad, y));
  return ggml.ggml_mul(context, ggml.ggml_sub(context, grad, total), y);
}

/** Gradient of y = x / sqrt(mean(x^2) + eps) from that of y, row by row: (grad - y mean(y grad)) / sqrt(mean(x^2) + eps). */
export function rmsNormBack(
  { ggml, context }: Graph,
  grad: Pointer,
  { x, y, width, eps }: { x: Pointer; y: Pointer; width: number; eps: number },
): Pointer {
  const squares = ggml.ggml_sum_rows(context, ggml.ggml_sqr(context, x));
  const root = ggml.ggml_sqrt(context, ggml.ggml_scale_bias(context, squares, 1 / width, eps));
  const product = ggml.ggml_sum_rows(context, ggml.ggml_mul(context, grad, y));
  const along = ggml.ggml_mul(context, y, ggml.ggml_scale(context, product, 1 / width));
  return ggml.ggml_div(context, ggml.ggml_sub(context, grad, along), root);
}

/** The sum of the repetitions of `to` in a tensor of shape `from`, one dimension after the other. */
export function sumOfRepetitions(g: Graph, a: Pointer, from: Shape, to: Shape): Pointer {
  const sides = [...dims4(from)];
  let sum = a;
  for (const [i, side] of dims4(to).entries()) {
    const times = (sides[i] ?? 1) / side;
    if (times === 1) continue;
    // Asked for anew, as it makes sure of room for what one dimension takes.
    const { ggml, context } = g;
    sides[i] = side;
    const inner = sides.slice(0, i + 1).reduce((product, n) => product * n, 1);
    const outer = sides.slice(i + 1).reduce((product, n) => product * n, 1);
    // [inner, times, outer] with the repetitions as rows: [times, inner, outer].
    const flat = ggml.ggml_reshape_4d(context, ggml.ggml_cont(context, sum), inner, times, outer, 1);
    const rows = ggml.ggml_cont(context, ggml.ggml_permute(context, flat, 1, 0, 2, 3));
    const [n0 = 1, n1 = 1, n2 = 1, n3 = 1] = sides;
    sum = ggml.ggml_reshape_4d(context, ggml.ggml_sum_rows(context, rows), n0, n1, n2, n3);
  }
  return sum;
}
