/**
 * Values held against a JSON Schema, such as the arguments of a call. @cfworker/json-schema validates: it has no dependencies,
 * and it interprets schemas, where others compile code out of them, which is not for schemas that come with a data set.
 *
 * Of those of data sets are looked at types (also Python's names of them), required arguments, nested objects and lists, enumerations, alternatives and limits of
 * size. Left out are what may take long on a long value (pattern, format, uniqueItems, multipleOf, contains) and references to other schemas:
 * there, as where a schema is malformed or more than MAX_SCHEMA_DEPTH deep, any value will do. Integers beyond 2^53 are compared as the nearest float.
 */
import { dereference, type OutputUnit, type Schema, validate, Validator } from '@cfworker/json-schema';
import { errorText, shortened, UserError } from '../base/errors.ts';
import { dumps } from './dumps.ts';
import { isDict, isList, type PyDict, type PyValue } from './python.ts';
import { JSON_TYPES, subschemas, withJsonSchema } from './schema-dialects.ts';
import type { Fields, JsonObject, JsonValue } from './value.ts';

const MAX_SCHEMA_DEPTH = 32;
const DRAFT = '2020-12';
/** Longest message: a model can write a name of any length. */
const BRIEF = 200;

const LIMITS = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
];
const ALTERNATIVES = ['anyOf', 'oneOf', 'allOf'];

/** Objects without a prototype: an argument may be named "constructor" or "__proto__". */
type Plain = Record<string, unknown>;

function emptyObject(): Plain {
  return Object.create(null) as Plain;
}

function plain(value: PyValue): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (isList(value)) return value.map(plain);
  return isDict(value) ? plainObject(value, plain) : value;
}

function plainObject(dict: PyDict, convert: (value: PyValue) => unknown): Plain {
  const object = emptyObject();
  for (const [key, value] of dict) object[key] = convert(value);
  return object;
}

/** The type that is asked for, if it is one of JSON Schema's. */
function checkableType(type: PyValue | undefined): unknown {
  if (!isList(type)) return type !== undefined && JSON_TYPES.has(type) ? type : undefined;
  return type.length > 0 && type.every((one) => JSON_TYPES.has(one)) ? type : undefined;
}

/** Part of a schema that can be checked, in the form that the validator takes. */
function checkable(written: PyValue, depth = 0): Schema | boolean {
  if (typeof written === 'boolean') return written;
  if (!isDict(written) || depth === MAX_SCHEMA_DEPTH) return true;
  const inner = (part: PyValue): Schema | boolean => checkable(part, depth + 1);
  const schema = emptyObject();
  const type = checkableType(written.get('type'));
  if (type !== undefined) schema['type'] = type;
  for (const key of ALTERNATIVES) {
    const parts = written.get(key);
    if (isList(parts) && parts.length > 0) schema[key] = parts.map(inner);
  }
  for (const key of LIMITS) {
    const limit = written.get(key);
    if (typeof limit === 'bigint' || typeof limit === 'number') schema[key] = Number(limit);
  }
  const [values, constant] = [written.get('enum'), written.get('const')];
  if (isList(values)) schema['enum'] = values.map(plain);
  if (constant !== undefined) schema['const'] = plain(constant);
  const [properties, required] = [written.get('properties'), written.get('required')];
  if (isDict(properties)) schema['properties'] = plainObject(properties, inner);
  if (isList(required)) schema['required'] = required.filter((name) => typeof name === 'string');
  for (const key of ['items', 'additionalProperties']) {
    const part = written.get(key);
    if (isDict(part) || typeof part === 'boolean') schema[key] = inner(part);
  }
  return schema;
}

/** One thing that is wrong with a value. */
export interface SchemaFault {
  /** Keys and indices that lead to it. */
  readonly path: readonly string[];
  /** The word of the schema that refuses it, `false` where nothing at all may be there. */
  readonly keyword: string;
  readonly message: string;
}

/** Words of a schema that hold other schemas of parts: what those say is the fault. */
const OF_PARTS: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'additionalProperties',
  'items',
  'prefixItems',
  'allOf',
  '$ref',
]);

/** Words of a schema whose parts are alternatives. */
const UNIONS: ReadonlySet<string> = new Set(['anyOf', 'oneOf']);

function faultOf({ instanceLocation, keyword, error }: OutputUnit): SchemaFault {
  const path = instanceLocation
    .split('/')
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'));
  const missing = keyword === 'required' ? /"(.*)"\.$/s.exec(error)?.[1] : undefined;
  return { path: missing === undefined ? path : [...path, missing], keyword, message: error };
}

/** A JSON Schema that values are held against. */
export class JsonSchema {
  readonly #validator: Validator;

  /** Takes a schema as it stands, whole: one of the user's own, see `schemaProblem`. With `all`, validation goes on behind a fault. */
  constructor(schema: JsonObject, { all = false }: { readonly all?: boolean } = {}) {
    this.#validator = new Validator(schema, DRAFT, !all);
  }

  /** The schema of a tool of a data set, or its table of arguments, as far as it can be checked. */
  static ofParameters(parameters: PyDict): JsonSchema {
    const written = withJsonSchema(new Map([['parameters', parameters]])).get('parameters') ?? null;
    return new JsonSchema(checkable(written) as JsonObject);
  }

  /** The first fault of a value, its innermost part; undefined if there is none. */
  firstFault(value: JsonValue): SchemaFault | undefined {
    const error = this.#validator.validate(value).errors.find(({ keyword }) => !OF_PARTS.has(keyword));
    return error === undefined ? undefined : faultOf(error);
  }

  /** All faults of a value, innermost parts; of alternatives that all refuse it only that they do. */
  faults(value: JsonValue): SchemaFault[] {
    const { errors } = this.#validator.validate(value);
    const unions = errors.filter(({ keyword }) => UNIONS.has(keyword));
    const isOfUnion = ({ keywordLocation }: OutputUnit): boolean =>
      unions.some((union) => keywordLocation.startsWith(`${union.keywordLocation}/`));
    return errors.filter((error) => !OF_PARTS.has(error.keyword) && !isOfUnion(error)).map(faultOf);
  }

  /** Says what is wrong with a dict, of several faults the innermost of the first; undefined if it is right. */
  fault(written: PyDict): string | undefined {
    const error = this.#validator.validate(plain(written)).errors.at(-1);
    if (error === undefined) return undefined;
    const text =
      error.instanceLocation === '#' ? error.error : `${error.instanceLocation.slice(2)}: ${error.error}`;
    return shortened(text, BRIEF);
  }
}

/**
 * Tells of values whether they obey a schema inside of `root`, which is marked by it. Throws a UserError for a reference that
 * the validator cannot follow.
 */
export function schemaPart(root: Fields): (value: JsonValue, part: Fields) => boolean {
  const reading = <T>(read: () => T): T => {
    try {
      return read();
    } catch (thrown) {
      throw new UserError('SCHEMA', `The schema cannot be read: ${errorText(thrown)}; correct it.`);
    }
  };
  const lookup = reading(() => dereference(root as Schema));
  return (value, part) => reading(() => validate(value, part as Schema, DRAFT, lookup).valid);
}

/** Tells whether `#/a/b` leads to something in a schema. */
function leads(reference: string, root: PyDict): boolean {
  const [start, ...keys] = reference.split('/').map((key) => decodeURIComponent(key));
  const place = keys.reduce<PyValue | undefined>((at, key) => (isDict(at) ? at.get(key) : undefined), root);
  return start === '#' && place !== undefined;
}

/** Says why a schema cannot be read, itself or a part of it: an unknown type, a reference that leads nowhere. */
export function schemaProblem(schema: PyDict, root = schema): string | undefined {
  const type = schema.get('type');
  if (type !== undefined && checkableType(type) === undefined) return `${dumps(type)} is no type`;
  const reference = schema.get('$ref');
  if (typeof reference === 'string' && !leads(reference, root)) return `${reference} leads nowhere`;
  for (const part of subschemas(schema)) {
    const problem = schemaProblem(part, root);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
