/** The report's section on benchmarks. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Scores as AcebenchScores } from '../../packages/benchmarks/src/acebench/scores.ts';
import type { CommonScores } from '../../packages/benchmarks/src/benchmark.ts';
import { scoresOf } from '../../packages/benchmarks/src/bfcl/evaluation.ts';
import type { Counts } from '../../packages/benchmarks/src/bfcl/scores.ts';
import { PUBLISHED_ACEBENCH, PUBLISHED_BFCL } from '../../packages/benchmarks/src/published.ts';
import { writeResults } from '../../packages/benchmarks/src/session.ts';
import { writeReport } from '../../packages/report/src/page.ts';
import { makeFakeRun } from './fake-run.ts';

let run = '';

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-benchmarks-'));
  run = join(folder, 'tiny-star');
  makeFakeRun(run);
  return () => {
    rmSync(folder, { recursive: true });
  };
});

async function rowsOf(): Promise<string[]> {
  const page = readFileSync(await writeReport(run), 'utf8');
  const section = /<section id="benchmarks">[\s\S]*?<\/section>/.exec(page)?.[0] ?? '';
  return [...section.matchAll(/<tr[\s\S]*?<\/tr>|<p[\s\S]*?<\/p>/g)].map(([row]) =>
    row
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  );
}

const writeScores = (folder: string, counts: Counts, scores: CommonScores): void => {
  writeResults(folder, [], scoresOf(counts, scores, 'v3'));
};

const common = {
  model: 'star',
  sample: null,
  seed: 7,
  openThought: false,
  errors: {},
  faults: {},
} as const;

test('a run that was not scored on benchmarks has no section on them', async () => {
  expect(await rowsOf()).toEqual([]);
});

test('scores of BFCL stand beside the published ones, with what is special about them', async () => {
  writeScores(
    join(run, 'benchmarks', 'bfcl-a'),
    new Map([['live_simple', { correct: 129, total: 258 }]]),
    common,
  );
  writeScores(join(run, 'benchmarks', 'bfcl-b'), new Map([['multi_turn_base', { correct: 1, total: 4 }]]), {
    ...common,
    model: 'base',
    sample: 4,
  });
  const rows = await rowsOf();
  expect(rows).toContain('star categories are missing, and count as 0 1.91% N/A 0.00% 5.73% 0.00%');
  expect(rows).toContain(
    'base a sample of 4 entries a category: not the official score; categories are missing, and count as 0 2.08% N/A 0.00% 0.00% 6.25%',
  );
  expect(rows).toContain('STAR-0.6B 51.70% 78.65% – 68.19% 7.00%');
  expect(rows).toContain('category star base');
  expect(rows).toContain('live_simple 50.00% (129/258) N/A');
  expect(rows).toContain('multi_turn_base N/A 25.00% (1/4)');
  expect(rows).toContain('CKD 49.84 in the paper’s main table 49.56% 39.00%');
  expect(rows.at(-1)).toContain('arXiv 2602.03022');
});

test('scores of ACEBench stand beside their ceiling and the published ones', async () => {
  const scores: AcebenchScores = {
    benchmark: 'ACEBench',
    revision: '2025-10',
    model: 'star',
    sample: null,
    seed: 7,
    thinking: 'strip',
    openThought: true,
    categories: [
      {
        name: 'multi_turn_user_adjust',
        kind: 'normal',
        total: 50,
        correct: 20,
        accuracy: 0.4,
        ceiling: 0.76,
      },
      {
        name: 'multi_turn_user_switch',
        kind: 'normal',
        total: 50,
        correct: 5,
        accuracy: 0.1,
        ceiling: 0.74,
      },
      { name: 'atom_bool', kind: 'normal', total: 50, correct: 45, accuracy: 0.9, ceiling: 1 },
    ],
    normal: { accuracy: 0.531, ceiling: 0.956 },
    special: null,
    errors: {},
    faults: {},
  };
  writeResults(join(run, 'benchmarks', 'acebench-a'), [], scores);
  const rows = await rowsOf();
  expect(rows).toContain(
    'star revision 2025-10; thoughts taken off before scoring; prompts ended with &lt;think&gt; 53.1% 95.6% – – 25.0% – – – –',
  );
  expect(rows).toContain(
    'STAR-0.6B the mean of its twelve parts, as published, is 52.65 53.0% – 69.3% 35.0% 32.0% 62.0% 20.0% – –',
  );
  expect(rows).toContain('normal atom_bool 90.0% of 100.0% (45/50)');
});

test('a damaged file of scores is counted, and does not hide the others', async () => {
  mkdirSync(join(run, 'benchmarks', 'bfcl-c'), { recursive: true });
  writeFileSync(join(run, 'benchmarks', 'bfcl-c', 'scores.json'), '{"benchmark": "BFCL v3"');
  writeScores(join(run, 'benchmarks', 'bfcl-a'), new Map(), common);
  const rows = await rowsOf();
  expect(rows.some((row) => row.startsWith('star '))).toBe(true);
  expect(rows.at(-1)).toContain('Damaged files of scores, left out: 1.');
});

test('published scores add up by the formulas that one’s own are added up by, where they are said to', () => {
  for (const row of PUBLISHED_ACEBENCH) {
    const { normal, atom, singleTurn, multiTurn, similarApi, preference, remark } = row;
    if (atom === undefined || remark !== undefined) continue;
    const sum = 6 * atom + 2 * singleTurn! + 2 * multiTurn! + similarApi! + preference!;
    expect(Math.abs(sum / 12 - normal), row.model).toBeLessThan(0.1);
  }
  // Live is a number of the 2,251 entries, Multi Turn one of the 800: a wrong digit would be none.
  const whole = (percentage: number, entries: number): string =>
    ((100 * Math.round((percentage / 100) * entries)) / entries).toFixed(2);
  const rows = PUBLISHED_BFCL.flatMap(({ model, live, multiTurn, remark }) =>
    live === undefined || multiTurn === undefined || remark?.includes('1/800')
      ? []
      : [{ model, live, multiTurn }],
  );
  expect(rows).toHaveLength(9);
  for (const { model, live, multiTurn } of rows) {
    expect(whole(live, 2251), model).toBe(live.toFixed(2));
    expect(Math.abs(Number(whole(multiTurn, 800)) - multiTurn), model).toBeLessThan(0.011);
  }
});
