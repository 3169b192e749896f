/**
 * JSON values of a JSON Schema, as states: types, enum, const, bounds, lengths, properties in any order (each at most once,
 * none that is not declared), required ones, items, anyOf, oneOf, allOf with one schema that says something, $ref within
 * the schema. Pattern, format, multipleOf and uniqueItems are not held; a value of its type is written.
 */
import { UserError } from '../base/errors.ts';
import { isFields, type Fields } from '../json/value.ts';
import { leadsToNumber, number } from './numbers.ts';
import {
  bytesOf,
  code,
  either,
  literal,
  orElse,
  type Rest,
  spaced,
  type State,
  type TextSymbol,
} from './state.ts';
import { characters, someWords, type Words } from './strings.ts';

/** Parts that all values of a call share. */
export interface Around {
  /** Schema that references are looked up in. */
  readonly root: Fields;
  /** Words that strings are taken from, for the parameters at the top that `verbatim` names. */
  readonly words?: Words;
  readonly verbatim?: ReadonlySet<string>;
}

const [QUOTE, COMMA, COLON] = [code('"'), code(','), code(':')];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = ['{', '}', '[', ']'].map(code) as [
  TextSymbol,
  TextSymbol,
  TextSymbol,
  TextSymbol,
];
/** References and alternatives that are followed without a symbol between them, at most. */
const MAX_DEPTH = 32;

const one = (symbol: TextSymbol, rest: Rest): State => literal([symbol], rest);

const text = (value: unknown, rest: Rest): State => literal(bytesOf(JSON.stringify(value)), rest);

/** Schema that a reference means. */
function referred(reference: string, root: Fields): unknown {
  const path = reference.startsWith('#') ? reference.slice(1) : undefined;
  const keys = path?.split('/').slice(1);
  const found = keys?.reduce<unknown>((schema, key) => {
    const name = decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
    return isFields(schema) && Object.hasOwn(schema, name) ? schema[name] : undefined;
  }, root);
  if (found === undefined)
    throw new UserError('SCHEMA', `The schema refers to ${reference}, which is not in it; write it out.`);
  return found;
}

const numberIn = (schema: Fields, key: string, otherwise: number): number => {
  const value = schema[key];
  return typeof value === 'number' ? value : otherwise;
};

const TYPES = ['string', 'number', 'boolean', 'null', 'object', 'array', 'integer'];

/** Types that a schema allows; all of them where it does not say, or names none of JSON's. */
function typesOf({ type, properties, items }: Fields): readonly string[] {
  const named = [type].flat().filter((name) => typeof name === 'string' && TYPES.includes(name));
  if (named.length > 0) return named as string[];
  if (isFields(properties)) return ['object'];
  if (items !== undefined) return ['array'];
  return TYPES.slice(0, -1);
}

/** A schema without what its references and alternatives say: each of the states is one of them. */
function alternatives(schema: unknown, around: Around, depth: number): readonly Fields[] {
  if (depth > MAX_DEPTH)
    throw new UserError('SCHEMA', `The schema refers to itself without a value between; write it out.`);
  if (!isFields(schema)) return [{}];
  const inner = (other: unknown): readonly Fields[] => alternatives(other, around, depth + 1);
  const { $ref, anyOf, oneOf, allOf, ...own } = schema;
  if (typeof $ref === 'string') return inner(referred($ref, around.root));
  const options = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : undefined;
  if (options !== undefined) return options.flatMap(inner).map((option) => ({ ...own, ...option }));
  if (Array.isArray(allOf)) {
    const merged = allOf.flatMap((part) => inner(part).slice(0, 1));
    return [merged.reduce<Fields>((all, part) => ({ ...all, ...part }), own)];
  }
  return [own];
}

/** A value of a schema, and the rest. Throws a UserError for a schema that nothing can be written by. */
export function value(schema: unknown, around: Around, rest: Rest): State {
  const states = alternatives(schema, around, 0).flatMap((option) => plainValue(option, around, rest));
  const state = either(states);
  if (state === undefined)
    throw new UserError('SCHEMA', `The schema ${JSON.stringify(schema)} allows no value; correct it.`);
  return state;
}

function plainValue(schema: Fields, around: Around, rest: Rest): readonly State[] {
  if ('const' in schema) return [text(schema['const'], rest)];
  const values = schema['enum'];
  if (Array.isArray(values)) return values.map((each: unknown) => text(each, rest));
  return typesOf(schema).flatMap((type) => typed(type, schema, around, rest));
}

function typed(type: string, schema: Fields, around: Around, rest: Rest): readonly State[] {
  switch (type) {
    case 'string': {
      const lengths = {
        least: numberIn(schema, 'minLength', 0),
        most: numberIn(schema, 'maxLength', Infinity),
      };
      return [one(QUOTE, () => characters(lengths, rest))];
    }
    case 'integer':
    case 'number': {
      const bounds = {
        isInteger: type === 'integer',
        least: numberIn(schema, 'minimum', -Infinity),
        most: numberIn(schema, 'maximum', Infinity),
        above: numberIn(schema, 'exclusiveMinimum', -Infinity),
        below: numberIn(schema, 'exclusiveMaximum', Infinity),
      };
      return leadsToNumber('', bounds) ? [number(bounds, rest)] : [];
    }
    case 'boolean':
      return [text(true, rest), text(false, rest)];
    case 'null':
      return [text(null, rest)];
    case 'array':
      return [array(schema, around, rest)];
    case 'object':
      return [object(schema, around, rest)];
    default:
      return [];
  }
}

function array(schema: Fields, around: Around, rest: Rest): State {
  const least = numberIn(schema, 'minItems', 0);
  const most = numberIn(schema, 'maxItems', Infinity);
  const close = (count: number): State[] => (count >= least ? [one(CLOSE_ARRAY, rest)] : []);
  const item = (count: number): State => value(schema['items'], inside(around), () => behind(count + 1));
  const behind = (count: number): State => {
    const more = count < most ? [one(COMMA, () => spaced(() => item(count)))] : [];
    return either([...close(count), ...more]) ?? one(CLOSE_ARRAY, rest);
  };
  return one(OPEN_ARRAY, () => {
    const begin = most > 0 ? [item(0)] : [];
    return either([...close(0), ...begin]) ?? one(CLOSE_ARRAY, rest);
  });
}

/** The same for values inside of a value: rules for strings are of parameters at the top alone. */
const inside = ({ root }: Around): Around => ({ root });

/** An object with any keys. */
function anyObject(schema: Fields, around: Around, rest: Rest): State {
  const { additionalProperties: other } = schema;
  const lengths = { least: 0, most: Infinity };
  const member: Rest = () =>
    one(QUOTE, () =>
      characters(lengths, () =>
        one(COLON, () => spaced(() => value(isFields(other) ? other : {}, inside(around), behind))),
      ),
    );
  const behind: Rest = () =>
    orElse(
      (symbol) => (symbol === COMMA ? spaced(member) : undefined),
      () => one(CLOSE_OBJECT, rest),
    );
  return one(OPEN_OBJECT, () => orElse((symbol) => (symbol === CLOSE_OBJECT ? rest() : undefined), member));
}

/** An object: the properties that are declared, in any order. */
export function object(schema: Fields, around: Around, rest: Rest): State {
  const { properties, required, additionalProperties } = schema;
  const declared = isFields(properties) ? Object.entries(properties) : [];
  if (declared.length === 0) {
    const isFree = additionalProperties === true || isFields(additionalProperties);
    return isFree ? anyObject(schema, around, rest) : literal([OPEN_OBJECT, CLOSE_OBJECT], rest);
  }
  const due = Array.isArray(required) ? declared.filter(([key]) => required.includes(key)) : [];
  const close = (used: ReadonlySet<string>): State[] =>
    due.every(([key]) => used.has(key)) ? [one(CLOSE_OBJECT, rest)] : [];
  const keys = (used: ReadonlySet<string>): State[] =>
    declared.flatMap(([key, of]) => {
      if (used.has(key)) return [];
      const next = new Set([...used, key]);
      return [literal([...bytesOf(JSON.stringify(key)), COLON], () => spaced(() => property(key, of, next)))];
    });
  const property = (key: string, of: unknown, used: ReadonlySet<string>): State => {
    const behind: Rest = () => {
      const more = keys(used);
      const states = [
        ...close(used),
        ...(more.length === 0
          ? []
          : [one(COMMA, () => spaced(() => either(more) ?? one(CLOSE_OBJECT, rest)))]),
      ];
      return either(states) ?? one(CLOSE_OBJECT, rest);
    };
    const { words, verbatim } = around;
    const isVerbatim = words !== undefined && words.begins.length > 0 && verbatim?.has(key) === true;
    return isVerbatim ? one(QUOTE, () => someWords(words, behind)) : value(of, inside(around), behind);
  };
  const none = new Set<string>();
  return one(OPEN_OBJECT, () => either([...close(none), ...keys(none)]) ?? one(CLOSE_OBJECT, rest));
}
