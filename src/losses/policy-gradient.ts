/** The clipped policy-gradient loss of GRPO with a KL penalty to the reference policy, and an entropy bonus, as losses. */
import { z } from 'zod';
import type { Graph } from '../tensor/graph.ts';
import {
  add,
  clamp,
  detach,
  entropyAt,
  exp,
  logProbabilitiesAt,
  minimum,
  mul,
  scale,
  square,
  step,
  sub,
} from '../tensor/ops/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { defineLoss, ENTROPY, entropyRows, ONE, rowInput, type RowObjective, weighted } from './objective.ts';

/**
 * e^a, limited to e^60: clipping hides larger values anyway, but an infinite one would turn their gradient of zero
 * into not-a-number.
 */
export function finiteExp(g: Graph, a: Tensor): Tensor {
  return exp(g, clamp(g, a, -Infinity, 60));
}

/** Estimators of KL(policy || reference) from log-ratios (Schulman, "Approximating KL divergence"). */
const KL_ESTIMATORS = {
  k1: (_, r) => r,
  k2: (g, r) => scale(g, square(g, r), 0.5),
  k3: (g, r) => add(g, finiteExp(g, scale(g, r, -1)), scale(g, r, 1, -1)),
} satisfies Record<string, (g: Graph, logRatio: Tensor) => Tensor>;

/**
 * L = sum_r w_r * (-min(ratio A, clip(ratio) A) + beta * KL - c * entropy). Inputs: advantages, old and reference
 * log-probabilities.
 */
export const policyGradient = defineLoss(
  {
    options: {
      eps_clip: z.number().gt(0).lt(1).default(0.2).describe('clip range of the probability ratio'),
      kl_estimator: z.enum(Object.keys(KL_ESTIMATORS) as (keyof typeof KL_ESTIMATORS)[]).default('k2'),
      init_kl_coef: z.number().min(0).default(1e-3).describe("weight of the KL to the stage's first model"),
      entropy_coef: z.number().min(0).default(0).describe('weight of the entropy bonus'),
    },
    metrics: {
      policy_loss: { unit: 'advantage', meaning: 'policy-gradient loss' },
      kl: { unit: 'nats per token', meaning: 'KL estimate to the reference policy' },
      entropy: ENTROPY,
      clip_fraction: { unit: 'fraction', meaning: 'tokens whose ratio left the clip range' },
    },
  },
  ({ eps_clip: clip, kl_estimator, init_kl_coef, entropy_coef }): Omit<RowObjective, 'metrics'> => ({
    name: 'grpo',
    inputs: { advantages: ONE, old_logprobs: ONE, ref_logprobs: ONE },
    rowwise: true,
    build: (g, rows, inputs) => {
      const advantages = rowInput(inputs, 'advantages');
      const logprobs = logProbabilitiesAt(g, rows, rowInput(inputs, 'targets'));
      const ratio = finiteExp(g, sub(g, logprobs, rowInput(inputs, 'old_logprobs')));
      const clipped = clamp(g, ratio, 1 - clip, 1 + clip);
      const surrogate = minimum(g, mul(g, ratio, advantages), mul(g, clipped, advantages));
      const policy = scale(g, surrogate, -1);
      const logRatio = sub(g, logprobs, rowInput(inputs, 'ref_logprobs'));
      // Limited as in OpenRLHF.
      const kl = clamp(g, KL_ESTIMATORS[kl_estimator](g, logRatio), -10, 10);
      const moved = scale(g, detach(ratio), 1, -1);
      const left = step(g, scale(g, square(g, moved), 1, -clip * clip));
      const entropy = entropy_coef === 0 ? entropyRows(g, rows) : entropyAt(g, rows);
      let loss = init_kl_coef === 0 ? policy : add(g, policy, scale(g, kl, init_kl_coef));
      if (entropy_coef !== 0) loss = sub(g, loss, scale(g, entropy, entropy_coef));
      return {
        loss: weighted(g, inputs, loss),
        parts: {
          policy_loss: weighted(g, inputs, policy),
          kl: weighted(g, inputs, kl),
          entropy: weighted(g, inputs, detach(entropy)),
          clip_fraction: weighted(g, inputs, left),
        },
      };
    },
  }),
);
