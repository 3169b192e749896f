/**
 * Micro-batches of a step's examples, and the rounding of their lengths: few layouts, so that
 * graphs come again, or little padding.
 */
import { bucketLength, planBatches } from '../model/tree/buckets.ts';
import { type ModelConfig, weightCount } from '../model/arch/config.ts';
import type { TreeLayout } from '../model/tree/tree.ts';
import { PRODUCT_MULTIPLE } from '../tensor/ops/nn.ts';
import { groupCount, packedSize, rowCount, type TrainExample } from './examples.ts';

export interface MicroBatch {
  readonly layout: TreeLayout;
  readonly examples: readonly TrainExample[];
  /** Tokens that count, rounded up. */
  readonly rowCapacity: number;
  /** Groups of completions, rounded up. */
  readonly groupCapacity: number;
}

export interface MicroBatchOptions {
  /** Tokens of a batch, padding included. */
  readonly maxTokens: number;
  readonly maxPrompts: number;
  /** Among how many workers the batches are to be divided. */
  readonly workers: number;
  readonly rounding: Rounding;
}

/** Smaller batches are not worth a worker of their own. */
const MIN_BATCH_TOKENS = 512;
const COMPLETION_MULTIPLE = 16;
const ROW_MULTIPLE = 128;

/**
 * A graph takes about 3 ms a layer to build, as much as a tenth of what a model of a million weights computes with it,
 * and less than a hundredth of what one of this many does.
 */
const LARGE = 5e7;

/** Few layouts, or little padding: eight lengths from each power of two to the next. */
const ROUNDINGS = {
  coarse: { promptMultiple: 64, maxPadding: 0.25 },
  fine: { promptMultiple: 32, stepsPerOctave: 8, maxPadding: 0.08 },
} as const;
export type Rounding = keyof typeof ROUNDINGS;

/** Best rounding for a model: graphs that come again if it is small, little padding if it is large. */
export function roundingFor(config: ModelConfig): Rounding {
  return weightCount(config) > LARGE ? 'fine' : 'coarse';
}

/** Batches of like-sized examples; every example is in one. The same examples give the same batches. */
export function planMicroBatches(
  examples: readonly TrainExample[],
  { maxTokens, maxPrompts, workers, rounding }: MicroBatchOptions,
): MicroBatch[] {
  const sizes = examples.map((example) => packedSize(example, COMPLETION_MULTIPLE));
  const tokens = sizes.map((size) =>
    size.completions.reduce((n, { length }) => n + length, size.prompt.length),
  );
  const share = Math.ceil(tokens.reduce((a, b) => a + b, 0) / workers);
  const plan = planBatches(sizes, {
    maxTokens: Math.min(maxTokens, Math.max(share, MIN_BATCH_TOKENS)),
    maxPrompts,
    completionMultiple: COMPLETION_MULTIPLE,
    ...ROUNDINGS[rounding],
  });
  return plan.map(({ layout, indices }) => {
    const members = indices.flatMap((index) => examples[index] ?? []);
    const rows = members.reduce((total, example) => total + rowCount(example), 0);
    // Quarters of what the completions hold: at most four capacities a layout.
    const held = layout.prompts * layout.samples * layout.completionTokens;
    const rowCapacity =
      rounding === 'fine'
        ? Math.min(
            bucketLength(rows, bucketLength(held / 4, PRODUCT_MULTIPLE)),
            bucketLength(held, PRODUCT_MULTIPLE),
          )
        : bucketLength(rows, ROW_MULTIPLE);
    const groups = members.reduce((total, example) => total + groupCount(example), 0);
    const groupCapacity = 2 ** Math.ceil(Math.log2(groups));
    return { layout, examples: members, rowCapacity, groupCapacity };
  });
}
