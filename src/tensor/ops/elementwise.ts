/** Operations that work element by element. Each checks its operands and carries its vector-Jacobian product. */
import type { Pointer } from '../../ggml/signatures.ts';
import type { Graph } from '../graph.ts';
import { dims4, sameShape, ShapeError, type Tensor } from '../tensor.ts';
import { needF32, needNumber, repeatsInto } from './checks.ts';
import { sumTo } from './reduce.ts';

/** `b` must have `a`'s shape, or divide it in every dimension (it is then repeated). */
function needBroadcast(operation: string, a: Tensor, b: Tensor): void {
  needF32(operation, a, b);
  if (!repeatsInto(b.shape, a.shape))
    throw new ShapeError(operation, 'the second shape must repeat into the first', [a, b]);
}

function binary(g: Graph, name: 'add' | 'sub' | 'mul' | 'div', a: Tensor, b: Tensor): Pointer {
  needBroadcast(name, a, b);
  return g.ggml[`ggml_${name}`](g.context, a.pointer, b.pointer);
}

/** ggml's operation of that name; `back` gives the operand's gradient from that of the result, and the result. */
function unary(
  g: Graph,
  name: 'exp' | 'log' | 'abs' | 'sqr' | 'relu' | 'softplus' | 'silu',
  a: Tensor,
  back: (grad: Tensor, result: Tensor) => Tensor,
): Tensor {
  needF32(name === 'sqr' ? 'square' : name, a);
  const result = g.constant(g.ggml[`ggml_${name}`](g.context, a.pointer), a.shape);
  return g.record(result.pointer, a.shape, [a], (grad) => [back(grad, result)]);
}

/** a + b; `b` is repeated to the shape of `a`. */
export function add(g: Graph, a: Tensor, b: Tensor): Tensor {
  const pointer = binary(g, 'add', a, b);
  return g.record(pointer, a.shape, [a, b], (grad) => [
    grad,
    b.differentiable ? sumTo(g, grad, b.shape) : undefined,
  ]);
}

/** a - b; `b` is repeated to the shape of `a`. */
export function sub(g: Graph, a: Tensor, b: Tensor): Tensor {
  const pointer = binary(g, 'sub', a, b);
  return g.record(pointer, a.shape, [a, b], (grad) => [
    grad,
    b.differentiable ? scale(g, sumTo(g, grad, b.shape), -1) : undefined,
  ]);
}

/**
 * The node of a product with one factor a row. ggml's product of elements repeats the factor element by element; its
 * outer product takes a row at once.
 */
function rowScaled(g: Graph, a: Tensor, b: Tensor): Pointer {
  const { ggml, context } = g;
  const [width, ...outer] = dims4(a.shape);
  const rows = outer[0] * outer[1] * outer[2];
  const [x, factors] = [
    ggml.ggml_reshape_4d(context, a.pointer, width, 1, rows, 1),
    ggml.ggml_reshape_4d(context, b.pointer, 1, 1, rows, 1),
  ];
  return ggml.ggml_reshape_4d(context, ggml.ggml_out_prod(context, x, factors), width, ...outer);
}

/** Width of rows from which `rowScaled` is faster. */
const WIDE = 64;

/** a * b; `b` is repeated to the shape of `a`. */
export function mul(g: Graph, a: Tensor, b: Tensor): Tensor {
  needBroadcast('mul', a, b);
  const [width, ...outer] = dims4(a.shape);
  const byRow = width >= WIDE && sameShape([1, ...outer], dims4(b.shape)) && g.device.info.kind === 'cpu';
  const pointer = byRow ? rowScaled(g, a, b) : binary(g, 'mul', a, b);
  return g.record(pointer, a.shape, [a, b], (grad) => [
    a.differentiable ? mul(g, grad, b) : undefined,
    b.differentiable ? sumTo(g, mul(g, grad, a), b.shape) : undefined,
  ]);
}

/** a / b; `b` is repeated to the shape of `a`. */
export function div(g: Graph, a: Tensor, b: Tensor): Tensor {
  const pointer = binary(g, 'div', a, b);
  const quotient = g.constant(pointer, a.shape);
  return g.record(pointer, a.shape, [a, b], (grad) => [
    a.differentiable ? div(g, grad, b) : undefined,
    b.differentiable ? scale(g, sumTo(g, div(g, mul(g, grad, quotient), b), b.shape), -1) : undefined,
  ]);
}

/** factor * a + offset. */
export function scale(g: Graph, a: Tensor, factor: number, offset = 0): Tensor {
  needF32('scale', a);
  needNumber('scale', 'the factor', factor);
  needNumber('scale', 'the offset', offset);
  const pointer =
    offset === 0
      ? g.ggml.ggml_scale(g.context, a.pointer, factor)
      : g.ggml.ggml_scale_bias(g.context, a.pointer, factor, offset);
  return g.record(pointer, a.shape, [a], (grad) => [scale(g, grad, factor)]);
}

/** e^a. */
export function exp(g: Graph, a: Tensor): Tensor {
  return unary(g, 'exp', a, (grad, value) => mul(g, grad, value));
}

/** Natural logarithm. */
export function log(g: Graph, a: Tensor): Tensor {
  return unary(g, 'log', a, (grad) => div(g, grad, a));
}

/** |a|, with gradient 0 at 0. */
export function abs(g: Graph, a: Tensor): Tensor {
  const sign = (): Tensor => g.constant(g.ggml.ggml_sgn(g.context, a.pointer), a.shape);
  return unary(g, 'abs', a, (grad) => mul(g, grad, sign()));
}

/** a squared. */
export function square(g: Graph, a: Tensor): Tensor {
  return unary(g, 'sqr', a, (grad) => scale(g, mul(g, grad, a), 2));
}

/** 1 where a > 0, else 0; no gradient flows through it. */
export function step(g: Graph, a: Tensor): Tensor {
  needF32('step', a);
  return g.constant(g.ggml.ggml_step(g.context, a.pointer), a.shape);
}

/** max(a, 0), with gradient 0 at 0. */
export function relu(g: Graph, a: Tensor): Tensor {
  return unary(g, 'relu', a, (grad) => mul(g, grad, step(g, a)));
}

/** a limited to [low, high]; the gradient is 0 outside. */
export function clamp(g: Graph, a: Tensor, low: number, high: number): Tensor {
  needF32('clamp', a);
  if (!(low <= high)) throw new RangeError(`clamp: low must not exceed high, got ${low} and ${high}`);
  const pointer = g.ggml.ggml_clamp(g.context, a.pointer, low, high);
  return g.record(pointer, a.shape, [a], (grad) => {
    const inside = mul(g, step(g, scale(g, a, 1, -low)), step(g, scale(g, a, -1, high)));
    return [mul(g, grad, inside)];
  });
}

/** The smaller of two tensors of one shape: b - relu(b - a), which is exactly b where `a` is much larger. */
export function minimum(g: Graph, a: Tensor, b: Tensor): Tensor {
  needF32('minimum', a, b);
  if (!sameShape(a.shape, b.shape)) throw new ShapeError('minimum', 'needs equal shapes', [a, b]);
  return sub(g, b, relu(g, sub(g, b, a)));
}

/** ln(1 + e^a). */
export function softplus(g: Graph, a: Tensor): Tensor {
  const sigmoid = (): Tensor => g.constant(g.ggml.ggml_sigmoid(g.context, a.pointer), a.shape);
  return unary(g, 'softplus', a, (grad) => mul(g, grad, sigmoid()));
}

/** a * sigmoid(a). */
export function silu(g: Graph, a: Tensor): Tensor {
  return unary(g, 'silu', a, (grad) =>
    g.constant(g.ggml.ggml_silu_back(g.context, grad.pointer, a.pointer), a.shape),
  );
}

/** Twice the constants of the tanh that approximates GELU. */
const [GELU_LINEAR, GELU_CUBIC] = [2 * Math.sqrt(2 / Math.PI), 2 * Math.sqrt(2 / Math.PI) * 0.044715];

/**
 * GELU by its tanh (Hendrycks and Gimpel, arXiv 1606.08415): a * sigmoid(c a + d a^3), which is the same. Not by ggml's
 * own, whose table of f16 values is no match for the precision of the other operations.
 */
export function geluTanh(g: Graph, a: Tensor): Tensor {
  needF32('geluTanh', a);
  const x = detach(a);
  const squared = square(g, x);
  const inner = mul(g, scale(g, squared, GELU_CUBIC, GELU_LINEAR), x);
  const gate = g.constant(g.ggml.ggml_sigmoid(g.context, inner.pointer), a.shape);
  return g.record(mul(g, gate, x).pointer, a.shape, [a], (grad) => {
    const slope = mul(g, scale(g, squared, 3 * GELU_CUBIC, GELU_LINEAR), x);
    const rest = scale(g, gate, -1, 1);
    return [mul(g, mul(g, grad, gate), scale(g, mul(g, slope, rest), 1, 1))];
  });
}

/** The same values, but no gradient flows through. */
export function detach(a: Tensor): Tensor {
  return { ...a, differentiable: false };
}
