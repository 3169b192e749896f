/** Types of a schema, said or meant, and the values that it lists, which must be of that type. */
import { JSON_TYPES } from '../../../../src/json/schema-dialects.ts';
import { isArray, type JsonObject, type JsonValue } from './json.ts';

/** Words that only a schema of one type has. */
const HINTS: readonly (readonly [type: string, words: readonly string[]])[] = [
  ['object', ['properties', 'required', 'additionalProperties']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems']],
  ['string', ['pattern', 'minLength', 'maxLength', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
];

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** Types of values, 5 and 5.5 together being numbers. */
function typesOfValues(values: readonly JsonValue[]): string[] {
  const types = new Set(values.map(typeOf));
  if (types.has('number')) types.delete('integer');
  return [...types];
}

const listed = (schema: JsonObject): readonly JsonValue[] | undefined => {
  const { enum: values, const: constant } = schema;
  return isArray(values) ? values : constant === undefined ? undefined : [constant];
};

/** The types that a value may have, null aside; none where anything will do. */
export function typesOf(
  schema: JsonObject,
  tell: (text: string) => void,
): { readonly types: readonly string[]; readonly isNullable: boolean } {
  const { type } = schema;
  const isSaid = schema['nullable'] === true;
  const named = (isArray(type) ? type : type === undefined ? [] : [type]).filter((one): one is string => {
    if (typeof one === 'string' && JSON_TYPES.has(one)) return true;
    tell(
      `is of type ${JSON.stringify(one)}, which JSON Schema has not, and takes any value; give it one of its types`,
    );
    return false;
  });
  const values = listed(schema);
  const hint = HINTS.find(([, words]) => words.some((word) => schema[word] !== undefined));
  const meant =
    named.length > 0
      ? named
      : values !== undefined
        ? typesOfValues(values)
        : hint === undefined
          ? []
          : [hint[0]];
  const types = meant.filter((one) => one !== 'null');
  const isNull = meant.length > 0 && types.length === 0;
  const isNumber = types.includes('number') && types.includes('integer');
  return {
    types: isNull ? ['null'] : isNumber ? types.filter((one) => one !== 'integer') : types,
    isNullable: isSaid || types.length < meant.length,
  };
}

/** The value as one of the type: 5 for "5" where numbers are wanted; undefined where it cannot be. */
function valueOf(value: JsonValue, type: string): JsonValue | undefined {
  if (type === 'string') return typeof value === 'object' ? undefined : String(value);
  if (type === 'boolean') {
    if (typeof value === 'boolean') return value;
    return value === 'true' ? true : value === 'false' ? false : undefined;
  }
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  return type === 'integer' && !Number.isInteger(number) ? undefined : number;
}

/** The values that a schema of `type` lists; undefined where it lists none. */
export function readEnum(
  schema: JsonObject,
  type: string,
  tell: (text: string) => void,
): { readonly values: readonly JsonValue[] | undefined; readonly isNullable: boolean } {
  const given = listed(schema);
  if (given === undefined) return { values: undefined, isNullable: false };
  const own = given.filter((value) => value !== null);
  const values = new Map<string, JsonValue>();
  let [changed, dropped] = [0, 0];
  for (const value of own) {
    const read = valueOf(value, type);
    if (read === undefined) dropped += 1;
    else values.set(JSON.stringify(read), read);
    if (read !== undefined && read !== value) changed += 1;
  }
  if (changed > 0) tell(`lists values that are no ${type}s; they are read as such, as its type says`);
  if (dropped > 0) tell(`lists ${dropped} values that are no ${type}s; they are left out`);
  if (values.size === 0) tell('lists no value that it may have, and takes any of its type');
  return {
    values: values.size === 0 ? undefined : [...values.values()],
    isNullable: given.includes(null),
  };
}

const valueFits = (value: JsonValue, type: string): boolean =>
  typeOf(value) === type || (type === 'number' && typeof value === 'number');

/** Tells whether a value is of one of the types. */
export const isOfType = (value: JsonValue, types: readonly JsonValue[]): boolean =>
  types.some((type) => typeof type === 'string' && (typeOf(value) === type || valueFits(value, type)));
