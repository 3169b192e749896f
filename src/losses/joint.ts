/**
 * Reinforcement and distillation in one objective, as in STAR's trainer (arXiv 2602.03022) and, there on the student's
 * own answers, in verl: the policy gradient on what the student drew, and distillation on what the teacher wrote.
 */
import { z } from 'zod';
import { add, mul, scale } from '../tensor/ops/index.ts';
import { distillation } from './distillation.ts';
import {
  defineLoss,
  ONE,
  rowInput,
  type RowInputs,
  type RowInputSpec,
  type RowObjective,
} from './objective.ts';
import { policyGradient } from './policy-gradient.ts';

const optional = (inputs: RowObjective['inputs']): Record<string, RowInputSpec> =>
  Object.fromEntries(Object.entries(inputs).map(([name, spec]) => [name, { ...spec, optional: true }]));

/**
 * L = mean over drawn tokens of the policy gradient's loss + kd_kl_coef * mean over the teacher's tokens of
 * distillation's. The inputs `policy_share` and `kd_share` are, on their tokens, the step's tokens by these, else 0.
 */
export const joint = defineLoss(
  {
    options: {
      ...policyGradient.options,
      ...distillation.options,
      kd_kl_coef: z.number().min(0).default(1).describe('weight of distillation beside the policy gradient'),
    },
    metrics: {
      ...distillation.metrics,
      ...policyGradient.metrics,
      kd_loss: { unit: 'nats per token', meaning: "distillation on the teacher's answers, unweighted" },
    },
  },
  (options): Omit<RowObjective, 'metrics'> => {
    const [policy, kd] = [policyGradient(options), distillation(options)];
    return {
      name: 'joint',
      inputs: optional({ ...policy.inputs, ...kd.inputs, policy_share: ONE, kd_share: ONE }),
      rowwise: true,
      build: (g, rows, inputs) => {
        const over = (share: string): RowInputs => ({
          ...inputs,
          weights: mul(g, rowInput(inputs, 'weights'), rowInput(inputs, share)),
        });
        const drawn = policy.build(g, rows, over('policy_share'));
        const taught = kd.build(g, rows, over('kd_share'));
        return {
          loss: add(g, drawn.loss, scale(g, taught.loss, options.kd_kl_coef)),
          // The entropy is that of the student's own answers.
          parts: { ...taught.parts, kd_loss: taught.loss, ...drawn.parts },
        };
      },
    };
  },
);
