/**
 * The policy gradient of LUFFY (arXiv 2504.14945), in whose groups some answers are a teacher's. On the model's own
 * tokens the ratio to the policy that drew them, without a clip; on the teacher's, whose policy is not asked, the
 * shaped probability p / (p + gamma), whose slope is steepest where the model finds a token unlikely. There is no KL.
 */
import { z } from 'zod';
import {
  add,
  detach,
  div,
  entropyAt,
  exp,
  logProbabilitiesAt,
  mul,
  scale,
  step,
  sub,
} from '../tensor/ops/index.ts';
import { defineLoss, ENTROPY, ONE, rowInput, type RowObjective, weighted } from './objective.ts';
import { finiteExp, policyGradient } from './policy-gradient.ts';

/**
 * L = sum_r w_r * (-A f - c * entropy), with f = ratio on own tokens and p / (p + gamma) on the teacher's. The input
 * `off_policy` is 0 on the former and, on the latter, the step's tokens by the teacher's among them.
 */
export const luffy = defineLoss(
  {
    options: {
      off_policy_gamma: z
        .number()
        .positive()
        .default(0.1)
        .describe("gamma in p / (p + gamma), which stands for the ratio on the teacher's tokens"),
      entropy_coef: policyGradient.options.entropy_coef.default(1e-3),
    },
    metrics: {
      policy_loss: policyGradient.metrics.policy_loss,
      off_policy_loss: { unit: 'advantage', meaning: "the part of it that the teacher's answers make" },
      off_policy_prob: { unit: 'probability', meaning: "the model's probability of the teacher's tokens" },
      off_policy_tokens: { unit: 'fraction', meaning: "learned tokens that are the teacher's" },
      entropy: ENTROPY,
    },
  },
  ({ off_policy_gamma: gamma, entropy_coef }): Omit<RowObjective, 'metrics'> => ({
    name: 'luffy',
    inputs: { advantages: ONE, old_logprobs: ONE, off_policy: { ...ONE, optional: true } },
    rowwise: true,
    build: (g, rows, inputs) => {
      const share = rowInput(inputs, 'off_policy');
      const isTeachers = step(g, share);
      const logprobs = logProbabilitiesAt(g, rows, rowInput(inputs, 'targets'));
      const ratio = finiteExp(g, sub(g, logprobs, rowInput(inputs, 'old_logprobs')));
      const p = exp(g, logprobs);
      const shaped = mul(g, div(g, p, scale(g, p, 1, gamma)), isTeachers);
      const advantages = scale(g, rowInput(inputs, 'advantages'), -1);
      const own = mul(g, mul(g, ratio, scale(g, isTeachers, -1, 1)), advantages);
      const teachers = mul(g, shaped, advantages);
      const policy = add(g, own, teachers);
      const entropy = entropyAt(g, rows);
      return {
        loss: weighted(g, inputs, sub(g, policy, scale(g, entropy, entropy_coef))),
        parts: {
          policy_loss: weighted(g, inputs, policy),
          off_policy_loss: weighted(g, inputs, teachers),
          off_policy_prob: weighted(g, inputs, mul(g, detach(p), share)),
          off_policy_tokens: weighted(g, inputs, isTeachers),
          entropy: weighted(g, inputs, detach(entropy)),
        },
      };
    },
  }),
);
