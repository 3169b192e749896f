import { expect, test } from 'vitest';
import { pyEquals, pyIncludes } from '../../src/json/equals.ts';
import { pyFloat, pyInt } from '../../src/json/numbers.ts';
import { parseJson } from '../../src/json/parse.ts';

/** Pairs with what CPython 3.11 answers to `a == b`. */
test.each([
  ['5', '5.0', true],
  ['1', 'true', true],
  ['0.0', 'false', true],
  ['2', 'true', false],
  ['9007199254740993', '9007199254740992.0', false],
  ['null', 'false', false],
  ['null', 'null', true],
  ['"1"', '1', false],
  ['NaN', 'NaN', false],
  ['[1, [2.0]]', '[1.0, [2]]', true],
  ['[1]', '[1, null]', false],
  ['[1, null]', '[1, 2]', false],
  ['{"a": 1, "b": 2}', '{"b": 2, "a": true}', true],
  ['{"a": null}', '{"b": null}', false],
  ['{}', '[]', false],
  ['""', '[]', false],
])('%s == %s is %s, from both sides', (a, b, equal) => {
  expect(pyEquals(parseJson(a), parseJson(b))).toBe(equal);
  expect(pyEquals(parseJson(b), parseJson(a))).toBe(equal);
});

test('a list has what equals one of its items', () => {
  expect(pyIncludes([1n, 'a'], true)).toBe(true);
  expect(pyIncludes([[], 'a'], '')).toBe(false);
});

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
