/**
 * xLAM's parameters as JSON Schema. Its table {name: {description, type: "int, optional", default}} becomes {type:
 * "object", properties, required}, and Python's names of types become JSON Schema's. Optional: the reference trains on
 * the tables as they are.
 */
import { isDict, isList, type PyDict, type PyValue } from '../json/python.ts';

const TYPES: ReadonlyMap<string, string> = new Map([
  ['str', 'string'],
  ['string', 'string'],
  ['int', 'integer'],
  ['integer', 'integer'],
  ['long', 'integer'],
  ['float', 'number'],
  ['double', 'number'],
  ['number', 'number'],
  ['bool', 'boolean'],
  ['boolean', 'boolean'],
  ['list', 'array'],
  ['array', 'array'],
  ['tuple', 'array'],
  ['set', 'array'],
  ['dict', 'object'],
  ['object', 'object'],
  ['hashmap', 'object'],
  ['none', 'null'],
  ['nonetype', 'null'],
  ['null', 'null'],
]);

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

/** One argument's entry as JSON Schema, and whether it may be left out. */
export function propertySchema(value: PyValue): { readonly schema: PyValue; readonly optional: boolean } {
  if (!isDict(value)) return { schema: value, optional: true };
  const written = value.get('type');
  if (typeof written !== 'string')
    return { schema: value, optional: value.has('default') || value.get('required') === false };
  const parts = topLevelParts(written);
  const optional =
    parts.some((part) => part.toLowerCase() === 'optional' || part.toLowerCase().startsWith('default')) ||
    /^optional\[/i.test(parts[0] ?? '') ||
    value.has('default');
  const schema = new Map(schemaOfType(parts[0] ?? ''));
  for (const [key, item] of value) {
    // A list names what an object needs; anything else says whether this parameter is needed.
    if (key === 'type' || (key === 'required' && !isList(item))) continue;
    // The parts of a schema that is one already keep their own names of types.
    schema.set(key, key === 'items' && isDict(item) ? propertySchema(item).schema : item);
  }
  return { schema, optional };
}

/** A tool whose parameters are JSON Schema. */
export function withJsonSchema(tool: PyDict): PyDict {
  const parameters = tool.get('parameters') ?? new Map<string, PyValue>();
  if (!isDict(parameters)) return tool;
  const properties = parameters.get('properties');
  const isSchema = isDict(properties) && (parameters.get('type') ?? null) !== null;
  const table = isSchema ? properties : parameters;
  const read = [...table].map(([name, value]) => ({ name, ...propertySchema(value) }));
  const known = isSchema ? parameters.get('required') : undefined;
  const required =
    known ?? (isSchema ? [] : read.filter(({ optional }) => !optional).map(({ name }) => name));
  const schema = new Map<string, PyValue>([
    ['type', 'object'],
    ['properties', new Map(read.map(({ name, schema: inner }) => [name, inner]))],
    ['required', required],
  ]);
  return new Map([...tool, ['parameters', schema]]);
}
