/**
 * AdamW with its two moments in 8 bits (after Dettmers et al., arXiv 2110.02861): blocks of 32 numbers with a scale
 * each, ggml's q8_0. In place of the paper's dynamic code, roots are kept: the square root of the first average with
 * its sign and the fourth root of the second, so that a block spans more than four decades of gradients. What is
 * lost at the small end cannot make a step larger than Adam's own bound.
 */
import type { Graph } from '../graph.ts';
import { abs, add, clamp, detach, div, mul, scale, square, sub } from '../ops/elementwise.ts';
import { reshape, slice } from '../ops/shape.ts';
import { slabs } from '../slabs.ts';
import { DTYPES, type Shape, sizeOf, type Tensor } from '../tensor.ts';

/** A block's scale is an f16, and the roots of gradients are small: this keeps those of 1e-10 to 1e7 in its range. */
const ROOT_SCALE = 2 ** 10;

/** Tells whether a parameter's moments can be kept in blocks of 32. */
export function fits8bit(shape: Shape): boolean {
  return shape.length > 1 && (shape[0] ?? 1) % 32 === 0;
}

/** Tensors that one `adamStep8` adds to a graph, at most. */
export function adamNodes8(shape: Shape): number {
  return 8 + 48 * slabs(shape).length;
}

/** Inputs as long as a row of the parameter, each a number repeated. */
export interface AdamInputs8 {
  /** Factor that clips the gradient. */
  readonly clip: Tensor;
  /** eps x sqrt(1 - beta2^t), and sqrt(1 - beta2^t) / (1 - beta1^t). */
  readonly epsilon: Tensor;
  readonly correction: Tensor;
  readonly rate: Tensor;
  /** 1 - rate x decay. */
  readonly keep: Tensor;
}

export interface AdamStep8 {
  readonly weight: Tensor;
  readonly gradient: Tensor;
  /** The moments, q8_0 of the weight's shape; changed by the step. */
  readonly first: Tensor;
  readonly second: Tensor;
  readonly beta1: number;
  readonly beta2: number;
  readonly inputs: AdamInputs8;
}

/** The largest step of exact Adam, in learning rates (Kingma and Ba, arXiv 1412.6980, section 2.1). */
export function largestStep(beta1: number, beta2: number): number {
  return Math.max(1, (1 - beta1) / Math.sqrt(1 - beta2));
}

/** Adds one update of `weight` to the graph, slab by slab. */
export function adamStep8(g: Graph, step: AdamStep8): void {
  const { beta1, beta2, inputs } = step;
  const [width = 1] = step.weight.shape;
  const rows = sizeOf(step.weight.shape) / width;
  const bound = largestStep(beta1, beta2);
  const root = (x: Tensor): Tensor => g.constant(g.ggml.ggml_sqrt(g.context, x.pointer), x.shape);
  const sign = (x: Tensor): Tensor => g.constant(g.ggml.ggml_sgn(g.context, x.pointer), x.shape);
  const copy = (x: Tensor, to: Tensor): void =>
    g.expand(g.constant(g.ggml.ggml_cpy(g.context, x.pointer, to.pointer), to.shape, to.dtype));
  for (const { start, count } of slabs(step.weight.shape)) {
    const part = (x: Tensor): Tensor => slice(g, reshape(g, detach(x), [width, rows]), 1, start, count);
    const kept = (x: Tensor): Tensor =>
      scale(
        g,
        g.constant(g.ggml.ggml_cast(g.context, part(x).pointer, DTYPES.f32), [width, count]),
        1 / ROOT_SCALE,
      );
    const keep = (x: Tensor, to: Tensor): void => copy(scale(g, x, ROOT_SCALE), part(to));
    const gradient = mul(g, part(step.gradient), inputs.clip);
    const signed = kept(step.first);
    const first = add(g, scale(g, mul(g, signed, abs(g, signed)), beta1), scale(g, gradient, 1 - beta1));
    const before = square(g, square(g, kept(step.second)));
    const second = add(g, scale(g, before, beta2), scale(g, square(g, gradient), 1 - beta2));
    const spread = root(second);
    const ratio = mul(g, div(g, first, add(g, spread, inputs.epsilon)), inputs.correction);
    const weight = part(step.weight);
    const moved = mul(g, clamp(g, ratio, -bound, bound), inputs.rate);
    copy(sub(g, mul(g, weight, inputs.keep), moved), weight);
    keep(mul(g, root(abs(g, first)), sign(first)), step.first);
    keep(root(spread), step.second);
  }
}
