/** Log-probabilities over a vocabulary, one row a predicted token. */
import type { Graph } from '../graph.ts';
import { dims4, type Tensor } from '../tensor.ts';
import { needMatrix } from './checks.ts';
import { add, detach, log, mul, scale, sub } from './elementwise.ts';
import { gather, rowDots } from './nn.ts';
import { reshape } from './shape.ts';

/** Logits with what every objective needs of them: log-sum-exp and probabilities, computed once. */
export interface VocabularyRows {
  readonly logits: Tensor; // [V, R]
  readonly logSumExp: Tensor; // [1, R], differentiable
  readonly probabilities: Tensor; // [V, R], no gradient
}

/**
 * Prepares rows of logits [V, R]. The softmax kernel is one fast pass, and the log-sum-exp follows from the
 * likeliest id: log p = logit - logSumExp, where p is at least 1 / V, so no digit is lost.
 */
export function vocabularyRows(g: Graph, logits: Tensor): VocabularyRows {
  needMatrix('vocabularyRows', logits);
  const [vocabulary, rows] = dims4(logits.shape);
  const range = { below: vocabulary, distinct: true, width: 1, made: true };
  const best = g.constant(g.ggml.ggml_argmax(g.context, logits.pointer), [rows], 'i32', range);
  const likeliest = reshape(g, best, [1, rows]);
  const probabilities = g.constant(
    g.ggml.ggml_soft_max_ext(g.context, logits.pointer, null, 1, 0),
    logits.shape,
  );
  const value = sub(g, gather(g, detach(logits), likeliest), log(g, gather(g, probabilities, likeliest)));
  const logSumExp = g.record(value.pointer, [1, rows], [logits], (grad) => [mul(g, probabilities, grad)]);
  return { logits, logSumExp, probabilities };
}

/** Log-probabilities at `ids` i32 [k, R], distinct within a row: [k, R], of the full softmax. */
export function logProbabilitiesAt(g: Graph, rows: VocabularyRows, ids: Tensor): Tensor {
  return sub(g, gather(g, rows.logits, ids), rows.logSumExp);
}

/**
 * Entropy of each row's distribution in nats, [1, R]: -sum p log p, with dH/dz = -p (log p + H). Nothing of the
 * vocabulary's size is kept for the gradient beyond the probabilities.
 */
export function entropyAt(g: Graph, { logits, logSumExp, probabilities }: VocabularyRows): Tensor {
  const [plain, total] = [detach(logits), detach(logSumExp)];
  const value = sub(g, total, rowDots(g, probabilities, plain));
  return g.record(value.pointer, value.shape, [logits], (grad) => {
    const surprise = add(g, sub(g, plain, total), detach(value));
    return [scale(g, mul(g, mul(g, probabilities, surprise), grad), -1)];
  });
}
