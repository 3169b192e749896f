/**
 * Direct preference optimisation (Rafailov et al., arXiv 2305.18290):
 * L = -log sigmoid(beta * [(log pi(y_w) - log ref(y_w)) - (log pi(y_l) - log ref(y_l))]), log-probabilities
 * summed over a completion's tokens, averaged over pairs.
 */
import {
  logProbabilitiesAt,
  mulMat,
  reshape,
  scale,
  softplus,
  sub,
  sum,
  transpose,
} from '../tensor/ops/index.ts';
import { type Objective, rowInput } from './objective.ts';

/**
 * `pairs` is how many pairs a batch has. The input `pair_signs` [pairs, R] is +1 where a row belongs to a pair's
 * chosen completion, -1 where to its rejected one, else 0; `ref_logprobs` are the reference's log-probabilities.
 */
export function dpo(options: { readonly beta: number; readonly pairs: number }): Objective {
  const { beta, pairs } = options;
  return {
    name: 'dpo',
    inputs: {
      pair_signs: { dtype: 'f32', width: pairs, padding: 0 },
      ref_logprobs: { dtype: 'f32', width: 1, padding: 0 },
    },
    rowwise: false,
    build: (g, rows, inputs) => {
      const count = rows.logits.shape[1] ?? 1;
      const logprobs = logProbabilitiesAt(g, rows, rowInput(inputs, 'targets'));
      const rewards = reshape(g, sub(g, logprobs, rowInput(inputs, 'ref_logprobs')), [count, 1]);
      const signs = rowInput(inputs, 'pair_signs');
      const byPair = transpose(g, signs); // [R, pairs]
      const margins = mulMat(g, byPair, rewards); // [pairs, 1]
      const loss = scale(g, sum(g, softplus(g, scale(g, margins, -beta))), 1 / pairs);
      return { loss, parts: {} };
    },
  };
}
