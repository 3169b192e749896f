/**
 * A recipe and those that it extends, as one tree: maps are merged, stages by their names, and the file that extends
 * wins. `defaults` are given to every stage whose kind has such an option and that does not say otherwise.
 */
import { dirname, resolve } from 'node:path';
import { UserError } from '../base/errors.ts';
import { readText } from '../base/files.ts';
import { entryName } from './overrides.ts';
import type { Problem } from './problems.ts';
import { placesIn, rulesAt } from './rules.ts';
import { suggestion } from './suggest.ts';
import { isTreeList, isTreeMap, readTree, replaced, type Tree, valuesOf } from './tree.ts';

/** Reads the recipe `text` that stands in `file`, and what it extends. Throws UserErrors. */
export function readLayers(text: string, file: string, before: readonly string[] = []): Tree {
  const own = readTree(text, file);
  if (own.content === null)
    throw new UserError('RECIPE_YAML', `${file}: the recipe is empty; it needs name, models and stages.`);
  if (!isTreeMap(own.content))
    throw new UserError(
      'RECIPE_YAML',
      `${file}:1:1: this is not a recipe: it must be a map with the keys name, models and stages.`,
    );
  const base = own.content.get('extends');
  if (base === undefined) return own;
  const fault = (why: string): UserError => new UserError('RECIPE', `${base.at}: ${why}`);
  if (typeof base.content !== 'string')
    throw fault('extends must be the path of a recipe, relative to this one.');
  const path = resolve(dirname(file), base.content);
  const chain = [...before, resolve(file)];
  if (chain.includes(path))
    throw fault(`${base.content} extends this recipe in turn, which never ends; remove one.`);
  const under = readLayers(readText(path), path, chain);
  // Its paths are relative to itself.
  const absolute = placesIn(valuesOf(under))
    .filter(({ rule }) => rule.wants !== undefined)
    .reduce((tree, { path: at, value }) => replaced(tree, at, resolve(dirname(path), value)), under);
  return merged(absolute, own);
}

/** Keys that say which other keys a map has: maps that differ in one are no versions of the same thing. */
const DECIDING = ['kind', 'source'];

/** `over` on top of `under`: maps by their keys, stages by their names, all else as a whole. */
function merged(under: Tree, over: Tree, areStages = false): Tree {
  const [a, b] = [under.content, over.content];
  if (isTreeMap(a) && isTreeMap(b)) {
    if (DECIDING.some((key) => a.has(key) && b.has(key) && a.get(key)?.content !== b.get(key)?.content))
      return over;
    const both = new Map(a);
    for (const [key, tree] of b) {
      const below = a.get(key);
      both.set(key, below === undefined ? tree : merged(below, tree, key === 'stages'));
    }
    return { ...over, content: both };
  }
  if (!areStages || !isTreeList(a) || !isTreeList(b)) return over;
  const more = [...b];
  const changed = a.map((stage) => {
    const name = entryName(stage);
    const i = name === undefined ? -1 : more.findIndex((one) => entryName(one) === name);
    const [own] = i < 0 ? [] : more.splice(i, 1);
    return own === undefined ? stage : merged(stage, own);
  });
  return { ...over, content: [...changed, ...more] };
}

/** Options that a stage must say itself. */
const OWN = ['name', 'kind'];

/** Gives a recipe's defaults to its stages; says which belong to no stage. */
export function withDefaults(recipe: Tree): { readonly recipe: Tree; readonly problems: readonly Problem[] } {
  const { content } = recipe;
  const defaults = isTreeMap(content) ? content.get('defaults')?.content : undefined;
  const stages = isTreeMap(content) ? content.get('stages')?.content : undefined;
  if (defaults === undefined) return { recipe, problems: [] };
  if (!isTreeMap(defaults)) {
    const text = 'defaults must be a map of options that stages have.';
    return { recipe, problems: [{ path: ['defaults'], part: 'value', text }] };
  }
  if (!isTreeList(stages)) return { recipe, problems: [] };
  const known = new Set<string>();
  let isAllKnown = true;
  const values = valuesOf(recipe);
  const filled = stages.map((stage, i): Tree => {
    const [rule, another] = rulesAt(values, ['stages', i]);
    if (rule === undefined || another !== undefined || !isTreeMap(stage.content)) {
      // Of a kind that is not known, which is told elsewhere: it may be the one that has an option.
      isAllKnown = false;
      return stage;
    }
    const options = Object.keys(rule.properties ?? {}).filter((key) => !OWN.includes(key));
    for (const option of options) known.add(option);
    const given = [...defaults].filter(([key]) => options.includes(key));
    return { ...stage, content: new Map([...given, ...stage.content]) };
  });
  const unused = [...defaults.keys()].filter((key) => isAllKnown && !known.has(key));
  const problems = unused.map((key): Problem => {
    const near = suggestion(key, [...known].sort(), 'they have');
    const text = `defaults.${key} is an option of no stage of this recipe${near}`;
    return { path: ['defaults', key], part: 'key', text };
  });
  return { recipe: replaced(recipe, ['stages'], filled), problems };
}
