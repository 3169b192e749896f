/** The clipped policy-gradient loss of GRPO with a KL penalty to the reference policy, and an entropy bonus, as losses. */
import { z } from 'zod';
import { InternalError } from '../base/errors.ts';
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
import { defineLoss, ENTROPY, entropyRows, rowInput, type RowObjective, weighted } from './objective.ts';

const KL_ESTIMATORS = ['k1', 'k2', 'k3'] as const;
type KlEstimator = (typeof KL_ESTIMATORS)[number];

/**
 * e^a, limited to e^60: clipping hides larger values anyway, but an infinite one would turn their gradient of zero
 * into not-a-number.
 */
function finiteExp(g: Graph, a: Tensor): Tensor {
  return exp(g, clamp(g, a, -Infinity, 60));
}

/**
 * Estimators of KL(policy || reference) from log-ratios (Schulman, "Approximating KL divergence"): k1 = r,
 * k2 = r^2 / 2, k3 = e^-r - 1 + r. The estimate is limited to [-10, 10], as in OpenRLHF.
 */
function klEstimate(g: Graph, logRatio: Tensor, estimator: KlEstimator): Tensor {
  const raw = (): Tensor => {
    switch (estimator) {
      case 'k1':
        return logRatio;
      case 'k2':
        return scale(g, square(g, logRatio), 0.5);
      case 'k3':
        return add(g, finiteExp(g, scale(g, logRatio, -1)), scale(g, logRatio, 1, -1));
      default:
        throw new InternalError(`unknown KL estimator ${String(estimator satisfies never)}`);
    }
  };
  return clamp(g, raw(), -10, 10);
}

/**
 * L = sum_r w_r * (-min(ratio A, clip(ratio) A) + beta * KL - c * entropy). Inputs: advantages, old and reference
 * log-probabilities.
 */
export const policyGradient = defineLoss(
  {
    options: {
      eps_clip: z.number().gt(0).lt(1).default(0.2).describe('clip range of the probability ratio'),
      kl_estimator: z.enum(KL_ESTIMATORS).default('k2'),
      init_kl_coef: z.number().min(0).default(1e-3).describe("weight of the KL to the stage's first model"),
      entropy_coef: z.number().min(0).default(0).describe('weight of the entropy bonus'),
    },
    metrics: {
      policy_loss: { unit: 'advantage', meaning: 'clipped policy-gradient loss' },
      kl: { unit: 'nats per token', meaning: 'KL estimate to the reference policy' },
      entropy: ENTROPY,
      clip_fraction: { unit: 'fraction', meaning: 'tokens whose ratio left the clip range' },
    },
  },
  ({ eps_clip: clip, kl_estimator, init_kl_coef, entropy_coef }): Omit<RowObjective, 'metrics'> => {
    const one = { dtype: 'f32', width: 1, padding: 0 } as const;
    return {
      name: 'grpo',
      inputs: { advantages: one, old_logprobs: one, ref_logprobs: one },
      rowwise: true,
      build: (g, rows, inputs) => {
        const advantages = rowInput(inputs, 'advantages');
        const logprobs = logProbabilitiesAt(g, rows, rowInput(inputs, 'targets'));
        const ratio = finiteExp(g, sub(g, logprobs, rowInput(inputs, 'old_logprobs')));
        const clipped = clamp(g, ratio, 1 - clip, 1 + clip);
        const surrogate = minimum(g, mul(g, ratio, advantages), mul(g, clipped, advantages));
        const policy = scale(g, surrogate, -1);
        const kl = klEstimate(g, sub(g, logprobs, rowInput(inputs, 'ref_logprobs')), kl_estimator);
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
    };
  },
);
