/** Cross-entropy of the target tokens: supervised fine-tuning and pre-training. */
import type { Graph } from '../tensor/graph.ts';
import { logProbabilitiesAt, scale, type VocabularyRows } from '../tensor/ops/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  CE,
  defineLoss,
  ENTROPY,
  entropyRows,
  rowInput,
  type RowInputs,
  type RowObjective,
  weighted,
} from './objective.ts';

/** -log p(target), [1, R]. */
export function negativeLogLikelihood(g: Graph, rows: VocabularyRows, inputs: RowInputs): Tensor {
  return scale(g, logProbabilitiesAt(g, rows, rowInput(inputs, 'targets')), -1);
}

/**
 * L = sum_r w_r * -log p(target_r).
 *
 * @example
 * using trainer = openTrainer(bases.student, { loss: crossEntropy() });
 */
export const crossEntropy = defineLoss<object, 'ce' | 'entropy', RowObjective>(
  { options: {}, metrics: { ce: CE, entropy: ENTROPY } },
  () => ({
    name: 'cross_entropy',
    inputs: {},
    rowwise: true,
    build: (g, rows, inputs) => {
      const loss = weighted(g, inputs, negativeLogLikelihood(g, rows, inputs));
      return { loss, parts: { ce: loss, entropy: weighted(g, inputs, entropyRows(g, rows)) } };
    },
  }),
);
