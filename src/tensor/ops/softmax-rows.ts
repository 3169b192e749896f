/** Log-probabilities over a vocabulary, one row a predicted token. */
import type { Graph } from '../graph.ts';
import { dims4, type Tensor } from '../tensor.ts';
import { needMatrix } from './checks.ts';
import { add, detach, exp, log, mul, sub } from './elementwise.ts';
import { gather } from './nn.ts';
import { sumRows } from './reduce.ts';
import { reshape } from './shape.ts';

/** Logits with what every objective needs of them: log-sum-exp and probabilities, computed once. */
export interface VocabularyRows {
  readonly logits: Tensor; // [V, R]
  readonly logSumExp: Tensor; // [1, R], differentiable
  readonly probabilities: Tensor; // [V, R], no gradient
}

/** Prepares rows of logits [V, R]. Stable: the row's maximum is subtracted first. */
export function vocabularyRows(g: Graph, logits: Tensor): VocabularyRows {
  needMatrix('vocabularyRows', logits);
  const [vocabulary, rows] = dims4(logits.shape);
  const plain = detach(logits);
  const range = { below: vocabulary, distinct: true, width: 1, made: true };
  const best = g.constant(g.ggml.ggml_argmax(g.context, logits.pointer), [rows], 'i32', range);
  const maximum = gather(g, plain, reshape(g, best, [1, rows]));
  const value = add(g, log(g, sumRows(g, exp(g, sub(g, plain, maximum)))), maximum);
  const probabilities = exp(g, sub(g, plain, value));
  const logSumExp = g.record(value.pointer, [1, rows], [logits], (grad) => [mul(g, probabilities, grad)]);
  return { logits, logSumExp, probabilities };
}

/** Log-probabilities at `ids` i32 [k, R], distinct within a row: [k, R], of the full softmax. */
export function logProbabilitiesAt(g: Graph, rows: VocabularyRows, ids: Tensor): Tensor {
  return sub(g, gather(g, rows.logits, ids), rows.logSumExp);
}
