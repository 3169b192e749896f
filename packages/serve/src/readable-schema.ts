/** Schemas as they are meant: tools in the wild give numbers to choose from as texts, which no number could ever be. */
import { JsonSchema } from '../../../src/json/schema.ts';
import { isFields, type JsonObject, type JsonValue } from '../../../src/json/value.ts';

const NUMBER = /^-?\d+(?:\.\d+)?$/;

const typesOf = (schema: JsonObject): readonly string[] =>
  [schema['type'] ?? []].flat().filter((type) => typeof type === 'string');

/** A value in one of some types; undefined where it says none. */
function typed(value: JsonValue, types: readonly string[]): JsonValue | undefined {
  if (typeof value === 'string') {
    const isNumber = NUMBER.test(value) && (types.includes('number') || !value.includes('.'));
    if ((types.includes('integer') || types.includes('number')) && isNumber) return Number(value);
    if (types.includes('boolean') && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  }
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  return isPlain && types.includes('string') ? String(value) : undefined;
}

/**
 * The same schema, but values to choose from that are all of another type than the schema's own are those of its type that
 * they say: {"type": "integer", "enum": ["1", "2"]} is read as [1, 2], and without values where they say none.
 */
export function readable(schema: JsonObject): JsonObject {
  const read = Object.fromEntries(
    Object.entries(schema).map(([key, value]): [string, JsonValue] => {
      if (key === 'properties' && isFields(value)) {
        const properties = Object.entries(value as JsonObject);
        return [key, Object.fromEntries(properties.map(([name, one]) => [name, inner(one)]))];
      }
      if (key === 'items') return [key, inner(value)];
      if ((key === 'anyOf' || key === 'oneOf' || key === 'allOf') && Array.isArray(value))
        return [key, (value as readonly JsonValue[]).map(inner)];
      return [key, value];
    }),
  );
  const { enum: values } = read;
  const types = typesOf(read);
  if (!Array.isArray(values) || types.length === 0) return read;
  const all = values as readonly JsonValue[];
  const own = new JsonSchema({ type: types });
  if (all.some((value) => own.firstFault(value) === undefined)) return read;
  const others = all.flatMap((value) => typed(value, types) ?? []);
  const { enum: _, ...rest } = read;
  return others.length === 0 ? rest : { ...rest, enum: [...new Set(others)] };
}

const inner = (value: JsonValue): JsonValue =>
  isFields(value) && !Array.isArray(value) ? readable(value as JsonObject) : value;
