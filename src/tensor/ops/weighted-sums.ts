/** The part of attention behind its scores. */
import type { Graph } from '../graph.ts';
import { dims4, ShapeError, sizeOf, type Tensor } from '../tensor.ts';
import { needF32, needNumber } from './checks.ts';
import { orComposed, softmaxBack } from './composed.ts';
import { innerSum, mulMat, outerSum, softmax } from './nn.ts';
import { addInto, full, needRange, reshape, slice } from './shape.ts';

/** Values [n, size, ...outer] that the weights of keys [start, start + n) are multiplied with. */
export interface WeightedValues {
  readonly values: Tensor;
  readonly start: number;
}

const constant = (a: Tensor): Tensor => ({ ...a, differentiable: false });

/**
 * softmax(scale * scores + mask) over the contiguous dimension, of `scores` [keys, ...rows], and the sums of values that it
 * weights: [size, queries, ...outer] for each of `over`, the rows divided among its outer dimensions. The first of `over`
 * has values of all keys. Scores are the largest tensors of a step: the gradients of all sums are added up in one that is
 * then overwritten with the scores' own, and nothing of their size is copied.
 */
export function weightedSums(
  g: Graph,
  scores: Tensor,
  mask: Tensor,
  scale: number,
  over: readonly WeightedValues[],
): Tensor[] {
  const values = over.map((given) => given.values);
  needF32('weightedSums', scores, ...values);
  needNumber('weightedSums', 'the scale', scale);
  const [keys, ...rows] = dims4(scores.shape);
  if (dims4(values[0]?.shape ?? [])[0] !== keys || over[0]?.start !== 0)
    throw new ShapeError('weightedSums', 'needs values of all keys first', [scores, ...values]);
  const weights = softmax(g, constant(scores), mask, scale);
  const parts = over.map(({ values: own, start }) => {
    const [length, , ...outer] = dims4(own.shape);
    needRange('weightedSums', scores, 0, start, length);
    const part = slice(g, weights, 0, start, length);
    const queries = sizeOf(rows) / sizeOf(outer);
    if (!Number.isInteger(queries))
      throw new ShapeError('weightedSums', 'cannot divide the rows among the values', [scores, own]);
    return reshape(g, part, [length, queries, ...outer]);
  });
  const inputs = [scores, ...values];
  const differentiable = g.tape.records(inputs);
  const sums = parts.map((part, i) => {
    const own = values[i];
    if (own === undefined) throw new ShapeError('weightedSums', 'needs values', [scores]);
    return { ...mulMat(g, constant(own), part), differentiable };
  });
  g.tape.push(sums, inputs, (grads) => {
    let towards: Tensor | undefined;
    const towardsValues = over.map(({ values: own, start }, i) => {
      const [grad, part] = [grads[i], parts[i]];
      if (grad === undefined || part === undefined) return undefined;
      if (scores.differentiable) {
        const apart = reshape(g, innerSum(g, own, grad), [dims4(own.shape)[0], ...rows]);
        towards = i === 0 ? apart : addInto(g, towards ?? full(g, scores.shape, 0), apart, start);
      }
      return own.differentiable ? outerSum(g, part, grad, 'f32') : undefined;
    });
    return [towards && softmaxBackInto(g, towards, weights, scale), ...towardsValues];
  });
  return sums;
}

/** The gradient of softmax(scale * x) = `y` in place of that of `y`. */
function softmaxBackInto(g: Graph, grad: Tensor, y: Tensor, scale: number): Tensor {
  const { ggml, context } = g;
  const fused = ggml.ggml_soft_max_ext_back_inplace(context, grad.pointer, y.pointer, scale, 0);
  const composed = (): Tensor['pointer'] =>
    ggml.ggml_scale(context, softmaxBack(g, grad.pointer, y.pointer), scale);
  return g.constant(orComposed(g, fused, composed), grad.shape);
}
