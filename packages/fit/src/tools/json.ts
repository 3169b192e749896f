/** Plain JSON of schemas, and what is told of it. */
import type { JsonObject, JsonValue } from '../../../../src/json/value.ts';

export type { JsonObject, JsonValue } from '../../../../src/json/value.ts';

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isArray = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);

/** A table of schemas by name; nothing where it is none. */
export const entriesOf = (value: JsonValue | undefined): readonly [string, JsonValue][] =>
  isObject(value) ? Object.entries(value) : [];

/** An object without the entries that are undefined. */
export function withoutGaps(entries: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(entries).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}

/** A value as text: a string as it is, anything else as JSON. */
export const textOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');

/** An object without some of its entries. */
export const without = (object: JsonObject, ...words: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([word]) => !words.includes(word)));

/** `1 call`, `2 calls`. */
export const counted = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : 's'}`;
