import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseRecipe } from '../../../src/recipe/load.ts';
import type { RunRecord } from '../src/read.ts';
import { categoriesOf, gains, meanOverSeeds, pairedGain, rowsBySeed, verdictsOf } from '../src/seeds.ts';

/** A run that has evaluated models on 50 + 50 dialogues: label to right answers in `single` and `parallel`. */
function runOf(
  name: string,
  seed: number,
  models: Readonly<Record<string, readonly [number, number]>>,
  total = 50,
): RunRecord {
  const recipe = parseRecipe(
    `name: ${name}\nseed: ${seed}\ndata: { source: assistant }\nmodels: { m: ../m }\nstages: [{ name: evaluation, kind: eval, models: { m: m } }]`,
    'seeds.yaml',
  );
  return {
    folder: `runs/${name}`,
    name,
    recipe,
    recipeText: '',
    machine: undefined,
    stages: [],
    samples: new Map(),
    notes: [],
    evaluations: [
      {
        stage: 'evaluation',
        samples: [],
        models: Object.entries(models).map(([label, [single, parallel]]) => ({
          label,
          ref: label,
          total: 2 * total,
          correct: single + parallel,
          byCategory: { single: { total, correct: single }, parallel: { total, correct: parallel } },
          errors: {},
          meanTokens: null,
        })),
      },
    ],
  };
}

test('the mean over seeds has the interval of the t distribution', () => {
  // 1, 2, 3: standard deviation 1, standard error 1 / sqrt(3), t(0.975; 2) = 4.303.
  expect(meanOverSeeds([1, 2, 3]).mean).toBe(2);
  expect(meanOverSeeds([1, 2, 3]).half).toBeCloseTo(4.303 / Math.sqrt(3), 10);
  expect(meanOverSeeds([5])).toEqual({ mean: 5, half: undefined });
});

test('runs of several seeds and recipes become one row a model', () => {
  const rows = rowsBySeed([
    runOf('star-2', 2, { base: [10, 10], STAR: [40, 42] }),
    runOf('star-1', 1, { base: [10, 10], STAR: [41, 45] }),
    runOf('baselines-1', 1, { base: [10, 10], SFT: [30, 30] }),
  ]);
  expect(rows).toEqual([
    { label: 'base', seeds: [1, 2], shares: [0.2, 0.2] },
    { label: 'STAR', seeds: [1, 2], shares: [0.86, 0.82] },
    { label: 'SFT', seeds: [1], shares: [0.6] },
  ]);
  const [base, star, sft] = rows;
  expect(gains(star!, base!)).toEqual([0.86 - 0.2, 0.82 - 0.2]);
  expect(gains(star!, sft!)).toEqual([0.86 - 0.6]);
});

test('categories have rows of their own', () => {
  const runs = [runOf('star-1', 1, { STAR: [41, 45] })];
  expect(categoriesOf(runs)).toEqual(['overall', 'single', 'parallel']);
  expect(rowsBySeed(runs, 'parallel')).toEqual([{ label: 'STAR', seeds: [1], shares: [0.9] }]);
});

test('two results for one model and seed, other dialogues and unfinished runs are told in one sentence', () => {
  const one = runOf('one', 1, { STAR: [41, 45] });
  expect(() => rowsBySeed([one, runOf('two', 1, { STAR: [40, 45] })])).toThrow(
    'runs/one and runs/two both have a result for STAR with seed 1, and they differ; compare runs of different seeds.',
  );
  expect(() => rowsBySeed([one, runOf('two', 2, { STAR: [4, 4] }, 5)])).toThrow(
    'runs/two was tested on other dialogues than runs/one; compare runs with the same data.',
  );
  expect(() => rowsBySeed([one, { ...one, folder: 'runs/three', evaluations: [] }])).toThrow(
    'runs/three has no evaluation yet; carry the run to its end, then compare.',
  );
});

test('a gain over the same dialogues has the interval of their differences', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-paired-'));
  const verdicts = join(folder, 'stages', 'evaluation', 'verdicts');
  mkdirSync(verdicts, { recursive: true });
  const judged = (right: string) =>
    Array.from(right, (mark, i) => ({
      id: `${i}`,
      category: i < 2 ? 'single' : 'parallel',
      request: '',
      gold: '',
      output: '',
      correct: mark === '+',
      error: '',
      tokens: 1,
    }));
  // Two models on four dialogues each, in files that do not end where a model does.
  const all = [...judged('++-+'), ...judged('-+--')];
  for (const [i, part] of [all.slice(0, 3), all.slice(3, 5), all.slice(5)].entries())
    writeFileSync(join(verdicts, `step-00000${i}.json`), JSON.stringify(part));
  const run = { ...runOf('star', 1, { STAR: [2, 1], SFT: [1, 0] }, 2), folder };
  const { mean, half } = pairedGain(verdictsOf([run]), 'STAR', 'SFT')!;
  // Differences 1, 0, 0, 1: mean 0.5, standard deviation sqrt(1/3).
  expect(mean).toBe(0.5);
  expect(half).toBeCloseTo((1.96 * Math.sqrt(1 / 3)) / 2, 10);
  expect(pairedGain(verdictsOf([run], 'parallel'), 'STAR', 'SFT')!.mean).toBe(0.5);
  expect(pairedGain(verdictsOf([run]), 'STAR', 'teacher')).toBeUndefined();
  rmSync(folder, { recursive: true });
});
