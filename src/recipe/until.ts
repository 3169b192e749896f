/** The first stages of a recipe, for a run that is to stop after one of them, and to be continued later. */
import { UserError } from '../base/errors.ts';
import type { Recipe } from './schema.ts';

/** The recipe as far as a stage, without the export that follows the last one; throws a UserError for an unknown stage. */
export function untilStage(recipe: Recipe, name: string): Recipe {
  const index = recipe.stages.findIndex((stage) => stage.name === name);
  if (index < 0) {
    const names = recipe.stages.map((stage) => stage.name).join(', ');
    throw new UserError(
      'STAGE',
      `The recipe ${recipe.name} has no stage ${name}; --until takes one of ${names}.`,
    );
  }
  const { export: _last, ...rest } = recipe;
  return { ...rest, stages: recipe.stages.slice(0, index + 1) };
}
