/** Losses of two steps of each shipped recipe, as they were kept; `npx tsx scripts/kept-steps.ts` keeps others. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../src/recipe/load.ts';
import {
  BEGINNINGS,
  beginningOf,
  isTraining,
  KEPT,
  type Kept,
  type KeptStage,
  RECIPES,
  recipeFiles,
  stepsOf,
  writeStandIn,
} from '../helpers/kept-steps.ts';
import { scratchFolder } from '../helpers/runs.ts';
import { expectClose, TOLERANCES, type Tolerance } from '../helpers/tolerances.ts';

const kept = JSON.parse(readFileSync(KEPT, 'utf8')) as Kept;
const { folder, remove } = scratchFolder();
let checkpoint = '';
beforeAll(() => {
  checkpoint = writeStandIn(folder);
});
afterAll(remove);

const ADVICE = 'npx tsx scripts/kept-steps.ts keeps these numbers, if they are right';

function expectKept(got: KeptStage, want: KeptStage | undefined, tolerance: Tolerance): void {
  expect(got.steps.length, ADVICE).toBe(want?.steps.length);
  for (const [i, numbers] of (want?.steps ?? []).entries()) {
    expect(Object.keys(got.steps[i]!).toSorted(), ADVICE).toEqual(Object.keys(numbers).toSorted());
    for (const [name, value] of Object.entries(numbers))
      expectClose([got.steps[i]![name]!], [value], tolerance, `${name} of step ${i + 1} (${ADVICE})`);
  }
  if (want?.moved !== undefined)
    expectClose([got.moved!], [want.moved], tolerance, `how far weights moved (${ADVICE})`);
}

test('numbers are kept of every recipe, and of no other', () => {
  expect(Object.keys(kept).toSorted()).toEqual(
    [...recipeFiles(), ...BEGINNINGS.map((file) => `data ${file}`)].toSorted(),
  );
});

describe.each(recipeFiles())('%s', (file) => {
  const recipe = loadRecipe(join(RECIPES, file));
  const stages = recipe.stages.filter(isTraining);

  test('has these stages that train', () => {
    expect(Object.keys(kept[file] ?? {})).toEqual(stages.map(({ name }) => name));
  });

  test.each(stages)('$name: two steps have the losses that were kept', async (stage) => {
    const tolerance = stage.compute_dtype === 'f32' ? TOLERANCES.keptSteps : TOLERANCES.keptStepsBf16;
    expectKept(await stepsOf(recipe, stage, checkpoint, folder), kept[file]?.[stage.name], tolerance);
  });
});

test.each(BEGINNINGS)(
  '%s, begun on its own data and prompts, has the losses that were kept',
  async (file) => {
    const got = await beginningOf(file, folder);
    const want = kept[`data ${file}`] ?? {};
    expect(Object.keys(got), ADVICE).toEqual(Object.keys(want));
    for (const [name, stage] of Object.entries(got)) expectKept(stage, want[name], TOLERANCES.keptSteps);
  },
);
