import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { parseRecipe } from '../../src/recipe/load.ts';
import type { Recipe } from '../../src/recipe/schema.ts';

const text = `name: t
models: { base: m/base }
stages:
  - &first { name: a, kind: simrl, model: base, steps: 3 }
  - { <<: *first, name: b.2 }
  - { name: c, kind: eval, models: { 'base model': base, a: a } }
`;

function set(...words: string[]): Recipe {
  return parseRecipe(text, 't.yaml', { set: words });
}

function fault(...words: string[]): string {
  try {
    set(...words);
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    throw thrown;
  }
  return 'no fault';
}

test('a stage is addressed by its name or its index', () => {
  expect(set('stages.a.lr=1e-4').stages[0]).toMatchObject({ lr: 1e-4 });
  expect(set('stages.2.limit=5').stages[2]).toMatchObject({ limit: 5 });
});

test('names may have dots and spaces', () => {
  expect(set('stages.b.2.lr=0.5').stages[1]).toMatchObject({ lr: 0.5 });
  expect(set('stages.c.models.base model=a').stages[2]).toMatchObject({
    models: { 'base model': 'a', a: 'a' },
  });
});

test('values are YAML, and the last one wins', () => {
  const recipe = set(
    'stages.a.dynamic_filtering=false',
    'stages.a.reward_clip_range=[-1, 1]',
    'seed=4',
    'seed=5',
  );
  expect(recipe.stages[0]).toMatchObject({ dynamic_filtering: false, reward_clip_range: [-1, 1] });
  expect(recipe.seed).toBe(5);
  expect(set('data={source: file, train: a.jsonl, test: b.jsonl}').data).toEqual({
    source: 'file',
    train: resolve('a.jsonl'),
    test: resolve('b.jsonl'),
  });
});

test('what is absent is made', () => {
  expect(set('export.model=a', 'export.gguf=a.gguf').export).toEqual({ model: 'a', gguf: 'a.gguf' });
});

test('an override of a stage leaves the ones that share its anchor alone', () => {
  const recipe = set('stages.b.2.steps=9', 'stages.a.lr=0.5');
  expect(recipe.stages[1]).toMatchObject({ lr: 3e-7 });
  expect(recipe.stages.map((stage) => ('steps' in stage ? stage.steps : 0))).toEqual([3, 9, 0]);
});

test('a wrong override names its own words', () => {
  expect(fault('stages.aa.lr=1')).toMatchInlineSnapshot(
    `"--set stages.aa.lr=1: there is no entry "aa"; did you mean a?"`,
  );
  expect(fault('stages.a.lr')).toMatchInlineSnapshot(
    `"--set stages.a.lr: there is no "="; write it as --set path=value, such as --set stages.ckd.lr=1e-4."`,
  );
  expect(fault('stages.a.lr=[1')).toMatchInlineSnapshot(
    `"--set stages.a.lr=[1: this is not valid YAML (Flow sequence must end with a ]); correct it, or quote it if it is text."`,
  );
  expect(fault('stages.a.lr=*x')).toMatchInlineSnapshot(
    `"--set stages.a.lr=*x: the alias *x has no anchor &x before it; define it first, or quote it."`,
  );
  expect(fault('extends=other.yaml')).toMatchInlineSnapshot(
    `"--set extends=other.yaml: what a recipe extends stands in its file; write a file that extends the other one."`,
  );
  expect(fault('name.first=x')).toMatchInlineSnapshot(
    `"--set name.first=x: name is "t", a single value without keys; set it as a whole."`,
  );
  expect(fault('stages.a.learnin_rate=1')).toMatchInlineSnapshot(
    `"--set stages.a.learnin_rate=1: stages.a.learnin_rate is not a known key of a simrl stage; did you mean lr?"`,
  );
  expect(fault('stages.a.lr=much')).toMatchInlineSnapshot(
    `"--set stages.a.lr=much: stages.a.lr is "much" and must be a number above 0."`,
  );
});
