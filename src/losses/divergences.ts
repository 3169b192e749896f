/**
 * Divergences of a student from its teacher over the teacher's k likeliest ids, at which both have the log-probabilities
 * of their full softmax, [k, R]. The sums are truncated, all alike: nothing is renormalised over the k ids, and nothing
 * stands for the rest of the vocabulary. No term is clamped: what is truncated may be negative.
 */
import type { Graph } from '../tensor/graph.ts';
import { add, exp, mul, scale, softplus, sub, sumRows } from '../tensor/ops/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { RowInputSpec } from './objective.ts';

/** Inputs of a loss that compares the k likeliest ids of a teacher. */
export const topKInputs = (k: number) =>
  ({
    teacher_ids: { dtype: 'i32', width: k },
    teacher_logprobs: { dtype: 'f32', width: k, padding: -1 },
  }) as const satisfies Readonly<Record<string, RowInputSpec>>;

/** Metrics of such a loss. */
export const OVER_TOP_K = {
  fkl: { unit: 'nats per token', meaning: "forward KL over the teacher's top-k" },
  rkl: { unit: 'nats per token', meaning: "reverse KL over the teacher's top-k" },
  teacher_mass: { unit: 'probability', meaning: "teacher's mass covered by its top-k" },
} as const;

/** sum_{i in top-k of T} p_T (log p_T - log p_S), [1, R]. */
export function forwardKl(g: Graph, student: Tensor, teacher: Tensor): Tensor {
  // The student's term stands first so that its gradient is the plain one.
  return scale(g, sumRows(g, mul(g, sub(g, student, teacher), exp(g, teacher))), -1);
}

/** sum_{i in top-k of T} p_S (log p_S - log p_T), [1, R]. */
export function reverseKl(g: Graph, student: Tensor, teacher: Tensor): Tensor {
  return sumRows(g, mul(g, exp(g, student), sub(g, student, teacher)));
}

/** log(share p_T + (1 - share) p_S), [k, R], for a share above 0 and below 1; finite where either is very unlikely. */
export function mixture(g: Graph, student: Tensor, teacher: Tensor, share: number): Tensor {
  const odds = scale(g, sub(g, student, teacher), 1, Math.log1p(-share) - Math.log(share));
  return scale(g, add(g, teacher, softplus(g, odds)), 1, Math.log(share));
}
