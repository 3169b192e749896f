/** A resolved recipe has its defaults filled in and its paths absolute; printed, it reads back as the same recipe. */
import { relative, sep } from 'node:path';
import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import { placesIn, valueAt } from './rules.ts';
import type { Recipe } from './schema.ts';

/** A copy of `recipe` with `change` applied to every path in it. */
export function mapPaths(recipe: Recipe, change: (path: string) => string): Recipe {
  const copy = structuredClone(recipe);
  for (const { path, value, rule } of placesIn(recipe))
    if (rule.wants !== undefined)
      Reflect.set(valueAt(copy, path.slice(0, -1)) as object, path.at(-1) ?? '', change(value));
  return copy;
}

/** The recipe as YAML that can be saved in `folder` and loaded from there: its paths are relative to it. */
export function formatRecipe(recipe: Recipe, folder: string): string {
  const portable = mapPaths(recipe, (path) => (relative(folder, path) || '.').split(sep).join('/'));
  const document = new Document(portable);
  visit(document, {
    // Short lists and small maps read better on one line.
    Collection(_, node) {
      if (isSeq(node) && node.items.every((item) => isScalar(item))) node.flow = true;
      if (isMap(node) && ['weight', 'source'].every((key) => node.has(key))) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 110, flowCollectionPadding: false });
}
