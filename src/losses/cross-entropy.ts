/** Cross-entropy of the target tokens: supervised fine-tuning and pre-training. */
import type { Graph } from '../tensor/graph.ts';
import { logProbabilitiesAt, scale, type VocabularyRows } from '../tensor/ops/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { entropyRows, type Objective, rowInput, type RowInputs, weighted } from './objective.ts';

/** -log p(target), [1, R]. */
export function negativeLogLikelihood(g: Graph, rows: VocabularyRows, inputs: RowInputs): Tensor {
  return scale(g, logProbabilitiesAt(g, rows, rowInput(inputs, 'targets')), -1);
}

/** L = sum_r w_r * -log p(target_r). */
export function crossEntropy(): Objective {
  return {
    name: 'cross_entropy',
    inputs: {},
    rowwise: true,
    build: (g, rows, inputs) => {
      const loss = weighted(g, inputs, negativeLogLikelihood(g, rows, inputs));
      return { loss, parts: { ce: loss, entropy: weighted(g, inputs, entropyRows(g, rows)) } };
    },
  };
}
