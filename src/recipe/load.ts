/** Reads a recipe: text, overrides, schema, references; all that is wrong is told at once, each with its place. */
import { dirname, resolve } from 'node:path';
import { UserError } from '../base/errors.ts';
import { readText } from '../base/files.ts';
import { publishedConfig } from '../model/arch/index.ts';
import { consistencyProblems, missingFiles } from './consistency.ts';
import { readLayers, withDefaults } from './layers.ts';
import { overridden } from './overrides.ts';
import { type Problem, schemaProblems } from './problems.ts';
import { referenceProblems } from './references.ts';
import { mapPaths } from './resolve.ts';
import { type Recipe, recipeSchema } from './schema.ts';
import { placeOf, valuesOf } from './tree.ts';

export interface LoadOptions {
  /** Overrides, each `path=value`; later ones win. */
  readonly set?: readonly string[];
  /** Also check that the files and folders that the recipe names are there. */
  readonly checkFiles?: boolean;
}

/** Loads the recipe at `path`, with every default filled in and every path made absolute. */
export function loadRecipe(path: string, options: LoadOptions = {}): Recipe {
  return parseRecipe(readText(path), path, options);
}

/**
 * As `loadRecipe`, but the checkpoints of published models and the data may be missing: the former's shapes are
 * known, and dialogues of the assistant stand for the latter, as `notes` say.
 */
export function loadEstimable(
  path: string,
  options: Pick<LoadOptions, 'set'> = {},
): { readonly recipe: Recipe; readonly notes: readonly string[] } {
  const { recipe, errorOf } = parsed(readText(path), path, options);
  const missing = missingFiles(recipe);
  const isData = ({ path: [first] }: Problem): boolean => first === 'data';
  const isKnown = ({ path: [first, name, part] }: Problem): boolean => {
    const model = first === 'models' && part === undefined ? recipe.models[String(name)] : undefined;
    return typeof model === 'string' && publishedConfig(model) !== undefined;
  };
  const unknown = missing.filter((problem) => !isData(problem) && !isKnown(problem));
  if (unknown.length > 0) throw errorOf(unknown);
  if (!missing.some(isData)) return { recipe, notes: [] };
  const train = recipe.data.source === 'mix' ? recipe.data.train : ASSUMED_DIALOGUES;
  return {
    recipe: { ...recipe, data: { source: 'assistant', seed: 7, train, test: 864 } },
    notes: [`the data are not there; ${train} of the assistant's dialogues stand for them`],
  };
}

/** Number of training dialogues that a missing file is taken to have. */
const ASSUMED_DIALOGUES = 20_480;

export function parseRecipe(text: string, file: string, options: LoadOptions = {}): Recipe {
  return parsed(text, file, options).recipe;
}

/** A recipe, and the error for what is wrong with it. */
function parsed(text: string, file: string, { set = [], checkFiles = false }: LoadOptions) {
  const { recipe: tree, problems: unused } = withDefaults(set.reduce(overridden, readLayers(text, file)));
  const errorOf = (problems: readonly Problem[]): UserError => {
    const lines = problems
      .map(({ path, part, text: why }) => `${placeOf(tree, path, part)}: ${why}`)
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    const all = `The recipe has ${lines.length} faults:\n  ${lines.join('\n  ')}`;
    return new UserError('RECIPE', lines.length === 1 ? lines.join('') : all);
  };
  const { defaults: _defaults, extends: _extends, ...raw } = valuesOf(tree) as Record<string, unknown>;
  const result = recipeSchema.safeParse(raw);
  const problems = [
    ...unused,
    ...(result.success ? consistencyProblems(result.data) : schemaProblems(raw, result.error)),
    ...referenceProblems(raw),
  ];
  if (!result.success || problems.length > 0) throw errorOf(problems);
  const folder = dirname(resolve(file));
  const recipe = mapPaths(result.data, (relative) => resolve(folder, relative));
  const missing = checkFiles ? missingFiles(recipe) : [];
  if (missing.length > 0) throw errorOf(missing);
  return { recipe, errorOf };
}
