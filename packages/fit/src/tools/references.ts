/**
 * Schemas in one piece: `$ref` is followed and `allOf` is joined, so that what reads a schema sees its own words alone. A
 * reference that leads back into itself is followed twice and then ends, so that a tree has leaves.
 */
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import { isOfType } from './types.ts';

/** Times that one reference may stand on the way to a schema. */
const MOST_ROUNDS = 2;
/** References that may follow one another without a schema of their own between them. */
const MOST_STEPS = 50;

/** A schema with the references that led to it. */
export interface Site {
  readonly schema: JsonObject;
  readonly refs: readonly string[];
}

/** Reason that a schema has no piece to show. */
export type Missing = 'recursive' | 'unresolved' | 'impossible';

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return key.replaceAll('~1', '/').replaceAll('~0', '~');
  }
}

function at(value: JsonValue | undefined, key: string): JsonValue | undefined {
  if (Array.isArray(value)) return value[Number(key)] as JsonValue | undefined;
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The schema inside of `value` that calls itself by a name. */
function named(value: JsonValue | undefined, name: string, depth = 0): JsonObject | undefined {
  if (typeof value !== 'object' || value === null || depth > MOST_STEPS) return undefined;
  if (isObject(value)) {
    const own = [value['$id'], value['id'], value['$anchor']].some(
      (given) => given === name || (typeof given === 'string' && `#${given}` === name),
    );
    if (own) return value;
  }
  for (const inner of Object.values(value)) {
    const found = named(inner, name, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

const LEAST = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];
const GREATEST = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];

function joinedProperties(one: JsonObject, other: JsonObject): JsonObject {
  const both = Object.entries(other).map(([name, schema]): [string, JsonValue] => {
    const known = Object.hasOwn(one, name) ? one[name] : undefined;
    const isSame = known === undefined || JSON.stringify(known) === JSON.stringify(schema);
    return [name, isSame ? schema : { allOf: [known, schema] }];
  });
  return Object.fromEntries([...Object.entries(one), ...both]);
}

const listOf = (types: JsonValue): readonly JsonValue[] =>
  Array.isArray(types) ? (types as JsonValue[]) : [types];

/** The types that both have, a whole number being a number; an empty list where there is none. */
function joinedTypes(one: JsonValue, other: JsonValue): JsonValue {
  const [types, others] = [listOf(one), listOf(other)];
  const has = (all: readonly JsonValue[], type: JsonValue): boolean =>
    all.includes(type) || (type === 'integer' && all.includes('number'));
  const shared = [...types.filter((type) => has(others, type)), ...others.filter((type) => has(types, type))];
  const [only, ...more] = new Set(shared);
  return only !== undefined && more.length === 0
    ? only
    : [only, ...more].filter((type) => type !== undefined);
}

/** The values that a schema lists, a constant being one. */
function listed(schema: JsonObject): JsonObject {
  if (schema['const'] === undefined) return schema;
  const { const: constant, ...rest } = schema;
  return { ...rest, enum: [constant] };
}

/** Schema that was joined, its values being of its type; undefined where none is left. */
function possible(schema: JsonObject): JsonObject | undefined {
  const { type, enum: values } = schema;
  if (Array.isArray(type) && type.length === 0) return undefined;
  if (!Array.isArray(values)) return schema;
  const left = (values as readonly JsonValue[]).filter(
    (value) => type === undefined || isOfType(value, listOf(type)),
  );
  return left.length === 0 ? undefined : { ...schema, enum: left };
}

/** The value of a word that two schemas both have. */
function joinedWord(word: string, one: JsonValue, other: JsonValue): JsonValue {
  if (word === 'properties' && isObject(one) && isObject(other)) return joinedProperties(one, other);
  if (word === 'required' && Array.isArray(one) && Array.isArray(other))
    return [...new Set([...(one as JsonValue[]), ...(other as JsonValue[])])];
  if (word === 'enum' && Array.isArray(one) && Array.isArray(other)) {
    const texts = new Set(other.map((value: JsonValue) => JSON.stringify(value)));
    return one.filter((value: JsonValue) => texts.has(JSON.stringify(value)));
  }
  if (word === 'type') return joinedTypes(one, other);
  if (word === 'items' && isObject(one) && isObject(other)) return { allOf: [one, other] };
  if (typeof one === 'number' && typeof other === 'number') {
    if (LEAST.includes(word)) return Math.min(one, other);
    if (GREATEST.includes(word)) return Math.max(one, other);
  }
  if (word === 'nullable') return one === true && other === true;
  return one;
}

/** A schema that asks for what both ask for; where words cannot be joined, such as two patterns, the first has it. */
function joined(one: JsonObject, other: JsonObject): JsonObject {
  const words = Object.entries(other).map(([word, value]): [string, JsonValue] => {
    const known = Object.hasOwn(one, word) ? one[word] : undefined;
    return [word, known === undefined ? value : joinedWord(word, known, value)];
  });
  return Object.fromEntries([...Object.entries(one), ...words]);
}

/** The places that references of a schema may lead to. */
export class References {
  readonly #roots: readonly JsonObject[];

  /** The first root that has what is referred to counts. */
  constructor(roots: readonly JsonObject[]) {
    this.#roots = roots;
  }

  #target(reference: string): JsonValue | undefined {
    const [start, ...keys] = reference.split('/');
    for (const root of this.#roots) {
      if (reference === '#') return root;
      const found =
        start === '#' ? keys.map(unescaped).reduce<JsonValue | undefined>(at, root) : named(root, reference);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The schema of a site without `$ref` and `allOf`; `fault` is told of a reference that leads nowhere. */
  whole({ schema, refs }: Site, fault: (reference: string) => void): Site | Missing {
    let [own, seen] = [schema, refs];
    for (let steps = 0; typeof own['$ref'] === 'string'; steps++) {
      const reference = own['$ref'];
      const isCircle = seen.filter((one) => one === reference).length >= MOST_ROUNDS;
      if (isCircle || steps > MOST_STEPS) return 'recursive';
      const target = this.#target(reference);
      if (target === undefined || (!isObject(target) && target !== true)) {
        fault(reference);
        return 'unresolved';
      }
      const { $ref: _, ...beside } = own;
      own = { ...(isObject(target) ? target : {}), ...beside };
      seen = [...seen, reference];
    }
    const parts = own['allOf'];
    if (!Array.isArray(parts)) return { schema: own, refs: seen };
    const { allOf: _, ...rest } = own;
    let all: Site = { schema: listed(rest), refs: seen };
    for (const part of parts as readonly JsonValue[]) {
      if (!isObject(part)) continue;
      const read = this.whole({ schema: part, refs: seen }, fault);
      if (typeof read === 'string') return read;
      // Closed to the other parts' properties, each part would refuse what the whole is for.
      const { additionalProperties: closed, ...open } = read.schema;
      const more = closed === undefined || closed === false ? {} : { additionalProperties: closed };
      all = {
        schema: joined(all.schema, listed({ ...open, ...more })),
        refs: [...all.refs, ...read.refs.slice(seen.length)],
      };
    }
    const left = possible(all.schema);
    return left === undefined ? 'impossible' : { ...all, schema: left };
  }
}
