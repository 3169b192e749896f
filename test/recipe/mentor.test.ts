/** The smoke recipe of MENTOR, end to end: what it logs and leaves behind, and that a stopped run goes on to the same. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../src/recipe/load.ts';
import { evalSchema } from '../../src/eval/formats.ts';
import type { RunEvent } from '../../src/train/events.ts';
import { METRICS } from '../../src/train/metrics.ts';
import { readLines, runAll, scratchFolder, traceOf } from '../helpers/runs.ts';

const path = fileURLToPath(new URL('../../recipes/smoke-mentor.yaml', import.meta.url));
const { folder: scratch, remove } = scratchFolder();
const recipe = loadRecipe(path);
const folder = join(scratch, 'smoke-mentor');
let events: readonly RunEvent[] = [];

beforeAll(async () => {
  events = await runAll(recipe, scratch);
}, 300_000);
afterAll(remove);

const steps = (stage: string): Extract<RunEvent, { type: 'step' }>[] =>
  events.filter(
    (event): event is Extract<RunEvent, { type: 'step' }> => event.type === 'step' && event.stage === stage,
  );

test('every stage runs to its end, with metrics that are declared and finite', () => {
  for (const { name } of recipe.stages) {
    expect(steps(name).length, name).toBeGreaterThan(0);
    for (const { metrics } of steps(name)) {
      expect(Object.keys(METRICS)).toEqual(expect.arrayContaining(Object.keys(metrics)));
      expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
    }
  }
  const named = (stage: string): string[] => Object.keys(steps(stage)[0]?.metrics ?? {});
  expect(named('trajectories')).toEqual(expect.arrayContaining(['accuracy', 'kept', 'calls', 'turns']));
  expect(named('mentor')).toEqual(
    expect.arrayContaining(['reward', 'accuracy', 'tool_match', 'calls', 'kl', 'entropy', 'policy_loss']),
  );
  expect(named('evaluation')).toContain('accuracy');
});

test('the evaluation has both splits, and what each model called', () => {
  const { models, samples } = evalSchema.parse(
    JSON.parse(readFileSync(join(folder, 'stages/evaluation/eval.json'), 'utf8')),
  );
  expect(models.map(({ label, total, transfer }) => [label, total, transfer?.total])).toEqual(
    ['teacher', 'SFT', 'sparse', 'MENTOR'].map((label) => [label, 4, 4]),
  );
  expect(models.every(({ tools }) => tools !== undefined)).toBe(true);
  expect(Object.keys(models[0]!.byCategory).some((name) => name.startsWith('transfer '))).toBe(true);
  expect(samples.length).toBeGreaterThan(0);
});

test('samples are whole conversations, with the reward that they earned', () => {
  const samples = readLines(join(folder, 'samples.jsonl')).filter(({ stage }) => stage === 'mentor');
  expect(samples.length).toBeGreaterThan(0);
  for (const { prompt, reward } of samples) {
    expect(prompt).toContain('"name": "sum_numbers"');
    expect(reward).toBeGreaterThanOrEqual(0);
  }
});

test('a run that is stopped after every step goes on to the same files', async () => {
  const runs = join(scratch, 'stopped');
  for (let attempt = 0; attempt < 60; attempt++) {
    const stop = new AbortController();
    const after = await runAll(recipe, runs, {
      signal: stop.signal,
      // The first stages are long, and their resuming is not what is tested here.
      onEvent: ({ type, stage }) => {
        if (type === 'step' && !['base', 'teacher'].includes(stage)) stop.abort();
      },
    });
    if (!stop.signal.aborted) break;
    expect(after.length).toBeGreaterThan(0);
  }
  expect(traceOf(join(runs, 'smoke-mentor'))).toEqual(traceOf(folder));
}, 300_000);

describe('what cannot work is told', () => {
  test('before a run starts: missing references, and recipes that do not fit', () => {
    const load = (...set: string[]) => loadRecipe(path, { set });
    expect(() => load('stages.mentor.environment=arithmetics')).toThrow(
      /stages\.mentor\.environment refers to arithmetics, which is not one of the recipe's environments; did you mean arithmetic\?/,
    );
    expect(() => load('stages.mentor.environment=tiny')).toThrow(
      /a model; it must be one of the recipe's environments/,
    );
    expect(() => load('stages.mentor.environment=logic')).toThrow(
      /environment is logic, and the trajectories of trajectories are of arithmetic; make them one/,
    );
    expect(() => load('stages.mentor.data=base')).toThrow(
      /a pretrain stage; it must be an earlier trajectories stage/,
    );
    expect(() => load('stages.evaluation.teacher=nobody')).toThrow(
      /which is no label of its models; name one of teacher, SFT/,
    );
    expect(() => load('environments.arithmetic.train=0')).toThrow(/train/);
    expect(() => load('stages.base.mixture.0.environment=arithmetik')).toThrow(
      /mixture\.0\.environment refers to arithmetik, which is not one of the recipe's environments; did you mean arithmetic\?/,
    );
    expect(() => load('stages.base.mixture.2.environment=logic')).toThrow(
      /gives copying the environment logic, and only solutions have one; remove it/,
    );
  });

  test('a teacher that solves nothing', async () => {
    const runs = join(scratch, 'weak');
    cpSync(folder, join(runs, 'smoke-mentor'), {
      recursive: true,
      filter: (file) => !/\/stages\/(trajectories|student-sft|sparse|mentor|evaluation)$/.test(file),
    });
    const weak = loadRecipe(path, { set: ['stages.trajectories.keep_wrong=false'] });
    await expect(runAll(weak, runs)).rejects.toThrow(/hold no right answer; the teacher may be too weak/);
  });

  test('an environment whose problems are none', async () => {
    const file = join(scratch, 'empty.mjs');
    writeFileSync(
      file,
      `export default { name: 'empty', tools: [{ name: 'f', description: '', parameters: { type: 'object' }, run: () => 1 }], problems: () => [] };`,
    );
    const yaml = readFileSync(path, 'utf8')
      .replace(/arithmetic: \{.*\}/, `arithmetic: { source: module, path: '${file}', trusted: true }`)
      .replace('name: smoke-mentor', 'name: empty');
    const other = join(scratch, 'empty.yaml');
    writeFileSync(other, yaml);
    await expect(runAll(loadRecipe(other), scratch)).rejects.toThrow(
      /The environment arithmetic has no train problem; correct its module or raise its train/,
    );
  });
});
