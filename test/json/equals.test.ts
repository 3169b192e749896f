import { expect, test } from 'vitest';
import { pyEquals, pyIncludes } from '../../src/json/equals.ts';
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
