/** Alternatives of a value made as few as they can be: a choice of words is one enumeration, 5 or 5.5 is a number. */
import { isArray, isObject, type JsonObject, textOf, without } from './json.ts';

const NUMBERS = ['integer', 'number'];

const keyOf = (value: unknown): string => JSON.stringify(value);
const withoutDescription = (schema: JsonObject): JsonObject => without(schema, 'description');

/** Tells whether a schema says no more than its type. */
const isBare = (schema: JsonObject): boolean =>
  Object.keys(schema).every((word) => word === 'type' || word === 'description');

/** Descriptions of the values of an enumeration, where each has one of its own. */
function valuesText(branches: readonly JsonObject[]): string | undefined {
  const lines = branches.flatMap(({ enum: values, description }) =>
    isArray(values) && values.length === 1 && typeof description === 'string'
      ? [`${textOf(values[0])}: ${description}`]
      : [],
  );
  return lines.length === 0 ? undefined : lines.join('; ');
}

/** Enumerations of one type as a single one. */
function mergedEnums(branches: readonly JsonObject[]): JsonObject | undefined {
  const lists = branches.map((branch) => branch['enum']).filter(isArray);
  const types = [...new Set(branches.map((branch) => branch['type']))];
  const isOne = types.length === 1 || types.every((type) => NUMBERS.includes(textOf(type)));
  if (lists.length < branches.length || !isOne) return undefined;
  const values = new Map(lists.flat().map((value) => [keyOf(value), value]));
  const description = valuesText(branches);
  return {
    type: types.length === 1 ? (types[0] ?? 'string') : 'number',
    enum: [...values.values()],
    ...(description === undefined ? {} : { description }),
  };
}

/** Tells whether every value of `inner` is one of `outer` for a reason that their words show. */
function covers(outer: JsonObject, inner: JsonObject): boolean {
  if (keyOf(withoutDescription(outer)) === keyOf(withoutDescription(inner))) return true;
  const isType =
    outer['type'] === inner['type'] || (outer['type'] === 'number' && inner['type'] === 'integer');
  return isType && outer['type'] !== 'object' && outer['type'] !== 'array' && isBare(outer);
}

/** The alternatives of branches that are read already: none of them is a union itself once this has flattened them. */
export function unionOf(branches: readonly JsonObject[]): JsonObject {
  const flat = branches.flatMap((branch) => {
    const inner = branch['anyOf'];
    return isArray(inner) && Object.keys(withoutDescription(branch)).length === 1
      ? inner.filter(isObject)
      : [branch];
  });
  const enums = flat.filter((branch) => isArray(branch['enum']));
  const others = flat.filter((branch) => !isArray(branch['enum']));
  const byType = ['string', 'number', 'boolean'].flatMap((type): JsonObject[] => {
    const own = enums.filter(
      (branch) => branch['type'] === type || (type === 'number' && branch['type'] === 'integer'),
    );
    const merged = mergedEnums(own);
    return own.length < 2 || merged === undefined ? own : [merged];
  });
  const all = [...byType, ...others];
  const kept = all.filter(
    (branch, index) =>
      !all.some(
        (outer, place) =>
          place !== index && covers(outer, branch) && (!covers(branch, outer) || place < index),
      ),
  );
  const [only] = kept;
  return only !== undefined && kept.length === 1 ? only : { anyOf: kept };
}
