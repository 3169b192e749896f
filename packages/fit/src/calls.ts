/** Calls held against the functions of a project, in words that say what to correct. */
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';
import { shortened } from '../../../src/base/errors.ts';
import { JsonSchema, type SchemaFault } from '../../../src/json/schema.ts';
import { rulesText, type Rule } from '../../../src/recipe/rules.ts';
import { nearest, suggestion } from '../../../src/recipe/suggest.ts';
import { isArray, isObject, type JsonObject, type JsonValue, textOf } from './tools/json.ts';

/** Values of an enumeration that a message lists. */
const MOST_VALUES = 12;
/** Characters of a value that a message shows. */
const BRIEF = 60;

/** A schema that takes no field without a name of its own, unless it says that it does: a misspelt one is a fault. */
function closedSchema(schema: JsonValue): JsonValue {
  if (isArray(schema)) return schema.map(closedSchema);
  if (!isObject(schema)) return schema;
  const { properties, items, anyOf, prefixItems } = schema;
  const isTable = isObject(properties) && schema['additionalProperties'] === undefined;
  return {
    ...schema,
    ...(isObject(properties)
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, part]) => [key, closedSchema(part)]),
          ),
        }
      : {}),
    ...(isTable ? { additionalProperties: false } : {}),
    ...(items === undefined ? {} : { items: closedSchema(items) }),
    ...(anyOf === undefined ? {} : { anyOf: closedSchema(anyOf) }),
    ...(prefixItems === undefined ? {} : { prefixItems: closedSchema(prefixItems) }),
  };
}

/** `rooms[1].name`, for a path of keys. */
const placeOf = (path: readonly string[]): string =>
  path.reduce((place, key) => {
    if (/^\d+$/.test(key)) return `${place}[${key}]`;
    return place === '' ? key : `${place}.${key}`;
  }, '');

/** The schema of the value at a path, as far as it is the only one. */
function schemaAt(schema: JsonValue | undefined, path: readonly string[]): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return isObject(schema) ? schema : {};
  if (!isObject(schema)) return {};
  const { properties, items } = schema;
  return schemaAt(isObject(properties) && Object.hasOwn(properties, key) ? properties[key] : items, rest);
}

function valueAt(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((inner, key) => {
    if (isArray(inner)) return inner[Number(key)];
    return isObject(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined;
  }, value);
}

/** The values that a schema allows, in words. */
function wanted(schema: JsonObject): string {
  const { enum: values, pattern, format, minLength, maxLength, anyOf } = schema;
  if (isArray(values)) {
    const shown = values.slice(0, MOST_VALUES).map(textOf);
    const more = values.length > MOST_VALUES ? `, and ${values.length - MOST_VALUES} more` : '';
    return `one of ${shown.join(', ')}${more}`;
  }
  if (isArray(anyOf)) return anyOf.filter(isObject).map(wanted).join(', or ');
  if (typeof pattern === 'string') return `a text of the pattern ${pattern}`;
  if (typeof format === 'string') return `a text of the format ${format}`;
  if (typeof minLength === 'number' || typeof maxLength === 'number')
    return `a text of ${textOf(minLength ?? 0)} to ${textOf(maxLength ?? 'any number of')} characters`;
  if (schema['type'] === 'null') return 'null';
  return rulesText([schema as Rule]);
}

/** Limits that rules of recipes do not say. */
const OTHER_LIMITS: Readonly<Record<string, string>> = {
  multipleOf: 'a multiple of',
  minItems: 'a list of at least',
  maxItems: 'a list of at most',
};

function faultText(tool: Tool, given: JsonObject, { path, keyword, message }: SchemaFault): string {
  const place = placeOf(path);
  const schema = schemaAt(tool.parameters, path);
  if (keyword === 'false') {
    const { properties } = schemaAt(tool.parameters, path.slice(0, -1));
    const known = isObject(properties) ? Object.keys(properties) : [];
    return `${tool.name} has no argument ${place}${suggestion(path.at(-1) ?? '', known, 'it takes')}`;
  }
  if (keyword === 'required') return `${tool.name} needs the argument ${place}; add it.`;
  const value = valueAt(given, path);
  const shown = shortened(JSON.stringify(value) ?? 'nothing', BRIEF);
  const limit = schema[keyword];
  const other = OTHER_LIMITS[keyword];
  if (keyword === 'uniqueItems')
    return `${place} of ${tool.name} is ${shown} and has a value twice; keep one.`;
  const rule = other === undefined ? wanted(schema) : `${other} ${textOf(limit)}`;
  if (Object.keys(schema).length === 0) return `${place} of ${tool.name} is ${shown}: ${message}`;
  const values = isArray(schema['enum']) ? schema['enum'].map(textOf) : [];
  const near = typeof value === 'string' ? nearest(value, values) : undefined;
  return `${place} of ${tool.name} is ${shown} and must be ${rule}${near === undefined ? '.' : `; did you mean ${near}?`}`;
}

/** Check of calls against functions, whose schemas are read once. */
export class CallCheck {
  readonly #tools = new Map<string, { readonly tool: Tool; readonly schema: JsonSchema }>();

  constructor(functions: readonly Tool[]) {
    for (const tool of functions) {
      const schema = new JsonSchema(closedSchema(tool.parameters) as JsonObject, { all: true });
      this.#tools.set(tool.name, { tool, schema });
    }
  }

  /** Sentences about all that is wrong with a call; none if it is right. */
  faults({ name, arguments: given }: ToolCall): string[] {
    const known = this.#tools.get(name);
    if (known === undefined)
      return [`there is no function ${name}${suggestion(name, [...this.#tools.keys()], 'there are')}`];
    return known.schema.faults(given).map((fault) => faultText(known.tool, given, fault));
  }

  /** The arguments without those that are null and may be left out, which says the same. */
  withoutNulls({ name, arguments: given }: ToolCall): ToolCall {
    const parameters = this.#tools.get(name)?.tool.parameters ?? {};
    const required = isArray(parameters['required']) ? parameters['required'] : [];
    const kept = Object.entries(given).filter(([key, value]) => value !== null || required.includes(key));
    return { name, arguments: Object.fromEntries(kept) };
  }
}
