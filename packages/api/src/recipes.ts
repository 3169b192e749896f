/** Recipes: read from a file or written as an object, and run as a stream of events. */
import type { z } from 'zod';
import { loadRecipe as load, parseRecipe } from '../../../src/recipe/load.ts';
import type { Recipe, recipeSchema } from '../../../src/recipe/schema.ts';
import { writeReport } from '../../report/src/page.ts';
import { runRecipe as run } from '../../../src/run/runner.ts';
import type { stageKinds } from '../../../src/stages/index.ts';
import type { commonOptions } from '../../../src/stages/stage.ts';
import type { RunEvent } from '../../../src/train/events.ts';

type Kinds = typeof stageKinds;
type Options<S extends z.core.$ZodLooseShape> = z.input<z.ZodObject<S>>;

/** A stage as a recipe states it: its name, its kind, and those options of the kind that are not at their defaults. */
export type StageInput = {
  [K in keyof Kinds]: Options<typeof commonOptions> & { readonly kind: K } & Options<Kinds[K]['options']>;
}[keyof Kinds];

/** A recipe as an object, with the names of recipe files. */
export type RecipeInput = Omit<z.input<typeof recipeSchema>, 'stages'> & {
  readonly stages: readonly StageInput[];
};

export interface RecipeOptions {
  /** Overrides as of the command line's `--set`, such as `stages.ckd.lr=5e-4`; later ones win. */
  readonly set?: readonly string[];
}

export interface RunOptions extends RecipeOptions {
  /** Folder of run folders; `runs` unless told. The run's own is called by the recipe's name. */
  readonly runs?: string;
  /** Asks for a stop after the current step, with a checkpoint from which the next run of the recipe resumes. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a recipe, with every default filled in and every path made absolute; paths of an object are relative to the
 * working directory. Throws a UserError that lists all that is wrong with it.
 *
 * @example
 * const recipe = loadRecipe('recipes/tiny-star.yaml', { set: ['seed=2'] });
 * console.log(recipe.stages.map(({ name, kind }) => `${name}: ${kind}`));
 */
export function loadRecipe(recipe: string | RecipeInput, options: RecipeOptions = {}): Recipe {
  const checked = { ...options, checkFiles: true };
  // JSON is YAML.
  return typeof recipe === 'string'
    ? load(recipe, checked)
    : parseRecipe(JSON.stringify(recipe), 'recipe', checked);
}

/**
 * Runs a recipe (a path, an object, or what `loadRecipe` gave), or resumes it, and says what happens as it happens. A
 * run that was stopped or killed resumes when it is run again, to the same result to the bit. Throws UserErrors.
 *
 * @example
 * for await (const event of runRecipe('recipes/smoke.yaml', { runs: 'runs' })) {
 *   if (event.type === 'step') console.log(event.stage, `${event.step}/${event.total}`, event.metrics.loss);
 *   if (event.type === 'done') console.log(event.stage, event.outputs);
 * }
 */
export async function* runRecipe(
  recipe: string | RecipeInput | Recipe,
  { runs = 'runs', signal = new AbortController().signal, ...options }: RunOptions = {},
): AsyncGenerator<RunEvent, void, undefined> {
  yield* run(loadRecipe(recipe, options), { runsDir: runs, signal });
}

/**
 * Writes the report of a run, one HTML file in the run's folder, and returns its path.
 *
 * @example
 * const path = await reportOf('runs/smoke');
 */
export const reportOf = (folder: string): Promise<string> => writeReport(folder);
