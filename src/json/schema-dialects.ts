/**
 * Parameters as JSON Schema. xLAM's table {name: {description, type: "int, optional", default}} becomes {type: "object",
 * properties, required}; Python's names of types become JSON Schema's, and `required: true` of a property (OpenAPI 2,
 * draft 3) moves into the list of what holds it, at every depth. Every other key stays as it is. Optional: the
 * reference trains on the tables as they are.
 */
import { isDict, isList, type PyDict, type PyValue } from './python.ts';

/** Names that data sets have for the types of JSON Schema. */
const NAMES: Readonly<Record<string, string>> = {
  string: 'str string',
  integer: 'int integer long',
  number: 'float double number',
  boolean: 'bool boolean',
  array: 'list array tuple set',
  object: 'dict object hashmap',
  null: 'none nonetype null',
};
const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(NAMES).flatMap(([type, names]) => names.split(' ').map((name) => [name, type] as const)),
);

/** The names of JSON Schema's types. */
export const JSON_TYPES: ReadonlySet<PyValue> = new Set(Object.keys(NAMES));

/** Cuts at the commas that are not inside of brackets. */
function topLevelParts(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const char of text) {
    if (char === '[' || char === '(') depth++;
    if (char === ']' || char === ')') depth--;
    if (char === ',' && depth <= 0) {
      parts.push(part.trim());
      part = '';
    } else part += char;
  }
  return [...parts, part.trim()];
}

/** A Python type as JSON Schema: `List[int]` is {type: array, items: {type: integer}}; an unknown one is any value. */
export function schemaOfType(written: string): ReadonlyMap<string, PyValue> {
  const text = written.trim();
  const generic = /^([A-Za-z_.]+)\[([\s\S]*)\]$/.exec(text);
  const base = (generic?.[1] ?? text).replace(/^typing\./, '').toLowerCase();
  const inner = topLevelParts(generic?.[2] ?? '').filter((part) => part !== '' && part !== '...');
  if (base === 'optional') return schemaOfType(inner[0] ?? '');
  if (base === 'union') return unionOf(inner);
  const type = TYPES.get(base);
  if (type === undefined) return new Map();
  const schema = new Map<string, PyValue>([['type', type]]);
  const [item, ...others] = inner;
  if (type === 'array' && item !== undefined && others.every((other) => other === item))
    schema.set('items', schemaOfType(item));
  return schema;
}

function unionOf(members: readonly string[]): ReadonlyMap<string, PyValue> {
  const schemas = members.map(schemaOfType);
  const [only] = schemas;
  if (only !== undefined && schemas.length === 1) return only;
  return new Map([['anyOf', schemas]]);
}

/** Keys that hold one schema, a list of them, and schemas by name. */
const ONE =
  'items additionalProperties additionalItems unevaluatedItems unevaluatedProperties contains propertyNames not if then else'.split(
    ' ',
  );
const LISTS = ['anyOf', 'oneOf', 'allOf', 'prefixItems', 'items'];
const NAMED = ['properties', '$defs', 'definitions', 'patternProperties', 'dependentSchemas'];

/** Keys of the parameters themselves, which come first. */
const OBJECT_KEYS = ['type', 'properties', 'required'];

/** A type, or several, by the names of JSON Schema; what is beside them, such as items. */
function typeEntries(written: PyValue): PyDict {
  if (typeof written === 'string') return schemaOfType(topLevelParts(written)[0] ?? '');
  if (!isList(written)) return new Map([['type', written]]);
  const names = written.map((one) => (typeof one === 'string' ? (TYPES.get(one.toLowerCase()) ?? one) : one));
  return new Map([['type', names]]);
}

/** Schemas by name, each changed by `change`. */
const eachChanged = (schemas: PyDict, change: (schema: PyDict) => PyDict): PyDict =>
  new Map([...schemas].map(([name, item]) => [name, isDict(item) ? change(item) : item]));

/** Value under a key of a schema, with the schemas in it changed by `change`. */
function innerValue(key: string, value: PyValue, change: (schema: PyDict) => PyDict): PyValue {
  if (isList(value))
    return LISTS.includes(key) ? value.map((item) => (isDict(item) ? change(item) : item)) : value;
  if (!isDict(value)) return value;
  if (ONE.includes(key)) return change(value);
  return NAMED.includes(key) ? eachChanged(value, change) : value;
}

/** The schemas that stand in a schema. */
export function subschemas(schema: PyDict): readonly PyDict[] {
  const found: PyDict[] = [];
  const note = (part: PyDict): PyDict => {
    found.push(part);
    return part;
  };
  for (const [key, value] of schema) innerValue(key, value, note);
  return found;
}

/** The names in a list of required properties, and of those that say so themselves. */
function requiredNames(schema: PyDict, properties: PyDict): readonly PyValue[] {
  const listed = schema.get('required');
  const known = isList(listed) ? listed : [];
  const own = [...properties].flatMap(([name, value]) =>
    isDict(value) && value.get('required') === true && !known.includes(name) ? [name] : [],
  );
  return [...known, ...own];
}

/** A schema whose parts are read too. */
function readSchema(schema: PyDict): PyDict {
  const written = schema.get('type') ?? null;
  const types = written === null ? new Map<string, PyValue>() : typeEntries(written);
  const properties = schema.get('properties');
  const read = new Map<string, PyValue>(types);
  for (const [key, value] of schema) {
    if (key === 'type') continue;
    // A list names what an object needs; anything else says whether this schema itself is needed.
    if (key === 'required' && !isList(value)) continue;
    read.set(key, innerValue(key, value, readSchema));
  }
  if (isDict(properties)) {
    const required = requiredNames(schema, properties);
    if (required.length > 0) read.set('required', required);
  }
  return read;
}

/** Tells whether an argument of a table may be left out. */
function isOptional(entry: PyValue): boolean {
  if (!isDict(entry)) return true;
  const [required, written] = [entry.get('required'), entry.get('type')];
  if (typeof required === 'boolean') return !required;
  const parts = typeof written === 'string' ? topLevelParts(written) : [];
  const saysSo = parts.some((part) => /^(optional$|default)/i.test(part));
  return saysSo || /^optional\[/i.test(parts[0] ?? '') || entry.has('default');
}

/** Tells whether parameters are a schema: a table has objects under all of its keys, its arguments' names. */
function isSchema(parameters: PyDict): boolean {
  const type = parameters.get('type') ?? null;
  const isWhole = typeof type === 'string' || typeof parameters.get('$ref') === 'string';
  const hasParts = ['anyOf', 'oneOf', 'allOf'].some((key) => isList(parameters.get(key)));
  return isWhole || hasParts || (type !== null && isDict(parameters.get('properties')));
}

/** A tool whose parameters are JSON Schema. */
export function withJsonSchema(tool: PyDict): PyDict {
  const parameters = tool.get('parameters') ?? new Map<string, PyValue>();
  if (!isDict(parameters)) return tool;
  if (!isSchema(parameters)) {
    const required = [...parameters].filter(([, entry]) => !isOptional(entry)).map(([name]) => name);
    return new Map([...tool, ['parameters', objectSchema(parameters, required)]]);
  }
  const given = parameters.get('properties');
  const properties: PyDict = isDict(given) ? given : new Map();
  const others = [...readSchema(parameters)].filter(([key]) => !OBJECT_KEYS.includes(key));
  const schema = objectSchema(properties, requiredNames(parameters, properties));
  return new Map([...tool, ['parameters', new Map([...schema, ...others])]]);
}

function objectSchema(properties: PyDict, required: readonly PyValue[]): PyDict {
  return new Map<string, PyValue>([
    ['type', 'object'],
    ['properties', eachChanged(properties, readSchema)],
    ['required', required],
  ]);
}
