/** The report's section on benchmarks. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { writeResults } from '../../src/eval/acebench/run.ts';
import type { Scores as AcebenchScores } from '../../src/eval/acebench/scores.ts';
import { writeScores } from '../../src/eval/bfcl/results.ts';
import { writeReport } from '../../src/recipe/report/index.ts';
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

const common = { model: 'star', sample: null, seed: 7, decode: 'v3', errors: {}, faults: {} } as const;

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
    categories: [],
    normal: { accuracy: 0.531, ceiling: 0.956 },
    special: null,
    errors: {},
    faults: {},
  };
  writeResults(join(run, 'benchmarks', 'acebench-a'), [], scores);
  const rows = await rowsOf();
  expect(rows).toContain('star revision 2025-10; thoughts taken off before scoring 53.1% 95.6% – –');
  expect(rows).toContain('STAR-0.6B the mean of its twelve parts, as published, is 52.65 53.0% – – –');
});

test('a damaged file of scores is counted, and does not hide the others', async () => {
  mkdirSync(join(run, 'benchmarks', 'bfcl-c'), { recursive: true });
  writeFileSync(join(run, 'benchmarks', 'bfcl-c', 'scores.json'), '{"benchmark": "BFCL v3"');
  writeScores(join(run, 'benchmarks', 'bfcl-a'), new Map(), common);
  const rows = await rowsOf();
  expect(rows.some((row) => row.startsWith('star '))).toBe(true);
  expect(rows.at(-1)).toContain('Damaged files of scores, left out: 1.');
});
