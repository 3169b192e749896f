/** The recipe's schema put into words: which keys may stand at a path, and what a value there must be. */
import { z } from 'zod';
import { recipeSchema } from './schema.ts';
import type { Path } from './source.ts';
import { listed } from './suggest.ts';

/** The part of JSON Schema that zod makes of a recipe's schema. */
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
}

const RECIPE_RULE = z.toJSONSchema(
  recipeSchema.extend({ extends: z.string(), defaults: z.record(z.string(), z.unknown()) }),
  { io: 'input' },
) as Rule;

/** What a wrong name must be instead. */
export const NAME_RULE = 'a name of letters, digits, dots, dashes and underscores';

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const segment of path) {
    value = Array.isArray(value) ? value[Number(segment)] : isRecord(value) ? value[segment] : undefined;
  }
  return value;
}

/** The alternatives that `value` may be judged by: one, when a key such as `kind` decides. */
function branches(rule: Rule, value: unknown): readonly Rule[] {
  const choices = rule.oneOf ?? rule.anyOf;
  if (choices === undefined) return [rule];
  const decided = choices.filter((choice) =>
    Object.entries(choice.properties ?? {}).some(
      ([key, inner]) => isRecord(value) && inner.const !== undefined && inner.const === value[key],
    ),
  );
  return decided.length > 0 ? decided : choices;
}

/** The rules for what stands at `path` of the recipe `root`: several, where there is a choice. */
export function rulesAt(root: unknown, path: Path): readonly Rule[] {
  let rules = branches(RECIPE_RULE, root);
  let value = root;
  for (const segment of path) {
    value = valueAt(value, [segment]);
    rules = rules.flatMap((rule) => {
      const inner =
        rule.properties?.[segment] ??
        rule.prefixItems?.[Number(segment)] ??
        rule.items ??
        rule.additionalProperties;
      return inner === undefined || inner === false ? [] : branches(inner, value);
    });
  }
  return rules;
}

/** The values that the rules list, when they list any. */
export function choicesOf(rules: readonly Rule[]): string[] {
  const all = rules.flatMap((rule) => branches(rule, undefined));
  const values = all.flatMap((rule): readonly (string | number)[] =>
    rule.const === undefined ? (rule.enum ?? []) : [rule.const],
  );
  return [...new Set(values.map(String))];
}

function rangeText(rule: Rule): string {
  // zod bounds whole numbers by the safe integers, which says nothing to a reader.
  const bound = (value: number | undefined): number | undefined =>
    value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER ? undefined : value;
  const [least, most] = [bound(rule.minimum), bound(rule.maximum)];
  const { exclusiveMinimum: above, exclusiveMaximum: below } = rule;
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}`;
  const low = least !== undefined ? `at least ${least}` : above !== undefined ? `above ${above}` : '';
  const high = most !== undefined ? `at most ${most}` : below !== undefined ? `below ${below}` : '';
  const both = [low, high].filter(Boolean).join(' and ');
  return both === '' ? '' : ` ${both}`;
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

/** What a value must be, in words. */
export function rulesText(rules: readonly Rule[]): string {
  const choices = choicesOf(rules);
  const all = rules.flatMap((rule) => branches(rule, undefined));
  // A choice of maps, as of the kinds of stages, would be too long to tell.
  if (all.length > 2 && all.every((rule) => rule.type === 'object')) return 'a map';
  return all.length > 1 && choices.length === all.length
    ? listed(choices)
    : listed([...new Set(all.map(ruleText))]);
}
