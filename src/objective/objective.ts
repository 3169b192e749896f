/**
 * What is minimised. An objective sees rows of logits, one row a predicted token, with that row's targets, and
 * answers with a loss; the gradient with respect to the logits follows from the operations it used. Where the
 * rows come from is not its business.
 */
import type { Graph } from '../tensor/graph.ts';
import { detach, mul, sub, sum, sumRows, type VocabularyRows } from '../tensor/ops/index.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';

/** One value, or `width` values, for each row: a graph input [width, R]. */
export interface RowInputSpec {
  readonly dtype: Extract<DType, 'f32' | 'i32'>;
  readonly width: number;
  /** What padded rows hold; i32 inputs of width > 1 count up from 0, since ids must be distinct. */
  readonly padding?: number;
}

export type RowInputs = Readonly<Record<string, Tensor>>;

export interface ObjectiveResult {
  /** [1] */
  readonly loss: Tensor;
  /** What gets logged beside the loss, each [1]. */
  readonly parts: Readonly<Record<string, Tensor>>;
}

export interface Objective {
  readonly name: string;
  /** Inputs beyond `targets` (i32 [1, R]) and `weights` (f32 [1, R]), which every objective has. */
  readonly inputs: Readonly<Record<string, RowInputSpec>>;
  /** Whether the loss is a sum over rows, so that rows may come in chunks. */
  readonly rowwise: boolean;
  build(g: Graph, rows: VocabularyRows, inputs: RowInputs): ObjectiveResult;
}

export const COMMON_INPUTS: Readonly<Record<'targets' | 'weights', RowInputSpec>> = {
  targets: { dtype: 'i32', width: 1 },
  weights: { dtype: 'f32', width: 1, padding: 0 },
};

/** The named input; a missing one is a bug of the objective. */
export function rowInput(inputs: RowInputs, name: string): Tensor {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`objective: the input ${name} is missing`);
  return tensor;
}

/** Sum over rows of weight x value: [1, R] to [1]. */
export function weighted(g: Graph, inputs: RowInputs, values: Tensor): Tensor {
  return sum(g, mul(g, values, rowInput(inputs, 'weights')));
}

/** Entropy of each row's distribution in nats, [1, R], without a gradient. */
export function entropyRows(g: Graph, rows: VocabularyRows): Tensor {
  const expected = sumRows(g, mul(g, rows.probabilities, detach(rows.logits)));
  return sub(g, detach(rows.logSumExp), expected);
}
