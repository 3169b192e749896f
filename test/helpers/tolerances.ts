/**
 * Distances that numbers may have, by operation and dtype, each with its reason. Tests take their tolerances from here
 * and from nowhere else, so that one of them is never loosened alone.
 */
import { expect } from 'vitest';

export interface Tolerance {
  /** Allowed difference relative to the wanted number, or to the wanted array's norm. */
  readonly relative: number;
  /** Allowed difference whatever the wanted number is. */
  readonly absolute: number;
  readonly why: string;
}

/** Half of the distance from 1 to the next float32. */
const ROUNDING = 2 ** -24;

export const TOLERANCES = {
  /** reshape, permute, slice, concat, split, gather, scatter, getRows, repeat, step, full; and any rerun. */
  moved: { relative: 0, absolute: 0, why: 'elements are moved, or the same kernel runs on the same numbers' },
  /** add, sub, mul, div, scale, abs, square, relu, clamp, minimum in f32. */
  arithmetic: { relative: 2 * ROUNDING, absolute: 1e-37, why: 'one or two correctly rounded operations' },
  /** exp, log, softplus, silu, sigmoid in f32. */
  transcendental: {
    relative: 4e-6,
    absolute: 1e-7,
    why: "ggml's vectorised exponential is good to about 2 units in the last place, and is used twice in silu",
  },
  /** sum, sumRows, sumTo in f32, of up to a thousand numbers of size one. */
  sum: { relative: 1e-5, absolute: 1e-5, why: 'vector lanes are added in another order than by a loop' },
  /** mulMat in f32, up to 1,024 products of size one. */
  product: { relative: 1e-5, absolute: 2e-5, why: 'as sums, with a rounding for every product' },
  /** mulMat with an f16 first operand. */
  productF16: {
    relative: 2e-3,
    absolute: 2e-3,
    why: 'the second operand is rounded to f16 as well, which has 11 bits',
  },
  /** rmsNorm, softmax, rope, log-probabilities in f32. */
  normalised: { relative: 1e-5, absolute: 2e-6, why: 'a sum over the row, then one transcendental function' },
  /** Rope at positions of some thousands. */
  ropeFar: {
    relative: 0,
    absolute: 2e-3,
    why: 'angles are float32 products: an angle of 4,096 is known to 2^-11',
  },
  /** Central differences of step 1e-2 in f32, relative to the largest gradient of the operand. */
  finiteDifference: {
    relative: 1e-2,
    absolute: 2e-3,
    why: 'the third derivative over the step, and float32 sums divided by it: four digits are left',
  },
  /** Losses and metrics of an objective against formulas in float64. */
  objective: { relative: 2e-5, absolute: 2e-6, why: 'f32 log-probabilities of size ten, summed over rows' },
  /** Gradients of an objective against formulas in float64, in norm. */
  objectiveGradient: { relative: 2e-5, absolute: 1e-8, why: 'as the loss, without its sums over rows' },
  /** One batch against the same rows in two batches, or in chunks; parts and gradients in norm. */
  regrouped: { relative: 2e-6, absolute: 1e-7, why: 'the same numbers, summed in another order' },
  regroupedGradient: {
    relative: 2e-5,
    absolute: 1e-8,
    why: 'in norm per tensor; norm weights are sums over all tokens of numbers of both signs',
  },
  /** AdamW's weights after tens of steps against float64. */
  optimiser: {
    relative: 1e-5,
    absolute: 1e-6,
    why: 'moments are f32, and near zero a step divides one small number by another',
  },
  /** Logits of the reference model against PyTorch. */
  goldenLogits: { relative: 0, absolute: 1e-4, why: 'two layers in float32 on either side' },
  goldenLoss: { relative: 1e-5, absolute: 0, why: 'as the logits, averaged over rows' },
  goldenGradient: {
    relative: 1e-3,
    absolute: 0,
    why: 'in norm per tensor; small differences of large numbers',
  },
  /** Loss and gradients of one training step on a GPU against the CPU. */
  otherDeviceLoss: { relative: 1e-4, absolute: 1e-6, why: 'other sums, other exponentials, fused products' },
  otherDeviceGradient: { relative: 2e-3, absolute: 1e-7, why: 'in norm per tensor, through the whole model' },
  otherDeviceWeights: {
    relative: 1e-3,
    absolute: 0,
    why: 'AdamW moves every weight by about the learning rate, also where its gradient is rounding alone',
  },
  otherDeviceProgram: { relative: 1e-4, absolute: 1e-5, why: 'a dozen operations, some of them divisions' },
  /** Two steps of a recipe's stage against numbers that were kept: loss, parts, gradient norm and how far weights moved. */
  keptSteps: {
    relative: 2e-4,
    absolute: 2e-6,
    why: 'kernels of another processor add f32 products in another order, twice through a small model',
  },
  keptStepsBf16: {
    relative: 1e-2,
    absolute: 1e-3,
    why: 'as keptSteps, with operands of 8 bits, which round to a neighbour where a sum differs in its last one',
  },
} as const satisfies Record<string, Tolerance>;

/** Expects numbers to agree one by one; the message names the place of the worst. */
export function expectClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  { relative, absolute }: Tolerance,
  what = 'values',
): void {
  expect(got.length, `${what}: number of elements`).toBe(want.length);
  let worst = 0;
  let at = -1;
  for (let i = 0; i < want.length; i++) {
    const [g, w] = [got[i]!, want[i]!];
    if (Object.is(g, w) || g === w || (Number.isNaN(g) && Number.isNaN(w))) continue;
    const excess = Math.abs(g - w) / (absolute + relative * Math.abs(w));
    if (!(excess <= worst)) [worst, at] = [excess, i];
  }
  expect(
    worst,
    `${what}[${at}]: got ${got[at]}, want ${want[at]}, in units of the tolerance`,
  ).toBeLessThanOrEqual(1);
}

export function norm(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]! ** 2;
  return Math.sqrt(total);
}

/** Expects the norm of the difference to be small against the norm of what is wanted. */
export function expectNormClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  { relative, absolute }: Tolerance,
  what = 'values',
): void {
  expect(got.length, `${what}: number of elements`).toBe(want.length);
  const difference = norm(Float64Array.from({ length: want.length }, (_, i) => got[i]! - want[i]!));
  expect(difference, `${what}: norm of the difference; of what is wanted: ${norm(want)}`).toBeLessThanOrEqual(
    absolute + relative * norm(want),
  );
}
