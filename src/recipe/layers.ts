/**
 * A recipe and those that it extends, as one: maps are merged, stages by their names, and the file that extends wins. Its
 * `defaults` are given to every stage whose kind has such an option and that does not say otherwise.
 */
import { dirname, resolve } from 'node:path';
import { UserError } from '../base/errors.ts';
import { readText } from '../base/files.ts';
import { type KindName, stageKinds } from '../stages/index.ts';
import { paths } from '../stages/stage.ts';
import { mapPlaces } from './places.ts';
import type { Problem } from './problems.ts';
import { isRecord, valueAt } from './rules.ts';
import { recipeSchema } from './schema.ts';
import { type Path, placeOf, readSource, type RecipeSource } from './source.ts';
import { suggestion } from './suggest.ts';

type Values = Record<string, unknown>;

/** The files that make up a recipe, the one that was asked for first. */
export interface Layers {
  readonly sources: readonly RecipeSource[];
  /** What they say together. */
  readonly value: Values;
}

/** Reads the recipe `text` that stands in `file`, and what it extends. Throws UserErrors. */
export function readLayers(text: string, file: string): Layers {
  const sources = chainOf(text, file, []);
  const value = sources.toReversed().reduce<Values>((under, { file: own, value: over }, i) => {
    const isLast = i === sources.length - 1;
    const { extends: _extends, ...values } = isLast
      ? over
      : (mapPlaces(recipeSchema, over, paths, (place) => resolve(dirname(own), place.value)) as Values);
    // A copy: what stands where is looked up in the sources afterwards.
    return merged(under, structuredClone(values));
  }, {});
  return { sources, value };
}

function chainOf(text: string, file: string, before: readonly string[]): RecipeSource[] {
  const source = readSource(text, file);
  const parent = source.value['extends'];
  if (parent === undefined) return [source];
  const at = placeOf(source, ['extends'], 'value');
  if (typeof parent !== 'string')
    throw new UserError('RECIPE', `${at}: extends must be the path of a recipe, relative to this one.`);
  const path = resolve(dirname(file), parent);
  const chain = [...before, resolve(file)];
  if (chain.includes(path))
    throw new UserError(
      'RECIPE',
      `${at}: ${parent} extends this recipe in turn, which never ends; remove one.`,
    );
  return [source, ...chainOf(readText(path), path, chain)];
}

const nameOf = (entry: unknown): unknown => (isRecord(entry) ? entry['name'] : undefined);

/** `over` on top of `under`: maps by their keys, lists of named things by their names, all else as a whole. */
function merged(under: Values, over: Values): Values {
  const both: Values = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(under, key) ? under[key] : undefined;
    both[key] =
      isRecord(below) && isRecord(value)
        ? merged(below, value)
        : Array.isArray(below) && Array.isArray(value) && key === 'stages'
          ? mergedStages(below, value)
          : value;
  }
  return both;
}

function mergedStages(under: readonly unknown[], over: readonly unknown[]): unknown[] {
  const own = new Map(over.map((stage) => [nameOf(stage), stage]));
  const known = new Set(under.map(nameOf));
  return [
    ...under.map((stage) => {
      const changed = own.get(nameOf(stage));
      return isRecord(stage) && isRecord(changed) ? merged(stage, changed) : stage;
    }),
    ...over.filter((stage) => !known.has(nameOf(stage))),
  ];
}

const optionsOf = (stage: Values): Readonly<Record<string, unknown>> =>
  typeof stage['kind'] === 'string' && Object.hasOwn(stageKinds, stage['kind'])
    ? { seed: true, ...stageKinds[stage['kind'] as KindName].options }
    : {};

/** Gives the defaults of `value` to its stages, in place, and takes them out; says which belong to no stage. */
export function applyDefaults(value: Values): Problem[] {
  const { defaults } = value;
  delete value['defaults'];
  if (defaults === undefined) return [];
  if (!isRecord(defaults))
    return [
      { path: ['defaults'], part: 'value', text: 'defaults must be a map of options that stages have.' },
    ];
  const stages = (Array.isArray(value['stages']) ? value['stages'] : []).filter(isRecord) as Values[];
  const known = new Set(stages.flatMap((stage) => Object.keys(optionsOf(stage))));
  for (const stage of stages) {
    const options = optionsOf(stage);
    for (const [key, preset] of Object.entries(defaults))
      if (Object.hasOwn(options, key) && !Object.hasOwn(stage, key)) stage[key] = structuredClone(preset);
  }
  return Object.keys(defaults)
    .filter((key) => !known.has(key))
    .map((key) => ({
      path: ['defaults', key],
      part: 'key',
      text: `defaults.${key} is an option of no stage of this recipe${suggestion(key, [...known].sort(), 'they have')}`,
    }));
}

/** `file:line:column` of what stands at `path` of the whole: in the topmost file that says it, or among its defaults. */
export function placeIn({ sources, value }: Layers, path: Path, part: 'key' | 'value'): string {
  const [first] = path;
  const name = first === 'stages' ? nameOf(valueAt(value, path.slice(0, 2))) : undefined;
  const local = ({ value: own }: RecipeSource): Path => {
    const stages = own['stages'];
    if (name === undefined || !Array.isArray(stages)) return path;
    const isSame = nameOf(stages[Number(path[1])]) === name;
    const index = isSame ? Number(path[1]) : stages.findIndex((stage) => nameOf(stage) === name);
    return index < 0 ? [] : ['stages', index, ...path.slice(2)];
  };
  const has = (source: RecipeSource, at: Path): boolean =>
    at.length > 0 && valueAt(source.value, at) !== undefined;
  const preset: Path = ['defaults', ...path.slice(2)];
  for (const [wanted, of] of [
    [local, path.length],
    [() => preset, first === 'stages' ? path.length : 0],
  ] as const) {
    const source = of === 0 ? undefined : sources.find((one) => has(one, wanted(one)));
    if (source !== undefined) return placeOf(source, wanted(source), part);
  }
  // Nobody says it: the nearest thing around it, in the topmost file that has that.
  if (path.length > 1) return placeIn({ sources, value }, path.slice(0, -1), 'value');
  const [top] = sources;
  return top === undefined ? '' : placeOf(top, path, part);
}
