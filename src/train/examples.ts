/** Training examples: a prompt, its completions, and what is known of each token that counts. */
import { InternalError } from '../base/errors.ts';
import type { TokenIds } from '../base/token-ids.ts';
import { predictorIndex, type PromptTree, type TreeLayout } from '../model/tree/tree.ts';
import type { Objective } from '../losses/objective.ts';
import type { TreeSize } from '../model/tree/buckets.ts';
import { packedRows } from '../model/tree/packing.ts';
import { noValues, type RowArrays, type Rows } from './training-graph.ts';

export interface TrainCompletion {
  readonly tokens: TokenIds;
  /** Indices into `tokens` of the tokens that count, ascending. */
  readonly rows: readonly number[];
  /** The objective's own inputs for those rows, `width` values each (one, if it is `groups`), in the same order. */
  readonly inputs: RowArrays;
  /** Index of its group in the example, where an objective compares the completions of a group; 0 if unset. */
  readonly group?: number;
}

export interface TrainExample {
  readonly prompt: TokenIds;
  readonly completions: readonly TrainCompletion[];
}

/** Every index from `start` to the end of `tokens`. */
export const rowsFrom = (tokens: TokenIds, start = 0): number[] =>
  Array.from({ length: tokens.length - start }, (_, i) => start + i);

export const rowCount = ({ completions }: TrainExample): number =>
  completions.reduce((total, { rows }) => total + rows.length, 0);

/** Groups of completions that are compared with each other, numbered from 0. */
export const groupCount = ({ completions }: TrainExample): number =>
  completions.reduce((most, { group = 0 }) => Math.max(most, group + 1), 0);

export const exampleTokens = ({ prompt, completions }: TrainExample): number =>
  completions.reduce((total, { tokens }) => total + tokens.length, prompt.length);

export const treeOf = ({ prompt, completions }: TrainExample): PromptTree => ({
  prompt,
  completions: completions.map(({ tokens }) => tokens),
});

/** An example's size with its completions packed into rows whose length is a multiple of `multiple`. */
export function packedSize(example: TrainExample, multiple: number): TreeSize {
  const lengths = example.completions.map(({ tokens }) => tokens.length);
  const { rows, rowTokens } = packedRows(lengths, multiple);
  return {
    prompt: example.prompt,
    completions: Array.from({ length: rows }, () => ({ length: rowTokens })),
  };
}

/** One value a row, put into column `column` of `columns`. */
function inColumn(data: Float32Array | Int32Array, column: number, columns: number): Float32Array {
  const spread = new Float32Array(data.length * columns);
  for (let row = 0; row < data.length; row++) spread[row * columns + column] = data[row] ?? 0;
  return spread;
}

/**
 * Gathers the rows of a batch's examples for an objective's `specs`; each row weighs `weight`. `groups` is how many
 * groups of completions there is room for.
 */
export function gatherRows(
  layout: TreeLayout,
  examples: readonly TrainExample[],
  weight: number,
  specs: Objective['inputs'],
  groups = layout.prompts,
): Rows {
  const count = examples.reduce((total, example) => total + rowCount(example), 0);
  const predictors = new Int32Array(count);
  const targets = new Int32Array(count);
  const columns = new Map<string, { data: Float32Array | Int32Array; at: number }>();
  let row = 0;
  let firstGroup = 0;
  examples.forEach((example, b) => {
    const tree = treeOf(example);
    example.completions.forEach(({ tokens, rows, inputs, group = 0 }, s) => {
      for (const index of rows) {
        predictors[row] = predictorIndex(layout, tree, b, s, index);
        targets[row] = tokens[index] ?? 0;
        row += 1;
      }
      if (rows.length === 0) return;
      for (const [name, spec] of Object.entries(specs)) {
        const { width, optional } = spec;
        const known = inputs[name];
        const given =
          known ?? (optional && width !== 'groups' ? noValues({ ...spec, width }, rows.length) : undefined);
        if (given === undefined || given.length % rows.length !== 0)
          throw new InternalError(`rows: the input ${name} is missing or ragged`);
        const data = width === 'groups' ? inColumn(given, firstGroup + group, groups) : given;
        const length = (data.length / rows.length) * count;
        const make = (): Float32Array | Int32Array =>
          data instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
        const column = columns.get(name) ?? { data: make(), at: 0 };
        columns.set(name, column);
        column.data.set(data, column.at);
        column.at += data.length;
      }
    });
    firstGroup += groupCount(example);
  });
  const own = Object.fromEntries([...columns].map(([name, { data }]) => [name, data]));
  const inputs = { targets, weights: new Float32Array(count).fill(weight), ...own };
  return { predictors, inputs };
}
