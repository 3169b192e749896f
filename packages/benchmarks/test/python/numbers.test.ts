/** Python's numbers in texts, with what CPython 3.11 answers. */
import { expect, test } from 'vitest';
import { pyFloat, pyInt } from '../../src/python/numbers.ts';

test.each([
  ['12', 12n],
  [' -3\n', -3n],
  ['+1_000', 1000n],
  ['٣4', 34n],
  ['𝟙𝟚', 12n],
  ['1__0', undefined],
  ['_1', undefined],
  ['1.0', undefined],
  ['', undefined],
  ['0x10', undefined],
])('int(%j) is %s', (text, value) => {
  expect(pyInt(text)).toBe(value);
});

test.each([
  ['1e5', 1e5],
  [' .5 ', 0.5],
  ['5.', 5],
  ['1_0.2_5', 10.25],
  ['-Infinity', -Infinity],
  ['nan', NaN],
  ['٣.5', 3.5],
  ['.', undefined],
  ['1e', undefined],
  ['0.5f', undefined],
  ['', undefined],
])('float(%j) is %s', (text, value) => {
  expect(pyFloat(text)).toBe(value);
});
