/**
 * Tells whether the arguments of a call are what the tool's JSON Schema asks for. @cfworker/json-schema validates: it has no dependencies,
 * and it interprets schemas, where others compile code out of them, which is not for schemas that come with a data set.
 *
 * Looked at are types (also Python's names of them), required arguments, nested objects and lists, enumerations, alternatives and limits of
 * size. Left out are what may take long on a long value (pattern, format, uniqueItems, multipleOf, contains) and references to other schemas:
 * there, as where a schema is malformed or more than MAX_SCHEMA_DEPTH deep, any value will do. Integers beyond 2^53 are compared as the nearest float.
 */
import { Validator, type Schema } from '@cfworker/json-schema';
import type { ToolEntry } from '../chat/tools.ts';
import { propertySchema, withJsonSchema } from '../chat/tool-schema.ts';
import { isDict, isList, type PyDict, type PyValue } from '../json/python.ts';

const MAX_SCHEMA_DEPTH = 32;
const DRAFT = '2020-12';
/** How long a message may be: a model can write a name of any length. */
const BRIEF = 200;

const JSON_TYPES: ReadonlySet<PyValue> = new Set([
  'string',
  'integer',
  'number',
  'boolean',
  'array',
  'object',
  'null',
]);
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

/** What of a schema can be checked, in the form that the validator takes. */
function checkable(value: PyValue, depth = 0): Schema | boolean {
  if (typeof value === 'boolean') return value;
  if (!isDict(value) || depth === MAX_SCHEMA_DEPTH) return true;
  const written = propertySchema(value).schema;
  if (!isDict(written)) return true;
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

/** The arguments that a tool takes. */
export class ArgumentSchema {
  readonly #validator: Validator;

  constructor(tool: ToolEntry) {
    const parameters = withJsonSchema(new Map([['parameters', tool.parameters]])).get('parameters') ?? null;
    this.#validator = new Validator(checkable(parameters), DRAFT);
  }

  /** What is wrong with the arguments, of several faults the innermost of the first; undefined if they are right. */
  fault(written: PyDict): string | undefined {
    const error = this.#validator.validate(plain(written)).errors.at(-1);
    if (error === undefined) return undefined;
    const text =
      error.instanceLocation === '#' ? error.error : `${error.instanceLocation.slice(2)}: ${error.error}`;
    return text.length > BRIEF ? `${text.slice(0, BRIEF - 3)}...` : text;
  }
}
