/** Log-probabilities over a vocabulary, one row a predicted token. */
import type { Graph } from '../graph.ts';
import { dims4, type Tensor } from '../tensor.ts';
import { needMatrix } from './checks.ts';
import { detach, log, mul, sub } from './elementwise.ts';
import { gather } from './nn.ts';
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
