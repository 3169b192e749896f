/** The distance between two uses of functions, by hand. */
import { expect, test } from 'vitest';
import { toolDivergence } from '../../src/eval/tool-use.ts';

test('equal shares are no distance, whatever the number of calls', () => {
  expect(toolDivergence({ add: 3, floor: 1 }, { add: 6, floor: 2 })).toBe(0);
});

test('nothing in common is 1', () => {
  expect(toolDivergence({ add: 3 }, { floor: 5 })).toBe(1);
});

test('one half against one whole, by the formula', () => {
  // M = (3/4, 1/4): (1/2) [log2(4/3)] + (1/2) [(1/2) log2(2/3) + (1/2) log2(2)]
  const divergence = 0.5 * Math.log2(4 / 3) + 0.5 * (0.5 * Math.log2(2 / 3) + 0.5);
  expect(toolDivergence({ add: 4 }, { add: 5, floor: 5 })).toBeCloseTo(Math.sqrt(divergence), 12);
  expect(toolDivergence({ add: 5, floor: 5 }, { add: 4 })).toBeCloseTo(Math.sqrt(divergence), 12);
});

test('where nothing was called there is no distance', () => {
  expect(toolDivergence({}, { add: 1 })).toBeUndefined();
  expect(toolDivergence({ add: 1 }, {})).toBeUndefined();
});
