/**
 * JSON as Python's `json.loads` sees it. The rewards and the benchmarks of this field are defined by Python programs, where
 * 5 and 5.0 print differently, integers have no largest value and dictionaries remember their order; plain `JSON.parse` loses all three.
 *
 * A Python int is a `bigint`, a Python float is a `number`, a dict is a `Map`. So `typeof` tells them apart, and a key such as
 * "__proto__" or "1" is a key like any other.
 */
import { UserError } from '../base/errors.ts';
import type { JsonObject, JsonValue } from './value.ts';

/** Deepest nesting of lists and objects: beyond it values are refused, so that no walk over one can exhaust the stack. */
export const MAX_DEPTH = 900;

export type PyValue = null | boolean | bigint | number | string | readonly PyValue[] | PyDict;
export type PyDict = ReadonlyMap<string, PyValue>;

/** Tells whether `value` is a dict. */
export function isDict(value: PyValue | undefined): value is PyDict {
  return value instanceof Map;
}

/** Tells whether `value` is a list. */
export function isList(value: PyValue | undefined): value is readonly PyValue[] {
  return Array.isArray(value);
}

/** Python's name of the type of `value`, for messages. */
export function typeName(value: PyValue): string {
  if (value === null) return 'null';
  if (isDict(value)) return 'an object';
  if (isList(value)) return 'a list';
  if (typeof value === 'boolean') return 'a boolean';
  return typeof value === 'string' ? 'a string' : 'a number';
}

/**
 * Plain JSON as Python values; whole numbers become ints, since JavaScript no longer knows how they were written.
 * Throws a UserError for values nested deeper than MAX_DEPTH.
 */
export function fromJson(value: JsonObject): PyDict;
export function fromJson(value: JsonValue): PyValue;
export function fromJson(value: JsonValue): PyValue {
  return convert(value, 0);
}

function convert(value: JsonValue, depth: number): PyValue {
  if (typeof value === 'number')
    return Number.isInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if (depth === MAX_DEPTH)
    throw new UserError(
      'JSON',
      `A JSON value is nested more than ${MAX_DEPTH} levels deep; make it flatter.`,
    );
  if (Array.isArray(value)) return value.map((item: JsonValue) => convert(item, depth + 1));
  return new Map(
    Object.entries(value).map(([key, item]): [string, PyValue] => [key, convert(item, depth + 1)]),
  );
}

/** Python values as plain JSON; ints beyond 2^53 are rounded. Keys are defined, never assigned, so "__proto__" stays data. */
export function toJson(value: PyValue): JsonValue {
  if (typeof value === 'bigint') return Number(value);
  if (isList(value)) return value.map((item) => toJson(item));
  return isDict(value) ? toJsonObject(value) : value;
}

/** A dict as a plain object, see `toJson`. */
export function toJsonObject(dict: PyDict): JsonObject {
  return Object.fromEntries([...dict].map(([key, item]) => [key, toJson(item)]));
}

/** Python's `==` between two numbers, exact also between an int and a float; NaN equals nothing. */
export function sameNumber(a: bigint | number, b: bigint | number): boolean {
  if (typeof a === typeof b) return a === b;
  const [int, float] = typeof a === 'bigint' ? [a, b] : [b, a];
  return Number.isInteger(float) && BigInt(float) === int;
}

// The characters beyond ASCII for which Python's str.isspace holds. JavaScript's trim also takes U+FEFF, and leaves U+0085 and,
// of ASCII, U+001C to U+001F.
const WIDE_SPACE = /[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code <= 0x20) return code >= 0x1c || (code >= 0x09 && code <= 0x0d);
  return code >= 0x85 && WIDE_SPACE.test(text.charAt(at));
}

/** Python's `text.strip()`. */
export function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text, start)) start++;
  while (end > start && isSpace(text, end - 1)) end--;
  return text.slice(start, end);
}

// oxlint-disable-next-line no-control-regex -- Python counts four control characters among white space
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** Python's `"".join(text.split())`. */
export function withoutSpace(text: string): string {
  return text.replace(SPACES, '');
}
