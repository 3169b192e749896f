/**
 * Distillation from a teacher's stored top-k (STAR, arXiv 2602.03022, equations 3 to 5; the skewed divergences of
 * DistiLLM, arXiv 2402.03898). The teacher's log-probabilities come from its full softmax and are not renormalised over
 * the k ids; the student's are gathered at the same ids from its own full softmax. No term is clamped: a truncated KL may
 * be negative. A skewed one mixes p_T and p_S at each of the k ids and is truncated as the others are.
 */
import { z } from 'zod';
import type { Graph } from '../tensor/graph.ts';
import {
  abs,
  add,
  clamp,
  detach,
  div,
  exp,
  gather,
  logProbabilitiesAt,
  mul,
  scale,
  scatter,
  sub,
  sumRows,
  topK,
  type VocabularyRows,
} from '../tensor/ops/index.ts';
import { full } from '../tensor/ops/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { negativeLogLikelihood } from './cross-entropy.ts';
import { forwardKl, mixture, OVER_TOP_K, reverseKl, topKInputs } from './divergences.ts';
import { CE, defineLoss, ENTROPY, entropyRows, rowInput, type RowObjective, weighted } from './objective.ts';

/**
 * Adaptive KL as STAR's code has it: the head is the smallest prefix of the teacher's ids whose mass reaches a
 * half, the crossing one included; the gates, which come of the `gap` |p_S - p_T| [k, R], are not detached.
 */
function adaptiveKl(g: Graph, gap: Tensor, head: Tensor, forward: Tensor, reverse: Tensor): Tensor {
  const gapHead = sumRows(g, mul(g, gap, head));
  const gapAll = sumRows(g, gap);
  const gapRest = sub(g, gapAll, gapHead);
  const mixed = add(g, mul(g, gapHead, forward), mul(g, gapRest, reverse));
  return div(g, mixed, clamp(g, gapAll, 1e-9, Infinity));
}

/** The student's mass in its own top-m outside the teacher's top-k, [1, R] (STAR, equation 5). */
function tailMass(g: Graph, rows: VocabularyRows, teacherIds: Tensor, m: number): Tensor {
  const vocabulary = rows.logits.shape[0] ?? 1;
  const own = topK(g, detach(rows.logits), Math.min(m, vocabulary));
  const outside = scatter(g, vocabulary, teacherIds, full(g, teacherIds.shape, 0), 1);
  return sumRows(g, mul(g, exp(g, logProbabilitiesAt(g, rows, own)), gather(g, outside, own)));
}

const count = z.int().positive();

/**
 * Top-k distillation: a divergence + kd_kl_l1_coef * tail, mixed with cross-entropy by kd_ratio. CKD is fkl with the tail.
 * With the skew L, sfkl is KL(p_T || L p_T + (1 - L) p_S) and srkl is KL(p_S || L p_S + (1 - L) p_T).
 */
export const distillation = defineLoss(
  {
    options: {
      kd_kl_type: z.enum(['fkl', 'rkl', 'akl', 'sfkl', 'srkl']).default('fkl'),
      skew_lambda: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.1)
        .describe('sfkl, srkl: share of the one distribution in the mixture that stands for the other'),
      kd_topk: count.default(100).describe("teacher's tokens a position that are matched"),
      kd_student_topm: count
        .default(100)
        .describe("student's own top tokens among which the tail is penalised"),
      kd_kl_l1_coef: z
        .number()
        .min(0)
        .default(10)
        .describe('weight of the tail penalty; 0 is plain distillation'),
      kd_ratio: z
        .number()
        .min(0)
        .max(1)
        .default(1)
        .describe('1 is distillation alone, 0 cross-entropy alone'),
    },
    metrics: {
      ...OVER_TOP_K,
      sfkl: { unit: 'nats per token', meaning: "skewed forward KL over the teacher's top-k" },
      srkl: { unit: 'nats per token', meaning: "skewed reverse KL over the teacher's top-k" },
      tail: { unit: 'probability', meaning: "student's mass in its own top-m outside the teacher's top-k" },
      ce: CE,
      entropy: ENTROPY,
    },
  },
  ({
    kd_kl_type,
    skew_lambda,
    kd_topk,
    kd_student_topm,
    kd_kl_l1_coef,
    kd_ratio,
  }): Omit<RowObjective, 'metrics'> => ({
    name: kd_kl_l1_coef > 0 && kd_kl_type === 'fkl' ? 'ckd' : kd_kl_type,
    inputs: {
      ...topKInputs(kd_topk),
      ...(kd_kl_type === 'akl'
        ? { teacher_head: { dtype: 'f32', width: kd_topk, padding: 1 } as const }
        : {}),
    },
    rowwise: true,
    build: (g, rows, inputs) => {
      const ids = rowInput(inputs, 'teacher_ids');
      const teacher = rowInput(inputs, 'teacher_logprobs');
      const student = logProbabilitiesAt(g, rows, ids);
      const parts: Record<string, Tensor> = {
        teacher_mass: weighted(g, inputs, sumRows(g, exp(g, teacher))),
        entropy: weighted(g, inputs, entropyRows(g, rows)),
      };
      const forward = forwardKl(g, student, teacher);
      parts['fkl'] = weighted(g, inputs, forward);
      let kd = forward;
      if (kd_kl_type === 'sfkl' || kd_kl_type === 'srkl') {
        kd =
          kd_kl_type === 'sfkl'
            ? forwardKl(g, mixture(g, student, teacher, skew_lambda), teacher)
            : reverseKl(g, student, mixture(g, student, teacher, 1 - skew_lambda));
        parts[kd_kl_type] = weighted(g, inputs, kd);
      } else if (kd_kl_type !== 'fkl') {
        const reverse = reverseKl(g, student, teacher);
        parts['rkl'] = weighted(g, inputs, reverse);
        kd = reverse;
        if (kd_kl_type === 'akl') {
          const gap = abs(g, sub(g, exp(g, student), exp(g, teacher)));
          kd = adaptiveKl(g, gap, rowInput(inputs, 'teacher_head'), forward, reverse);
        }
      }
      if (kd_kl_l1_coef > 0) {
        const tail = tailMass(g, rows, ids, kd_student_topm);
        parts['tail'] = weighted(g, inputs, tail);
        kd = add(g, kd, scale(g, tail, kd_kl_l1_coef));
      }
      if (kd_ratio < 1) {
        const ce = negativeLogLikelihood(g, rows, inputs);
        parts['ce'] = weighted(g, inputs, ce);
        kd = add(g, scale(g, kd, kd_ratio), scale(g, ce, 1 - kd_ratio));
      }
      return { loss: weighted(g, inputs, kd), parts };
    },
  }),
);

/** The head mask of AKL for one row: 1 for the smallest prefix of sorted log-probabilities whose mass reaches 1/2. */
export function adaptiveHead(teacherLogprobs: Float32Array): Float32Array {
  let before = 0;
  return teacherLogprobs.map((logprob, i) => {
    const inside = i === 0 || before < 0.5;
    before += Math.exp(logprob);
    return inside ? 1 : 0;
  });
}
