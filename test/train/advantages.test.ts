/** Advantages and dynamic filtering, by arithmetic that is written out here. */
import { describe, expect, test } from 'vitest';
import { groupAdvantages, keepsGroup } from '../../src/train/advantages.ts';

const WIDE = [-10, 10] as const;

function expectNear(got: readonly number[], want: readonly number[]): void {
  expect(got).toHaveLength(want.length);
  for (const [i, value] of want.entries()) expect(got[i], `number ${i}`).toBeCloseTo(value, 7);
}

describe('group_norm', () => {
  test('is the distance from the mean in standard deviations of n - 1', () => {
    // Mean (1 + 2 + 3 + 6) / 4 = 3; distances -2, -1, 0, 3; variance (4 + 1 + 0 + 9) / 3 = 14 / 3.
    const deviation = Math.sqrt(14 / 3);
    expectNear(groupAdvantages([1, 2, 3, 6], 'group_norm', WIDE), [
      -2 / deviation,
      -1 / deviation,
      0,
      3 / deviation,
    ]);
    // Mean 1/4; one above by 3/4, three below by 1/4; variance (9 + 3) / 16 / 3 = 1 / 4.
    expectNear(groupAdvantages([1, 0, 0, 0], 'group_norm', WIDE), [1.5, -0.5, -0.5, -0.5]);
    // Two: distances of 1 from the mean 0, variance 2 / 1.
    expectNear(groupAdvantages([1, -1], 'group_norm', WIDE), [Math.SQRT1_2, -Math.SQRT1_2]);
  });

  test('makes the better answer more likely: the largest reward has the largest advantage, above zero', () => {
    const [worse = 0, better = 0] = groupAdvantages([-1, 0.5], 'group_norm', WIDE);
    expect(better).toBeGreaterThan(0);
    expect(worse).toBeLessThan(0);
  });

  test('of equal rewards, and of one, is zero and no division by zero', () => {
    expect(groupAdvantages([0.5, 0.5, 0.5], 'group_norm', WIDE).map((x) => x + 0)).toEqual([0, 0, 0]);
    expect(groupAdvantages([-1], 'group_norm', WIDE).map((x) => x + 0)).toEqual([0]);
  });

  test('does not see scale and shift of the rewards', () => {
    const plain = groupAdvantages([0, 1, 1, 3], 'group_norm', WIDE);
    expectNear(groupAdvantages([5, 7, 7, 11], 'group_norm', WIDE), plain);
  });
});

describe('dr_grpo', () => {
  test('is the distance from the mean itself', () => {
    expectNear(groupAdvantages([1, 2, 3, 6], 'dr_grpo', WIDE), [-2, -1, 0, 3]);
    expectNear(groupAdvantages([1, 0, 0, 0], 'dr_grpo', WIDE), [0.75, -0.25, -0.25, -0.25]);
    expectNear(groupAdvantages([1, -1], 'dr_grpo', WIDE), [1, -1]);
    expectNear(groupAdvantages([-1], 'dr_grpo', WIDE), [0]);
  });

  test('grows with the rewards', () => {
    expectNear(groupAdvantages([10, 0], 'dr_grpo', WIDE), [5, -5]);
  });
});

test('what lies outside of the clip range is moved to its end, each end to its own', () => {
  // Distances -2, -1, 0, 3.
  expectNear(groupAdvantages([1, 2, 3, 6], 'dr_grpo', [-1.5, 2]), [-1.5, -1, 0, 2]);
  // 1.5, -0.5, -0.5, -0.5.
  expectNear(groupAdvantages([1, 0, 0, 0], 'group_norm', [-0.25, 1]), [1, -0.25, -0.25, -0.25]);
});

type Filter = Parameters<typeof keepsGroup>[1];

describe('dynamic filtering', () => {
  const filter = { dynamic_filtering_range: [0.25, 0.75], dynamic_filtering_min_diff: 0.2 } satisfies Filter;

  test.each<[readonly number[], string, boolean]>([
    [[0, 1], 'mean 1/2, spread 1', true],
    [[0.4, 0.61], 'mean 0.505, spread 0.21', true],
    [[0.26, 0.6], 'mean 0.43', true],
    [[0.4, 0.6], 'a spread of 0.2 is not more than 0.2', false],
    [[0.5, 0.5], 'no spread', false],
    [[0.5], 'one answer has no spread', false],
    [[0, 0.5], 'a mean of 1/4 is not inside', false],
    [[0.5, 1], 'a mean of 3/4 is not inside', false],
    [[0, 0, 0, 0.9], 'mean 0.225, below', false],
    [[1, 1, 1, 0.2], 'mean 0.8, above', false],
    [[1, 1, 1, 0, 0, 0.5], 'mean 0.583', true],
  ])('%j: %s', (scores, _why, kept) => {
    expect(keepsGroup(scores, filter)).toBe(kept);
    expect(keepsGroup(scores.toReversed(), filter)).toBe(kept);
  });

  test('leaves out what is all right or all wrong, with the range of the paper', () => {
    const paper = { dynamic_filtering_range: [0.01, 0.99], dynamic_filtering_min_diff: 0 } satisfies Filter;
    expect(keepsGroup([0, 0, 0, 0], paper)).toBe(false);
    expect(keepsGroup([1, 1, 1, 1], paper)).toBe(false);
    expect(keepsGroup([1, 0, 0, 0], paper)).toBe(true);
    expect(keepsGroup([0.02, 0.02], paper)).toBe(false);
  });
});
