/** The clipped policy-gradient loss of GRPO with a KL penalty to the reference policy, and an entropy bonus, as losses. */
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
import { entropyRows, type Objective, rowInput, weighted } from './objective.ts';

export type KlEstimator = 'k1' | 'k2' | 'k3';

export interface PolicyGradientOptions {
  /** Epsilon of the clip range [1 - eps, 1 + eps]. */
  readonly clip: number;
  readonly klCoefficient: number;
  readonly klEstimator: KlEstimator;
  /** Weight of the entropy bonus; off without it. */
  readonly entropyCoefficient?: number;
}

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
export function policyGradient(options: PolicyGradientOptions): Objective {
  const { clip, klCoefficient, klEstimator, entropyCoefficient = 0 } = options;
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
      const kl = klEstimate(g, sub(g, logprobs, rowInput(inputs, 'ref_logprobs')), klEstimator);
      const moved = scale(g, detach(ratio), 1, -1);
      const left = step(g, scale(g, square(g, moved), 1, -clip * clip));
      const entropy = entropyCoefficient === 0 ? entropyRows(g, rows) : entropyAt(g, rows);
      let loss = klCoefficient === 0 ? policy : add(g, policy, scale(g, kl, klCoefficient));
      if (entropyCoefficient !== 0) loss = sub(g, loss, scale(g, entropy, entropyCoefficient));
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
}
