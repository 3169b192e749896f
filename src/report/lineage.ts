/** Who descends from whom in a recipe: which row is the student, its base, and its teacher. */
import { kindOf } from '../stages/index.ts';
import type { Recipe } from '../recipe/schema.ts';
import type { Row } from './comparison.ts';

export interface Protagonists {
  readonly base: Row | undefined;
  readonly student: Row | undefined;
  readonly teacher: Row | undefined;
}

/** Model references from `ref` back to the checkpoint that it began as. */
function ancestry(recipe: Recipe, ref: string): string[] {
  const chain = [ref];
  for (;;) {
    const stage = recipe.stages.find(({ name }) => name === chain.at(-1));
    if (stage === undefined || !('model' in stage)) return chain;
    chain.push(stage.model);
  }
}

/** Finds the three rows that the report's head speaks of; a recipe that exports nothing has none. */
export function protagonists(recipe: Recipe | undefined, rows: readonly Row[]): Protagonists {
  const own = rows.filter((row) => row.from === undefined);
  const row = (ref: string | undefined): Row | undefined => own.find((one) => one.ref === ref);
  const exported = recipe?.export?.model;
  if (recipe === undefined || exported === undefined) {
    return { base: undefined, student: undefined, teacher: undefined };
  }
  const chain = ancestry(recipe, exported);
  const data = chain.flatMap((ref) =>
    recipe.stages.flatMap((stage) => (stage.name === ref && 'data' in stage ? stage.data : [])),
  );
  const source = recipe.stages.find((stage) => data.includes(stage.name));
  return {
    base: row(chain.at(-1)),
    student: row(exported),
    // A teacher that is served elsewhere has no row.
    teacher:
      source !== undefined &&
      kindOf(source).makes === 'rollouts' &&
      'model' in source &&
      !('teacher' in source)
        ? row(source.model)
        : undefined,
  };
}
