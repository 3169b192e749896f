/** Ways to obey JSON Schemas: references followed, alternatives chosen, so that what is left speaks of a value itself. */
import { UserError } from '../../../src/base/errors.ts';
import { type Fields, isFields } from '../../../src/json/value.ts';

/** One of the ways in which a schema is obeyed: schemas that hold, their combinations chosen, and some that must not. */
export interface Choice {
  readonly own: readonly Fields[];
  readonly never: readonly (readonly Fields[])[];
}

/** Keywords that change what a value may be, and are not held. */
const REFUSED =
  '$dynamicRef $recursiveRef if patternProperties propertyNames dependentRequired dependentSchemas dependencies contains prefixItems unevaluatedItems unevaluatedProperties'.split(
    ' ',
  );
const COMBINATIONS = ['$ref', 'anyOf', 'oneOf', 'allOf', 'not'];
/** Ways to obey a schema, at most. */
const MAX_CHOICES = 512;
/** A schema without its combinations, whose choices stand beside it. */
export const bare = (schema: Fields): Fields =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => !COMBINATIONS.includes(key)));

/** A schema that nothing obeys. */
export const FALSE: Fields = { not: {} };

export const listIn = (schema: Fields, key: string): readonly unknown[] | undefined => {
  const list = schema[key];
  return Array.isArray(list) ? list : undefined;
};

/** Error for a part of a schema that cannot be held. */
export const refused = (what: string): UserError =>
  new UserError(
    'SCHEMA',
    `The schema has ${what}, which calls cannot be held to; write it otherwise or leave it out.`,
  );

const TYPES = ['string', 'number', 'boolean', 'null', 'object', 'array'];

/** Types that schemas allow, all of them where none says; of integers the number is named, and `isInteger` told. */
export function typesOf(own: readonly Fields[]): {
  readonly types: readonly string[];
  readonly isInteger: boolean;
} {
  const has = (...keys: readonly string[]): boolean =>
    own.some((schema) => keys.some((key) => key in schema));
  const named = own
    .map(({ type }) => [type].flat().filter((name) => TYPES.includes(String(name)) || name === 'integer'))
    .filter((names) => names.length > 0);
  const isInteger = named.some((names) => names.includes('integer') && !names.includes('number'));
  const all = named.map((names) => names.map((name) => (name === 'integer' ? 'number' : String(name))));
  if (named.length > 0)
    return { types: TYPES.filter((type) => all.every((names) => names.includes(type))), isInteger };
  if (has('const', 'enum')) return { types: TYPES, isInteger };
  // A keyword of one type alone means that type.
  if (has('properties', 'required')) return { types: ['object'], isInteger };
  if (has('items')) return { types: ['array'], isInteger };
  if (has('pattern', 'minLength', 'maxLength', 'format')) return { types: ['string'], isInteger };
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'))
    return { types: ['number'], isInteger };
  return { types: TYPES, isInteger };
}

/** Combinations of the schemas in a root. */
export class Choices {
  readonly #root: Fields;

  constructor(root: Fields) {
    this.#root = root;
  }

  /** Schema that a reference means. */
  #referred(reference: string): unknown {
    const path = reference.startsWith('#') ? reference.slice(1) : undefined;
    const keys = path?.split('/').slice(1);
    const found = keys?.reduce<unknown>((schema, key) => {
      const name = decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(schema)) return schema[Number(name)] as unknown;
      return isFields(schema) && Object.hasOwn(schema, name) ? schema[name] : undefined;
    }, this.#root);
    if (found === undefined || path === undefined || (path !== '' && !path.startsWith('/')))
      throw new UserError('SCHEMA', `The schema refers to ${reference}, which is not in it; write it out.`);
    return found;
  }

  /** Every way to obey one of the first and one of the second. */
  #both(a: readonly Choice[], b: readonly Choice[]): readonly Choice[] {
    if (a.length * b.length > MAX_CHOICES)
      throw refused(`more than ${MAX_CHOICES} combinations of alternatives`);
    return a.flatMap((x) => b.map((y) => ({ own: [...x.own, ...y.own], never: [...x.never, ...y.never] })));
  }

  /** Ways to obey a schema. One that refers to itself without a value between is obeyed by nothing. */
  #choices(schema: unknown, above: readonly unknown[] = []): readonly Choice[] {
    if (schema === false || schema === FALSE || above.includes(schema)) return [];
    if (!isFields(schema)) return [{ own: [], never: [] }];
    const keyword = REFUSED.find((name) => name in schema && schema[name] !== true);
    if (keyword !== undefined) throw refused(keyword);
    if (Array.isArray(schema['items'])) throw refused('a list of schemas as items');
    const within = [...above, schema];
    const of = (part: unknown): readonly Choice[] => this.#choices(part, within);
    const parts: (readonly Choice[])[] = [[{ own: [schema], never: [] }]];
    const { $ref, not } = schema;
    if (typeof $ref === 'string') parts.push(of(this.#referred($ref)));
    for (const part of listIn(schema, 'allOf') ?? []) parts.push(of(part));
    const any = listIn(schema, 'anyOf');
    if (any !== undefined) parts.push(any.flatMap(of));
    const one = listIn(schema, 'oneOf')?.map(of);
    if (one !== undefined)
      parts.push(
        one.flatMap((choices, i) => {
          const others = one.flatMap((other, j) => (j === i ? [] : other.map(({ own }) => own)));
          return choices.map(({ own, never }) => ({ own, never: [...never, ...others] }));
        }),
      );
    if (not === true || (isFields(not) && Object.keys(not).length === 0)) return [];
    if (not !== undefined) parts.push([{ own: [], never: of(not).map(({ own }) => own) }]);
    return parts.reduce((all, part) => this.#both(all, part));
  }

  /** Ways to obey several schemas at once. Throws a UserError for a keyword that cannot be held. */
  of(schemas: readonly Fields[]): readonly Choice[] {
    const none: readonly Choice[] = [{ own: [], never: [] }];
    return schemas.map((schema) => this.#choices(schema)).reduce((all, part) => this.#both(all, part), none);
  }
}
