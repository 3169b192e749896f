import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadRecipe, parseRecipe } from '../../src/recipe/load.ts';
import { formatRecipe } from '../../src/recipe/resolve.ts';

const folder = fileURLToPath(new URL('../../recipes', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

test('there are recipes', () => {
  expect(files).toContain('tiny-star.yaml');
  expect(files).toContain('smoke.yaml');
});

test.each(files)('%s is valid', (file) => {
  expect(loadRecipe(join(folder, file)).name).toBe(file.replace('.yaml', ''));
});

test.each(files)('%s begins with the command that runs it', (file) => {
  const first = readFileSync(join(folder, file), 'utf8').split('\n')[0];
  expect(first).toBe(`# npx tinystar run recipes/${file}`);
});

test.each(files)('%s, resolved and printed, reads back as the same recipe from another folder', (file) => {
  const recipe = loadRecipe(join(folder, file));
  const elsewhere = join(dirname(folder), 'runs', recipe.name);
  const printed = formatRecipe(recipe, elsewhere);
  expect(parseRecipe(printed, join(elsewhere, 'recipe.yaml'))).toEqual(recipe);
  expect(formatRecipe(recipe, elsewhere)).toBe(printed);
  expect(printed).not.toContain(dirname(folder));
});

test.each(files)('%s is, with defaults and what it extends written out, what it was', async (file) => {
  const resolved: unknown = parse(formatRecipe(loadRecipe(join(folder, file)), folder));
  const text = stringify(resolved, { sortMapEntries: true, aliasDuplicateObjects: false });
  await expect(text).toMatchFileSnapshot(`../golden/recipes/${file}`);
});

test('the recipes in the documentation are valid', () => {
  const text = readFileSync(join(folder, '../docs/recipes.md'), 'utf8');
  const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, example = '']) => example);
  expect(examples).toHaveLength(3);
  for (const example of examples)
    expect(parseRecipe(example, join(folder, '../docs/mine.yaml')).name).toBe('mine');
});

test('the baselines start from the teacher and the rollouts of the default recipe', () => {
  const star = loadRecipe(join(folder, 'tiny-star.yaml'));
  const baselines = loadRecipe(join(folder, 'tiny-baselines.yaml'));
  expect(baselines.stages.slice(0, 2)).toEqual(star.stages.slice(0, 2));
  expect({ ...baselines.data }).toEqual({ ...star.data });
});
