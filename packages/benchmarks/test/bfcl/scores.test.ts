import { describe, expect, test } from 'vitest';
import { type Category, isCategory } from '../../src/bfcl/categories.ts';
import { type Count, percent, summarise } from '../../src/bfcl/scores.ts';
import { officialTable } from '../../src/bfcl/official-table.ts';
import type { PyDict } from '../../../../src/json/python.ts';
import { golden } from './shared.ts';

/** Columns that hold no score. */
const OTHERS = /^(?:Rank|Model|Model Link|Organization|License|Total Cost .*|Latency .*)$/;

describe('official tables of random scores', () => {
  const rows = golden('bfcl-aggregate');

  test('all 40 agree in every column', () => {
    expect(rows).toHaveLength(40);
    for (const row of rows) {
      const numbers = (key: string): PyDict => row.get(key) as PyDict;
      const counts = new Map<Category, Count>();
      for (const [name, correct] of numbers('correct')) {
        if (isCategory(name))
          counts.set(name, { correct: Number(correct), total: Number(numbers('total').get(name)) });
      }
      const scores = (key: string): Record<string, unknown> =>
        Object.fromEntries([...numbers(key)].filter(([name]) => !OTHERS.test(name)));
      expect(officialTable(counts)).toEqual({
        overall: scores('overall'),
        nonLive: scores('non_live'),
        live: scores('live'),
        multiTurn: scores('multi_turn'),
      });
    }
  });
});

test('the live score weighs entries, the others weigh categories; irrelevance is in Non-Live overall only', () => {
  const sums = summarise(
    new Map([
      ['simple', { correct: 400, total: 400 }],
      ['java', { correct: 50, total: 100 }],
      ['irrelevance', { correct: 240, total: 240 }],
      ['live_simple', { correct: 129, total: 258 }],
      ['multi_turn_base', { correct: 20, total: 200 }],
    ]),
  );
  expect(sums.nonLiveSimple).toBeCloseTo(0.5, 12);
  expect(sums.nonLiveAst).toBeCloseTo(0.125, 12);
  expect(sums.nonLiveOverall).toBeCloseTo(0.3, 12);
  expect(sums.live).toBeCloseTo(129 / 2251, 12);
  expect(sums.multiTurn).toBeCloseTo(0.025, 12);
  expect(sums.overall).toBeCloseTo((0.3 + 129 / 2251 + 0.025) / 3, 12);
});

test('a sample weighs its live categories as the whole benchmark does', () => {
  const sums = summarise(
    new Map([
      ['live_simple', { correct: 5, total: 10 }],
      ['live_relevance', { correct: 10, total: 10 }],
    ]),
  );
  expect(sums.live).toBeCloseTo((258 / 2 + 18) / 2251, 12);
});

test('what was not scored is N/A, and counts as zero in the sums', () => {
  const { overall, live, multiTurn } = officialTable(new Map([['simple', { correct: 400, total: 400 }]]));
  expect(overall['Overall Acc']).toBe('2.22%');
  expect(overall['Non-Live AST Acc']).toBe('N/A');
  expect(overall['Non-Live Multiple AST']).toBe('N/A');
  expect(live['Live Overall Acc']).toBe('0.00%');
  expect(multiTurn['Base']).toBe('N/A');
});

/** Python: '%.2f%%' % (share * 100). */
test.each([
  [0.00125, '0.12%'],
  [0.00375, '0.38%'],
  [0.37875, '37.88%'],
  [0.50625, '50.62%'],
  [1, '100.00%'],
  [1 / 3, '33.33%'],
])('%s is written %s', (share, text) => {
  expect(percent(share)).toBe(text);
});
