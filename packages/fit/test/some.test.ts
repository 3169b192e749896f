/** Short lists of functions for lessons, where the whole list is long. */
import { expect, test } from 'vitest';
import { SHORT_LIST, shortened, withSomeFunctions } from '../src/fit/some.ts';
import type { Case } from '../src/types.ts';

const functions = ['light', 'timer', 'alarm', 'list', 'music', 'news'].flatMap((family) =>
  ['set', 'get', 'remove', 'query', 'stop'].map((verb) => ({
    name: `${family}_${verb}`,
    description: '',
    parameters: {},
  })),
);

const one = (id: number, ...names: string[]): Case => ({
  id: `case-${id}`,
  request: `request ${id}`,
  calls: names.map((name) => ({ name, arguments: {} })),
  reply: '',
  kind: names.length === 0 ? 'irrelevant' : names.length > 1 ? 'several' : 'single',
  wording: `${id}`,
  made: 'example',
});

const cases = [
  ...functions.flatMap(({ name }, i) => Array.from({ length: 8 }, (_, j) => one(i * 8 + j, name))),
  ...Array.from({ length: 40 }, (_, i) => one(1000 + i)),
  ...Array.from({ length: 20 }, (_, i) => one(2000 + i, 'light_set', `news_${i % 2 === 0 ? 'get' : 'stop'}`)),
];

const groups = withSomeFunctions(cases, functions, { seed: 3, most: 16 });

test('every case is in one group, whose functions are those that its calls name and others', () => {
  expect(groups.flatMap((group) => group.cases.map(({ id }) => id)).sort()).toEqual(
    cases.map(({ id }) => id).sort(),
  );
  for (const { functions: own, cases: some } of groups) {
    const names = new Set(own.map(({ name }) => name));
    expect(some.length).toBeGreaterThan(0);
    expect(some.length).toBeLessThanOrEqual(16);
    expect(names.size).toBe(SHORT_LIST);
    expect(some.flatMap(({ calls }) => calls).filter(({ name }) => !names.has(name))).toEqual([]);
  }
});

test('functions whose names begin alike stand together in most lists, and lists differ', () => {
  const lists = groups.map((group) => group.functions.map(({ name }) => name));
  const whole = lists.filter((names) =>
    names.some((name) => names.filter((other) => other.split('_')[0] === name.split('_')[0]).length === 5),
  );
  expect(whole.length).toBeGreaterThan(lists.length / 2);
  expect(new Set(lists.map((names) => names.toSorted().join())).size).toBeGreaterThan(lists.length / 2);
});

test('the same seed gives the same groups, and another one others', () => {
  expect(withSomeFunctions(cases, functions, { seed: 3, most: 16 })).toEqual(groups);
  expect(withSomeFunctions(cases, functions, { seed: 4, most: 16 })).not.toEqual(groups);
});

test('a short list takes its part of the tokens of the whole one', () => {
  expect(shortened({ shared: 2500, other: 1 }, 50)).toEqual({ shared: 600, other: 1 });
  expect(shortened({ shared: 100 }, 5)).toEqual({ shared: 100 });
});
