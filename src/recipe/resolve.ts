/** A resolved recipe has its defaults filled in and its paths absolute; printed, it reads back as the same recipe. */
import { relative, sep } from 'node:path';
import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import type { DataSource, Recipe } from './schema.ts';

function mapDataPaths(data: DataSource, change: (path: string) => string): DataSource {
  if (data.source === 'file') return { ...data, train: change(data.train), test: change(data.test) };
  if (data.source === 'assistant') return data;
  const parts = data.parts.map(({ path, weight }) => ({ path: change(path), weight }));
  return { ...data, parts, test: change(data.test) };
}

function mapModules(
  environments: NonNullable<Recipe['environments']>,
  change: (path: string) => string,
): NonNullable<Recipe['environments']> {
  return Object.fromEntries(
    Object.entries(environments).map(([name, environment]) => [
      name,
      environment.source === 'module' ? { ...environment, path: change(environment.path) } : environment,
    ]),
  );
}

/** A copy of `recipe` with `change` applied to every path in it. */
export function mapPaths(recipe: Recipe, change: (path: string) => string): Recipe {
  const { data, models, stages, environments, compare } = recipe;
  return {
    ...recipe,
    data: mapDataPaths(data, change),
    models: Object.fromEntries(
      Object.entries(models).map(([name, model]) => [
        name,
        typeof model === 'string'
          ? change(model)
          : {
              ...model,
              tokenizer: typeof model.tokenizer === 'string' ? change(model.tokenizer) : model.tokenizer,
            },
      ]),
    ),
    stages: stages.map((stage) => {
      if (stage.kind === 'bfcl' || stage.kind === 'acebench') return { ...stage, data: change(stage.data) };
      return stage.kind === 'rollout' && stage.from !== undefined
        ? { ...stage, from: change(stage.from) }
        : stage;
    }),
    ...(environments === undefined ? {} : { environments: mapModules(environments, change) }),
    ...(compare === undefined ? {} : { compare: compare.map(change) }),
  };
}

/** The recipe as YAML that can be saved in `folder` and loaded from there: its paths are relative to it. */
export function formatRecipe(recipe: Recipe, folder: string): string {
  const portable = mapPaths(recipe, (path) => (relative(folder, path) || '.').split(sep).join('/'));
  const document = new Document(portable);
  visit(document, {
    // Short lists and small maps read better on one line.
    Collection(_, node) {
      if (isSeq(node) && node.items.every((item) => isScalar(item))) node.flow = true;
      if (isMap(node) && isMixtureEntry(node.toJSON())) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 110, flowCollectionPadding: false });
}

function isMixtureEntry(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'weight' in value && 'source' in value;
}
