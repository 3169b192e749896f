/** The recipe's schema as JSON Schema: which keys may stand at a path, what a value there must be, and what it refers to. */
import { z } from 'zod';
import { isFields } from '../json/value.ts';
import { NAME_RULE, type PathKind, paths, type Referent, references } from '../stages/stage.ts';
import { recipeSchema } from './schema.ts';
import { listed } from './suggest.ts';
import type { Path } from './tree.ts';

/** The part of JSON Schema that zod makes of a recipe's schema, with the marks of paths and references. */
export interface Rule {
  readonly type?: string;
  readonly const?: string | number;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, Rule>>;
  readonly additionalProperties?: Rule | false;
  readonly items?: Rule;
  readonly prefixItems?: readonly Rule[];
  readonly oneOf?: readonly Rule[];
  readonly anyOf?: readonly Rule[];
  readonly wants?: PathKind;
  readonly accepts?: readonly Referent[];
}

const SCHEMA = z.toJSONSchema(recipeSchema, {
  io: 'input',
  override: ({ zodSchema, jsonSchema }) =>
    Object.assign(jsonSchema, paths.get(zodSchema), references.get(zodSchema)),
}) as Rule;

const STAGES = SCHEMA.properties?.['stages']?.items?.oneOf ?? [];

/** The rule of a recipe in a file, which may extend another one and have defaults: options of any stage. */
const RECIPE: Rule = {
  ...SCHEMA,
  properties: {
    ...SCHEMA.properties,
    extends: { type: 'string' },
    defaults: { type: 'object', properties: Object.assign({}, ...STAGES.map((stage) => stage.properties)) },
  },
};

export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const segment of path) {
    value = Array.isArray(value) ? value[Number(segment)] : isFields(value) ? value[segment] : undefined;
  }
  return value;
}

/** The alternatives that `value` may be judged by: one, when a key such as `kind` decides. */
function branches(rule: Rule, value: unknown): readonly Rule[] {
  const choices = rule.oneOf ?? rule.anyOf;
  if (choices === undefined) return [rule];
  const decided = choices.filter((choice) =>
    Object.entries(choice.properties ?? {}).some(
      ([key, inner]) => isFields(value) && inner.const !== undefined && inner.const === value[key],
    ),
  );
  return decided.length > 0 ? decided : choices;
}

/** The rules for the `value` at a key or index of what `rule` is for. */
function within(rule: Rule, segment: string | number, value: unknown): readonly Rule[] {
  const { properties = {}, prefixItems, items, additionalProperties } = rule;
  const inner = Object.hasOwn(properties, segment)
    ? properties[segment]
    : (prefixItems?.[Number(segment)] ?? items ?? additionalProperties);
  return inner === undefined || inner === false ? [] : branches(inner, value);
}

/** The rules for what stands at `path` of the recipe `root`: several, where there is a choice. */
export function rulesAt(root: unknown, path: Path): readonly Rule[] {
  return path.reduce<readonly Rule[]>(
    (rules, segment, i) =>
      rules.flatMap((rule) => within(rule, segment, valueAt(root, path.slice(0, i + 1)))),
    [RECIPE],
  );
}

/** A text in a recipe that is a path, or that names a model, an environment or a stage. */
export interface Place {
  readonly path: Path;
  readonly value: string;
  readonly rule: Rule;
}

function* places(value: unknown, rules: readonly Rule[], path: Path): Iterable<Place> {
  if (typeof value === 'string') {
    const rule = rules.find(
      ({ wants, accepts, pattern }) =>
        (wants ?? accepts) !== undefined && (pattern === undefined || new RegExp(pattern).test(value)),
    );
    if (rule !== undefined) yield { path, value, rule };
  }
  if (typeof value !== 'object' || value === null) return;
  const [rule, another] = rules.filter(({ type }) => type === (Array.isArray(value) ? 'array' : 'object'));
  // Of a stage of an unknown kind nothing is known.
  if (rule === undefined || another !== undefined) return;
  for (const [key, inner] of Object.entries(value)) {
    const segment = Array.isArray(value) ? Number(key) : key;
    yield* places(inner, within(rule, segment, inner), [...path, segment]);
  }
}

/** Every path and reference of a recipe, which need not be well-formed, in its order. */
export const placesIn = (recipe: unknown): Place[] => [...places(recipe, [RECIPE], [])];

/** Every path and reference of a stage, by its path inside of it. */
export const placesInStage = (stage: unknown): Place[] => [
  ...places(stage, branches({ oneOf: STAGES }, stage), []),
];

/** The values that the rules list, when they list any. */
export function choicesOf(rules: readonly Rule[]): string[] {
  const all = rules.flatMap((rule) => branches(rule, undefined));
  const values = all.flatMap((rule): readonly (string | number)[] =>
    rule.const === undefined ? (rule.enum ?? []) : [rule.const],
  );
  return [...new Set(values.map(String))];
}

function rangeText({ minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below }: Rule): string {
  // zod bounds whole numbers by the safe integers, which says nothing to a reader.
  const [least, most] = [minimum, maximum].map((bound) =>
    Math.abs(bound ?? 0) === Number.MAX_SAFE_INTEGER ? undefined : bound,
  );
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}`;
  const low = least !== undefined ? ` at least ${least}` : above !== undefined ? ` above ${above}` : '';
  const high = most !== undefined ? ` at most ${most}` : below !== undefined ? ` below ${below}` : '';
  return low !== '' && high !== '' ? `${low} and${high}` : low + high;
}

function ruleText(rule: Rule): string {
  const choices = choicesOf([rule]);
  if (choices.length > 0) return listed(choices);
  switch (rule.type) {
    case 'integer':
      return `a whole number${rangeText(rule)}${rule.multipleOf === undefined ? '' : `, a multiple of ${rule.multipleOf}`}`;
    case 'number':
      return `a number${rangeText(rule)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      if (rule.wants === 'module') return 'the path of a module (.js, .mjs or .ts)';
      return rule.pattern === undefined ? 'text' : NAME_RULE;
    case 'array':
      if (rule.prefixItems !== undefined) return `a list of ${rule.prefixItems.length} numbers`;
      return rule.minItems === undefined ? 'a list' : 'a list with at least one entry';
    default: {
      const keys = Object.keys(rule.properties ?? {});
      const some = [...keys.slice(0, 6), ...(keys.length > 6 ? ['and more'] : [])];
      return keys.length > 0 ? `a map with the keys ${some.join(', ')}` : 'a map';
    }
  }
}

export function rulesText(rules: readonly Rule[]): string {
  const all = rules.flatMap((rule) => branches(rule, undefined));
  // A choice of maps, as of the kinds of stages, would be too long to tell.
  if (all.length > 2 && all.every((rule) => rule.type === 'object')) return 'a map';
  return listed([...new Set(all.map(ruleText))]);
}
