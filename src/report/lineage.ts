/** The models that a run is about: its student, the base that it began as, and its teacher. */
import { kindOf } from '../stages/index.ts';
import type { Recipe } from '../recipe/schema.ts';
import type { Result } from './comparison.ts';

export interface Models {
  readonly base?: Result | undefined;
  readonly student?: Result | undefined;
  readonly teacher?: Result | undefined;
}

/** Model references from `ref` back to the checkpoint that it began as. */
function ancestry(recipe: Recipe, ref: string): string[] {
  const stage = recipe.stages.find(({ name }) => name === ref);
  return stage === undefined || !('model' in stage) ? [ref] : [ref, ...ancestry(recipe, stage.model)];
}

/** Finds the results that the report's head speaks of; a recipe that exports nothing has none. */
export function modelsOf(recipe: Recipe | undefined, results: readonly Result[]): Models {
  const exported = recipe?.export?.model;
  if (recipe === undefined || exported === undefined) return {};
  const find = (ref: string | undefined): Result | undefined =>
    results.find((one) => one.from === undefined && one.ref === ref);
  const chain = ancestry(recipe, exported);
  const data = chain.flatMap((ref) =>
    recipe.stages.flatMap((stage) => (stage.name === ref && 'data' in stage ? stage.data : [])),
  );
  const source = recipe.stages.find((stage) => data.includes(stage.name));
  // A teacher that is served elsewhere has no row.
  const isOwn =
    source !== undefined &&
    kindOf(source).makes === 'rollouts' &&
    'model' in source &&
    !('teacher' in source);
  return {
    base: find(chain.at(-1)),
    student: find(exported),
    teacher: isOwn ? find(source.model) : undefined,
  };
}
