/** Functions put together from their calls, where nothing describes them. */
import type { ToolCall } from '../../../../src/chat/messages.ts';
import { fromJson, type PyValue } from '../../../../src/json/python.ts';
import { counted, isArray, isObject, type JsonObject, type JsonValue } from './json.ts';

/** Values of an argument that are taken to be all there are: so few, and each so often. */
const MOST_VALUES = 8;
const TIMES = 3;

interface Inferred {
  readonly name: string;
  readonly tool: PyValue;
  /** Remark on how it came about. */
  readonly text: string;
}

/** A schema that all values fit. */
function schemaOf(values: readonly JsonValue[]): JsonObject {
  const given = values.filter((value) => value !== null);
  const kinds = new Set(given.map((value) => (isArray(value) ? 'array' : typeof value)));
  const [kind] = kinds;
  if (kind === undefined || kinds.size > 1) return {};
  if (kind === 'number')
    return { type: given.every((value) => Number.isInteger(value)) ? 'integer' : 'number' };
  if (kind === 'array') return { type: 'array', items: schemaOf(given.filter(isArray).flat()) };
  if (kind === 'object') return tableOf(given.filter(isObject));
  const distinct = [...new Set(given)];
  const isChoice = distinct.length <= MOST_VALUES && given.length >= TIMES * distinct.length;
  return kind === 'string' && isChoice && distinct.length > 1
    ? { type: 'string', enum: distinct }
    : { type: kind };
}

/** A table that all objects fit: what each of them has is required. */
function tableOf(objects: readonly JsonObject[]): JsonObject {
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  const properties = names.map((name): [string, JsonValue] => [
    name,
    schemaOf(objects.flatMap((object) => (Object.hasOwn(object, name) ? [object[name] ?? null] : []))),
  ]);
  const required = names.filter((name) => objects.every((object) => Object.hasOwn(object, name)));
  return { type: 'object', properties: Object.fromEntries(properties), required };
}

/** The functions that calls are of. */
export function inferredTools(calls: readonly ToolCall[]): readonly Inferred[] {
  const groups = new Map<string, JsonObject[]>();
  for (const { name, arguments: given } of calls) groups.set(name, [...(groups.get(name) ?? []), given]);
  return [...groups].map(([name, given]) => ({
    name,
    tool: fromJson({ name, description: '', parameters: tableOf(given) }),
    text: `is described nowhere; its arguments are put together from ${counted(given.length, 'call')}: look them over in functions.json`,
  }));
}
