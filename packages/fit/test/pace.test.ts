/** Sizes of stages by time, and weights of cases by what went wrong. */
import { expect, test } from 'vitest';
import { hermes } from '../../../src/chat/formats/hermes.ts';
import { answerReader } from '../src/acceptance/answers.ts';
import { focusOf } from '../src/fit/improve.ts';
import { casesOfTeacher, countIn, LEAST_CASES, passesIn, readOf } from '../src/fit/pace.ts';
import { batchOf } from '../src/fit/recipe.ts';
import type { Case } from '../src/types.ts';

test('a stage passes over its cases as often as there is time for, in parts of a pass too, within bounds', () => {
  // 100 seconds for sequences of 0.1 seconds are 1,000 of them.
  expect(passesIn(100, 0.1, 500, 20)).toEqual({ max_epochs: 2 });
  expect(passesIn(100, 0.1, 400, 20)).toEqual({ max_epochs: 3, token_budget: 20_000 });
  expect(passesIn(100, 0.1, 4000, 20)).toEqual({ max_epochs: 1, token_budget: 20_000 });
  expect(passesIn(1e9, 0.1, 50, 20)).toEqual({ max_epochs: 12 });
  expect(passesIn(0, 0.1, 4000, 20)).toEqual({ max_epochs: 1, token_budget: 128 * 20 });
  expect(passesIn(0, 0.1, 50, 20)).toEqual({ max_epochs: 1 });
});

test('a number of things fits into its time, within bounds', () => {
  expect([
    countIn(60, 2, 1, 100),
    countIn(60, 0, 1, 100),
    countIn(1, 2, 3, 100),
    countIn(60, 2, 64, 40),
  ]).toEqual([30, 100, 3, 40]);
});

test('trees hold so many sequences that what they share is a quarter of the work, as far as memory allows', () => {
  const shape = { heads: 6, layers: 3 };
  const batch = (shared: number, isSmall = true) => batchOf({ isSmall }, shape, { shared, meanOwn: 30 });
  // 3 x 100 / 30 would be 10, and 3 x 300 / 30 is 30.
  expect(batch(100)).toEqual({ size: 32, tree: 16, recompute: false });
  expect(batch(300)).toEqual({ size: 60, tree: 30, recompute: false });
  // 0.25e9 bytes hold 2.5 copies of scores of 4 bytes, six heads and three layers: 700 x 700 of what is shared, and 30 x 730 of
  // each of 41 sequences.
  expect(batch(700)).toEqual({ size: 82, tree: 41, recompute: false });
  // Of 2,500 tokens they hold none, so that the inside of layers is computed twice.
  expect(batch(2500)).toEqual({ size: 128, tree: 64, recompute: true });
  expect(batch(2500, false)).toEqual({ size: 64, tree: 64, recompute: true });
});

test('a teacher is tried where its part of the time is enough for 24,000 cases at the pace of a student', () => {
  // 29% of 20 minutes are 348 s: 24,000 cases at 14.5 ms a case.
  expect(casesOfTeacher(1200, 0.0145)).toBe(LEAST_CASES);
  expect(casesOfTeacher(1200, 0.0146)).toBeLessThan(LEAST_CASES);
});

test("where there is no time for all cases, people's own words are read before what is made of them", () => {
  const caseOf = (id: number): Case => ({
    id: String(id),
    request: '',
    calls: [],
    reply: '',
    kind: 'single',
    wording: '',
    made: id < 10 ? 'example' : 'values',
  });
  const cases = Array.from({ length: 40 }, (_, id) => caseOf(39 - id));
  const own = (read: readonly Case[]): number => read.filter(({ made }) => made === 'example').length;
  const some = readOf(cases, 25, 1);
  expect([some.length, new Set(some).size, own(some)]).toEqual([25, 25, 10]);
  expect(own(readOf(cases, 5, 1))).toBe(5);
  expect(readOf(cases, 25, 1)).toEqual(some);
  expect(readOf(cases, 25, 2)).not.toEqual(some);
  expect(readOf(cases, 40, 1)).toBe(cases);
});

test('what goes wrong most often is made most often', () => {
  const read = answerReader([], hermes);
  const caseOf = (name: string, made: string): Case => ({
    id: made,
    request: made,
    calls: [{ name, arguments: {} }],
    reply: '',
    kind: made === 'typo' ? 'hard' : 'single',
    wording: made,
    made,
  });
  const call = (name: string): string => hermes.render('', [{ name, arguments: '{}' }]);
  const wrong = [
    read(caseOf('lamp', 'typo'), call('heat')),
    read(caseOf('lamp', 'values'), 'Sorry.'),
    read(caseOf('lamp', 'values'), call('lamp').replace('{}', '{"on": true}')),
  ];
  expect(focusOf(wrong)).toEqual({
    functions: { lamp: 5, heat: 1 + 4 / 3 },
    kinds: { hard: 3, single: 5 },
    made: { typo: 3, values: 5 },
  });
});
