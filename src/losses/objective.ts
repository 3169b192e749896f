/**
 * Objectives, which training minimises. An objective sees rows of logits, one row a predicted token, with that row's targets, and
 * answers with a loss; the gradient with respect to the logits follows from the operations it used. Where the
 * rows come from is not its business.
 */
import { z } from 'zod';
import type { Graph } from '../tensor/graph.ts';
import { detach, entropyAt, mul, sum, type VocabularyRows } from '../tensor/ops/index.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';

/**
 * One value, or `width` values, for each row: a graph input [width, R]. With the width `groups` a row has one value,
 * which stands in the column of the row's group of completions, and there are at least as many columns as a batch has
 * groups; the others are 0.
 */
export interface RowInputSpec {
  readonly dtype: Extract<DType, 'f32' | 'i32'>;
  readonly width: number | 'groups';
  /** Value of padded rows; i32 inputs of width > 1 count up from 0, since ids must be distinct. */
  readonly padding?: number;
  /** Tells whether a completion may lack it: its rows then have what padded ones have. */
  readonly optional?: true;
}

export type RowInputs = Readonly<Record<string, Tensor>>;

export interface ObjectiveResult {
  /** [1] */
  readonly loss: Tensor;
  /** Numbers that are logged beside the loss, each [1]. */
  readonly parts: Readonly<Record<string, Tensor>>;
}

export interface MetricDeclaration {
  readonly unit: string;
  readonly meaning: string;
}

interface Named {
  readonly name: string;
  /** Its parts, by name; a part that is not declared here is an error, as it would be lost in the log. */
  readonly metrics: Readonly<Record<string, MetricDeclaration>>;
  /** Inputs beyond `targets` (i32 [1, R]) and `weights` (f32 [1, R]), which every objective has. */
  readonly inputs: Readonly<Record<string, RowInputSpec>>;
}

/** A loss that is a sum over rows, so that rows may come in chunks. A step's loss is the mean over its tokens. */
export interface RowObjective extends Named {
  readonly rowwise: true;
  build(g: Graph, rows: VocabularyRows, inputs: RowInputs): ObjectiveResult;
}

/**
 * A loss that compares whole completions of a group: all that it sees of the logits is the targets' log-probabilities
 * [1, R], of all rows at once. A step's loss is the mean over its groups, whose rows all have the group's weight.
 */
export interface SequenceObjective extends Named {
  readonly rowwise: false;
  build(g: Graph, logprobs: Tensor, inputs: RowInputs): ObjectiveResult;
}

export type Objective = RowObjective | SequenceObjective;

type Shape = z.core.$ZodLooseShape;
type Build<O extends Objective> = O extends Objective ? Omit<O, 'metrics'> : never;

/** A kind of loss: call it with its options, whose defaults it fills in, for the objective. */
export interface Loss<S extends Shape, M extends string, O extends Objective> {
  (options?: z.input<z.ZodObject<S>>): O;
  /** Its options as recipes write them. */
  readonly options: S;
  readonly metrics: Readonly<Record<M, MetricDeclaration>>;
}

/**
 * Declares a loss: its options, the parts that it logs, and how an objective comes of the options. A loss is one file
 * with such a declaration, and one line in the index.
 *
 * @example
 * const half = defineLoss(
 *   { options: { share: z.number().default(0.5) }, metrics: { ce: { unit: 'nats per token', meaning: '…' } } },
 *   ({ share }): Omit<RowObjective, 'metrics'> => ({
 *     name: 'half',
 *     inputs: {},
 *     rowwise: true,
 *     build(g, rows, inputs) {
 *       const ce = weighted(g, inputs, negativeLogLikelihood(g, rows, inputs));
 *       return { loss: ops.scale(g, ce, share), parts: { ce } };
 *     },
 *   }),
 * );
 */
export function defineLoss<const S extends Shape, const M extends string, O extends Objective>(
  declared: { readonly options: S; readonly metrics: Readonly<Record<M, MetricDeclaration>> },
  objective: (options: z.output<z.ZodObject<S>>) => Build<O>,
): Loss<S, M, O> {
  const { options, metrics } = declared;
  const schema = z.object(options);
  return Object.assign(
    (given?: z.input<z.ZodObject<S>>) =>
      ({ ...objective(schema.parse(given ?? {})), metrics }) as unknown as O,
    { options, metrics },
  );
}

export const CE = { unit: 'nats per token', meaning: 'cross-entropy of the target tokens' } as const;
export const ENTROPY = {
  unit: 'nats per token',
  meaning: "entropy of the policy's next-token distribution",
} as const;

/** Input of one number a row, 0 where there is none. */
export const ONE = { dtype: 'f32', width: 1, padding: 0 } as const;

export const COMMON_INPUTS = {
  targets: { dtype: 'i32', width: 1 },
  weights: ONE,
} as const satisfies Readonly<Record<string, RowInputSpec>>;

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
  return detach(entropyAt(g, rows));
}
