import { copyFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { evalRecipe } from '../src/commands/eval-held-out.ts';
import { runCli } from '../../../test/helpers/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-eval-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const options = { seed: 7, test: 864, generate_max_len: 64, device: 'cpu' };

function checkpoint(...path: string[]): string {
  const made = join(folder, ...path);
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, 'model.safetensors'), '');
  return made;
}

test('checkpoints are labelled by their folder, or by their path where folders are called alike', () => {
  const [base, one, two] = [checkpoint('base'), checkpoint('one', 'star'), checkpoint('two', 'star')];
  const [stage] = evalRecipe(options, [base, one, two]).stages;
  expect(stage).toMatchObject({ kind: 'eval', models: { base: 'm0', [one]: 'm1', [two]: 'm2' } });
});

test('the folder of a stage means its model, and lends it its name', () => {
  const model = checkpoint('run', 'stages', 'ckd', 'model');
  writeFileSync(join(model, 'config.json'), '{}');
  const recipe = evalRecipe(options, [join(model, '..')]);
  expect(recipe.models).toEqual({ m0: model });
  expect(recipe.stages[0]).toMatchObject({ models: { ckd: 'm0' } });
});

test('re-running a command resumes the same run, and new weights begin another', () => {
  const path = checkpoint('model');
  const { name } = evalRecipe(options, [path]);
  expect(name).toMatch(/^eval-[0-9a-f]{8}$/);
  expect(evalRecipe(options, [path]).name).toBe(name);
  expect(evalRecipe({ ...options, limit: 5 }, [path]).name).not.toBe(name);
  expect(evalRecipe({ ...options, device: 'gpu' }, [path]).name).not.toBe(name);
  utimesSync(join(path, 'model.safetensors'), 1, 1);
  expect(evalRecipe(options, [path]).name).toBe(name);
  for (const file of [
    'model.safetensors',
    'model-00002-of-00002.safetensors',
    'chat_template.jinja',
    'tokenizer.json',
  ]) {
    const before = evalRecipe(options, [path]).name;
    writeFileSync(join(path, file), 'other');
    expect(evalRecipe(options, [path]).name, file).not.toBe(before);
  }
});

test('a file of dialogues is known by its contents, wherever it lies', () => {
  const path = checkpoint('judged');
  const data = join(folder, 'dev.jsonl');
  const nameOf = (file: string): string => evalRecipe({ ...options, data: file }, [path]).name;
  writeFileSync(data, '{}\n');
  const name = nameOf(data);
  copyFileSync(data, join(folder, 'copy.jsonl'));
  expect(nameOf(join(folder, 'copy.jsonl'))).toBe(name);
  writeFileSync(data, '{}\n{}\n');
  expect(nameOf(data)).not.toBe(name);
});

test('a folder that is no checkpoint is told', async () => {
  const { stderr, code } = await runCli(['eval', 'nowhere']);
  expect(stderr).toBe(
    "nowhere is no checkpoint: it has no config.json; give the folder of a Hugging Face checkpoint or of a run's stage, or a .gguf file.\n",
  );
  expect(code).toBe(1);
});
