/**
 * Generalised Jensen-Shannon divergence of GKD (Agarwal et al., arXiv 2306.13649, equation 1; TRL's GKDTrainer): with the
 * mixture M = beta p_T + (1 - beta) p_S it is beta KL(p_T || M) + (1 - beta) KL(p_S || M), at beta 0 KL(p_T || p_S), at
 * beta 1 KL(p_S || p_T). Over the teacher's k likeliest ids it is truncated as all divergences are; with the whole
 * vocabulary as k it is the paper's.
 */
import { z } from 'zod';
import { add, exp, logProbabilitiesAt, scale, sumRows } from '../tensor/ops/index.ts';
import { forwardKl, mixture, OVER_TOP_K, reverseKl, topKInputs } from './divergences.ts';
import { defineLoss, ENTROPY, entropyRows, rowInput, type RowObjective, weighted } from './objective.ts';

export const generalizedJsd = defineLoss(
  {
    options: {
      beta: z.number().min(0).max(1).default(0.5).describe('0 is forward KL, 1 reverse KL'),
      kd_topk: z
        .int()
        .positive()
        .default(100)
        .describe("teacher's tokens a position that are matched; as many as the vocabulary has are all"),
    },
    metrics: { ...OVER_TOP_K, entropy: ENTROPY },
  },
  ({ beta, kd_topk }): Omit<RowObjective, 'metrics'> => ({
    name: 'gkd',
    inputs: topKInputs(kd_topk),
    rowwise: true,
    build: (g, rows, inputs) => {
      const teacher = rowInput(inputs, 'teacher_logprobs');
      const student = logProbabilitiesAt(g, rows, rowInput(inputs, 'teacher_ids'));
      const [forward, reverse] = [forwardKl(g, student, teacher), reverseKl(g, student, teacher)];
      let jsd = beta === 0 ? forward : reverse;
      if (beta > 0 && beta < 1) {
        const mixed = mixture(g, student, teacher, beta);
        const ofTeacher = scale(g, forwardKl(g, mixed, teacher), beta);
        jsd = add(g, ofTeacher, scale(g, reverseKl(g, student, mixed), 1 - beta));
      }
      return {
        loss: weighted(g, inputs, jsd),
        parts: {
          fkl: weighted(g, inputs, forward),
          rkl: weighted(g, inputs, reverse),
          teacher_mass: weighted(g, inputs, sumRows(g, exp(g, teacher))),
          entropy: weighted(g, inputs, entropyRows(g, rows)),
        },
      };
    },
  }),
);
