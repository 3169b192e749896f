/** Recipes that extend others and have defaults: what stands where wins, and faults name the file that says them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../src/recipe/load.ts';
import { formatRecipe } from '../../src/recipe/resolve.ts';
import type { Recipe } from '../../src/recipe/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-layers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const base = `name: base
models: { student: ../models/student }
defaults: { train_batch_size: 16, prompt_max_len: 700 }
stages:
  - { name: sft, kind: sft, model: student, lr: 1e-3 }
  - { name: evaluation, kind: eval, models: { base: student, SFT: sft } }
`;

const option = (recipe: Recipe, stage: string, key: string): unknown =>
  Object.entries(recipe.stages.find(({ name }) => name === stage) ?? {}).find(([name]) => name === key)?.[1];

function fault(path: string, set: readonly string[] = []): string {
  try {
    loadRecipe(path, { set });
  } catch (thrown) {
    return String(thrown instanceof Error ? thrown.message : thrown).replaceAll(`${folder}/`, '');
  }
  return 'no fault';
}

describe('defaults', () => {
  test('go to every stage that has the option and does not say otherwise', () => {
    const path = write('own.yaml', base.replace('lr: 1e-3', 'lr: 1e-3, train_batch_size: 4'));
    const recipe = loadRecipe(path);
    expect(option(recipe, 'sft', 'train_batch_size')).toBe(4);
    expect(option(recipe, 'sft', 'prompt_max_len')).toBe(700);
    expect(option(recipe, 'evaluation', 'prompt_max_len')).toBe(700);
    // An evaluation trains nothing.
    expect(option(recipe, 'evaluation', 'train_batch_size')).toBeUndefined();
  });

  test('are given by --set as well, and a stage still says otherwise', () => {
    const path = write('set.yaml', base);
    const recipe = loadRecipe(path, {
      set: ['defaults.prompt_max_len=900', 'stages.evaluation.prompt_max_len=1'],
    });
    expect(option(recipe, 'sft', 'prompt_max_len')).toBe(900);
    expect(option(recipe, 'evaluation', 'prompt_max_len')).toBe(1);
  });

  test('that no stage has are a fault with the nearest option, and wrong values are told where they stand', () => {
    expect(fault(write('typo.yaml', base.replace('train_batch_size: 16', 'train_batch_sise: 16')))).toBe(
      'typo.yaml:3:13: defaults.train_batch_sise is an option of no stage of this recipe; did you mean train_batch_size?',
    );
    expect(fault(write('wrong.yaml', base.replace('train_batch_size: 16', 'train_batch_size: 0')))).toBe(
      'wrong.yaml:3:31: stages.sft.train_batch_size is 0 and must be a whole number above 0.',
    );
    expect(fault(write('list.yaml', base.replace(/defaults: .*/, 'defaults: [1]')))).toContain(
      'defaults must be a map',
    );
  });

  test('are not judged while a stage is of an unknown kind, which may have the option', () => {
    const text = base.replace('kind: sft', 'kind: sftt');
    expect(fault(write('kind.yaml', text))).toMatch(/^kind\.yaml:5:24: stages\.sft\.kind is "sftt"/);
  });

  test('make the same recipe, to the byte, as the values written into the stages', () => {
    const explicit = base
      .replace(/defaults: .*\n/, '')
      .replace('lr: 1e-3', 'lr: 1e-3, prompt_max_len: 700, train_batch_size: 16')
      .replace('kind: eval', 'kind: eval, prompt_max_len: 700');
    const [one, other] = [write('implied.yaml', base), write('explicit.yaml', explicit)].map((path) =>
      formatRecipe(loadRecipe(path), folder),
    );
    expect(one).toBe(other);
  });

  test('are filled in by the resolved recipe, which reads back as the same', () => {
    const recipe = loadRecipe(write('resolved.yaml', base));
    const text = formatRecipe(recipe, folder);
    expect(text).not.toContain('defaults');
    expect(loadRecipe(write('again.yaml', text))).toEqual(recipe);
  });
});

describe('a recipe that extends another', () => {
  write('base.yaml', base);

  test('has its stages, changed by their names, and its own at the end; its values win', () => {
    const path = write(
      'child.yaml',
      `extends: base.yaml
name: child
defaults: { prompt_max_len: 800 }
stages:
  - { name: sft, lr: 2e-3 }
  - { name: more, kind: sft, model: sft }
`,
    );
    const recipe = loadRecipe(path);
    expect(recipe.name).toBe('child');
    expect(recipe.stages.map(({ name }) => name)).toEqual(['sft', 'evaluation', 'more']);
    expect(option(recipe, 'sft', 'lr')).toBe(2e-3);
    expect(option(recipe, 'sft', 'kind')).toBe('sft');
    expect(option(recipe, 'more', 'train_batch_size')).toBe(16);
    expect(option(recipe, 'evaluation', 'prompt_max_len')).toBe(800);
  });

  test("keeps the other's paths, which are relative to the other", () => {
    const path = write('deeper/child.yaml', 'extends: ../base.yaml\nname: child\n');
    expect(loadRecipe(path).models).toEqual({ student: join(folder, '../models/student') });
  });

  test('replaces a map as a whole where its kind or source is another', () => {
    const data = '{ source: file, train: a.jsonl, test: b.jsonl }';
    write('files.yaml', `${base}data: ${data}\n`);
    const path = write(
      'other-data.yaml',
      `extends: files.yaml
data: { source: assistant, train: 64 }
stages:
  - { name: sft, kind: distill, model: student, data: rolls }
`,
    );
    expect(fault(path)).toBe(
      'other-data.yaml:4:55: stages.sft.data refers to rolls, which is not an earlier rollout stage.',
    );
    const assistant = write(
      'assistant.yaml',
      'extends: files.yaml\ndata: { source: assistant, train: 64 }\n',
    );
    expect(loadRecipe(assistant).data).toEqual({ source: 'assistant', seed: 7, train: 64, test: 864 });
    const half = write('half.yaml', 'extends: files.yaml\ndata: { test: c.jsonl }\n');
    expect(loadRecipe(half).data).toEqual({
      source: 'file',
      train: join(folder, 'a.jsonl'),
      test: join(folder, 'c.jsonl'),
    });
  });

  test("keeps paths among the other's defaults relative to the other", () => {
    write(
      'old/from.yaml',
      `name: from
models: { student: ../models/student }
defaults: { from: rolls }
stages:
  - { name: rolls, kind: rollout, model: student }
`,
    );
    const recipe = loadRecipe(write('takes-over.yaml', 'extends: old/from.yaml\n'));
    expect(option(recipe, 'rolls', 'from')).toBe(join(folder, 'old/rolls'));
  });

  test('cannot say a stage twice', () => {
    const twice = `extends: base.yaml
stages:
  - { name: sft, lr: 1 }
  - { name: sft, kind: sft, model: student }
`;
    expect(fault(write('twice.yaml', twice))).toBe(
      'twice.yaml:4:13: the name sft is taken by an earlier stage; rename this stage.',
    );
  });

  test('names the file that a fault stands in', () => {
    const mine = write('mine.yaml', 'extends: base.yaml\nstages:\n  - { name: sft, lr: -1 }\n');
    expect(fault(mine)).toBe('mine.yaml:3:22: stages.sft.lr is -1 and must be a number above 0.');
    write('broken.yaml', base.replace('lr: 1e-3', 'lr: -1'));
    expect(fault(write('theirs.yaml', 'extends: broken.yaml\nname: x\n'))).toBe(
      'broken.yaml:5:49: stages.sft.lr is -1 and must be a number above 0.',
    );
  });

  test('that comes back to itself, or extends what is not there, is a fault', () => {
    write('one.yaml', 'extends: two.yaml\n');
    write('two.yaml', 'extends: one.yaml\n');
    expect(fault(join(folder, 'one.yaml'))).toBe(
      'two.yaml:1:10: one.yaml extends this recipe in turn, which never ends; remove one.',
    );
    expect(fault(write('lost.yaml', 'extends: nowhere.yaml\n'))).toContain('nowhere.yaml');
    expect(fault(write('number.yaml', 'extends: 3\n'))).toBe(
      'number.yaml:1:10: extends must be the path of a recipe, relative to this one.',
    );
  });
});
