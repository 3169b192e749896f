/**
 * Writes the numbers that test/recipe/kept-steps.test.ts compares with, anew: after losses, optimisers, recipes, prompts or generated data
 * were changed on purpose. Run: tsx scripts/kept-steps.ts; look at what `git diff` says of it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRecipe } from '../src/recipe/load.ts';
import {
  BEGINNINGS,
  beginningOf,
  isTraining,
  KEPT,
  type KeptStage,
  RECIPES,
  recipeFiles,
  stepsOf,
  writeStandIn,
} from '../test/helpers/kept-steps.ts';

/** Seven digits, which is what float32 has. */
const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(7)) : value;

const folder = mkdtempSync(join(tmpdir(), 'tinystar-kept-'));
try {
  const checkpoint = writeStandIn(folder);
  const kept: Record<string, Record<string, KeptStage>> = {};
  for (const file of recipeFiles().toSorted()) {
    const recipe = loadRecipe(join(RECIPES, file));
    const stages: Record<string, KeptStage> = {};
    for (const stage of recipe.stages.filter(isTraining))
      stages[stage.name] = await stepsOf(recipe, stage, checkpoint, folder);
    kept[file] = stages;
  }
  for (const file of BEGINNINGS) kept[`data ${file}`] = { ...(await beginningOf(file, folder)) };
  writeFileSync(KEPT, `${JSON.stringify(kept, rounded, 1)}\n`);
  process.stdout.write(`${KEPT}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
