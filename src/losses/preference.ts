/**
 * Learning from pairs of answers, one chosen and one rejected, each pair a group of completions. With the margin
 * m = (log pi(y_w) - log ref(y_w)) - (log pi(y_l) - log ref(y_l)), log-probabilities summed over a completion's tokens:
 * - DPO (Rafailov et al., arXiv 2305.18290): -log sigmoid(beta m); with label smoothing e, as if a share e of the pairs
 *   were the wrong way round: -(1 - e) log sigmoid(beta m) - e log sigmoid(-beta m);
 * - IPO (Azar et al., arXiv 2310.12036, equation 17): (m - 1 / (2 beta))^2;
 * - to both, the term of RPO (Pang et al., arXiv 2404.19733) may be added: the chosen answer's mean cross-entropy.
 */
import { z } from 'zod';
import type { Graph } from '../tensor/graph.ts';
import * as ops from '../tensor/ops/index.ts';
import { full } from '../tensor/ops/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { CE, defineLoss, rowInput, type RowInputs, type SequenceObjective } from './objective.ts';

const options = {
  loss_type: z.enum(['dpo', 'ipo']).default('dpo'),
  beta: z.number().positive().default(0.1).describe('how strongly the model is held to the reference'),
  label_smoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .describe('DPO: share of pairs that are taken to be the wrong way round'),
  nll_loss_coef: z
    .number()
    .min(0)
    .default(0)
    .describe("weight of the chosen answer's cross-entropy (RPO); 0 is off"),
};
type PreferenceOptions = z.output<z.ZodObject<typeof options>>;

/** A batch's pairs, each [pairs, 1]; a place without a pair has zeros. */
function pairsOf(g: Graph, logprobs: Tensor, inputs: RowInputs) {
  const column = (t: Tensor): Tensor => ops.reshape(g, t, [logprobs.shape[1] ?? 1, 1]);
  const signs = ops.transpose(g, rowInput(inputs, 'pair_signs')); // [R, pairs]
  const [isChosen, isRejected] = [ops.relu(g, signs), ops.relu(g, ops.scale(g, signs, -1))];
  const over = (mask: Tensor, values: Tensor): Tensor => ops.mulMat(g, mask, values); // [pairs, 1]
  const own = column(logprobs);
  const gain = column(ops.sub(g, logprobs, rowInput(inputs, 'ref_logprobs')));
  const tokens = ops.clamp(g, over(isChosen, full(g, own.shape, 1)), 1, Infinity);
  const chosen = over(isChosen, own);
  return {
    // Share of the pair in the step's mean: its rows have the same weight.
    weight: ops.div(g, over(isChosen, column(rowInput(inputs, 'weights'))), tokens),
    // Summed log-probabilities under the policy.
    chosen,
    rejected: over(isRejected, own),
    // Rewards in DPO's sense, without beta: log-ratios to the reference.
    chosenGain: over(isChosen, gain),
    rejectedGain: over(isRejected, gain),
    // Mean cross-entropy of the chosen answer.
    nll: ops.scale(g, ops.div(g, chosen, tokens), -1),
  };
}

/** The loss of each pair, [pairs, 1], from its margin. */
function lossOf(g: Graph, margin: Tensor, { loss_type, beta, label_smoothing }: PreferenceOptions): Tensor {
  const against = (sign: number): Tensor => ops.softplus(g, ops.scale(g, margin, -sign * beta));
  if (loss_type === 'ipo') return ops.square(g, ops.scale(g, margin, 1, -1 / (2 * beta)));
  if (label_smoothing === 0) return against(1);
  return ops.add(
    g,
    ops.scale(g, against(1), 1 - label_smoothing),
    ops.scale(g, against(-1), label_smoothing),
  );
}

/**
 * The mean over pairs of DPO's or IPO's loss. The input `pair_signs` is +1 on rows of the chosen completion of a pair
 * and -1 on those of the rejected one; `ref_logprobs` are the reference's log-probabilities.
 */
export const preference = defineLoss(
  {
    options,
    metrics: {
      ce: CE,
      preference_accuracy: {
        unit: 'fraction',
        meaning:
          'pairs whose chosen answer has gained more likelihood over the reference than the rejected one',
      },
      chosen_reward: {
        unit: 'nats x beta',
        meaning: 'implicit reward of the chosen answers: beta x log-ratio to the reference',
      },
      rejected_reward: { unit: 'nats x beta', meaning: 'implicit reward of the rejected answers' },
      reward_margin: {
        unit: 'nats x beta',
        meaning: 'implicit reward of the chosen answer less that of the rejected one',
      },
      chosen_logprob: {
        unit: 'nats',
        meaning: 'log-probability of a chosen answer, summed over its tokens',
      },
      rejected_logprob: { unit: 'nats', meaning: 'log-probability of a rejected answer' },
    },
  },
  (given): Omit<SequenceObjective, 'metrics'> => ({
    name: given.loss_type,
    inputs: {
      pair_signs: { dtype: 'f32', width: 'groups', padding: 0 },
      ref_logprobs: { dtype: 'f32', width: 1, padding: 0 },
    },
    rowwise: false,
    build: (g, logprobs, inputs) => {
      const pairs = pairsOf(g, logprobs, inputs);
      const mean = (values: Tensor): Tensor => ops.sum(g, ops.mul(g, values, pairs.weight));
      const margin = ops.sub(g, pairs.chosenGain, pairs.rejectedGain);
      const contrast = mean(lossOf(g, margin, given));
      const nll = mean(pairs.nll);
      return {
        loss:
          given.nll_loss_coef === 0 ? contrast : ops.add(g, contrast, ops.scale(g, nll, given.nll_loss_coef)),
        parts: {
          ce: nll,
          chosen_reward: ops.scale(g, mean(pairs.chosenGain), given.beta),
          rejected_reward: ops.scale(g, mean(pairs.rejectedGain), given.beta),
          reward_margin: ops.scale(g, mean(margin), given.beta),
          preference_accuracy: mean(ops.step(g, ops.detach(margin))),
          chosen_logprob: mean(pairs.chosen),
          rejected_logprob: mean(pairs.rejected),
        },
      };
    },
  }),
);
