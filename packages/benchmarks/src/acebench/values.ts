/** The values of a call's arguments: those of JSON, and what else Python's literals can write. */
import { pyEquals } from '../../../../src/json/equals.ts';
import { isDict, isList, sameNumber, type PyValue } from '../../../../src/json/python.ts';
import { pyRepr } from '../../../../src/json/repr.ts';

/** An expression has no value, or none that can be computed here. */
export class ValueError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'ValueError';
  }
}

/** Python's tuple, which is no list: it has another type and another repr, and equals none. */
export class Tuple {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/**
 * A value that JSON cannot write, of which only its type and its repr matter: bytes, a complex number. Some yield items: sets, ranges, what
 * methods of dicts return. As a key it stands for what is no text.
 */
export class Opaque {
  readonly repr: string;
  readonly items: readonly Value[] | undefined;
  readonly key: Value | undefined;

  constructor(repr: string, { items, key }: { items?: readonly Value[]; key?: Value } = {}) {
    this.repr = repr;
    this.items = items;
    this.key = key;
  }
}

/** A key of a dict; one that is no text is never a parameter's name, but counts and is printed. */
export type Key = string | Opaque;
export type Dict = ReadonlyMap<Key, Value>;
export type Value = null | boolean | bigint | number | string | readonly Value[] | Dict | Tuple | Opaque;

export type ValueType = 'NoneType' | 'bool' | 'int' | 'float' | 'str' | 'list' | 'dict' | 'tuple' | 'opaque';

/** Python's `type(value)`. */
export function typeOf(value: Value): ValueType {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'str';
  if (isItems(value)) return 'list';
  if (isEntries(value)) return 'dict';
  return value instanceof Tuple ? 'tuple' : 'opaque';
}

/** Tells whether a value is a list. */
export function isItems(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** Tells whether a value is a dict. */
export function isEntries(value: Value | undefined): value is Dict {
  return value instanceof Map;
}

/** Key of a dict. */
export function keyValue(key: Key): Value {
  return typeof key === 'string' || key.key === undefined ? key : key.key;
}

/** A dict of these entries: equal keys are one, also 1, 1.0 and True. Throws a ValueError for keys that can change. */
export function dictOf(entries: Iterable<readonly [Value, Value]>): Dict {
  const dict = new Map<Key, Value>();
  const others = new Map<string, Opaque>();
  for (const [key, value] of entries) {
    if (isItems(key) || isEntries(key)) throw new ValueError('a key can change');
    if (typeof key === 'string') {
      dict.set(key, value);
      continue;
    }
    const isWhole = typeof key === 'boolean' || (typeof key === 'number' && Number.isInteger(key));
    const name = isWhole ? String(BigInt(key)) : str(key);
    const known = others.get(name) ?? new Opaque(str(key), { key });
    others.set(name, known);
    dict.set(known, value);
  }
  return dict;
}

/** A set of these items, equal ones only once. Throws a ValueError for items that can change. */
export function setOf(items: readonly Value[]): Opaque {
  const kept = [...dictOf(items.map((item) => [item, null])).keys()].map(keyValue);
  return new Opaque(kept.length === 0 ? 'set()' : `{${kept.map(repr).join(', ')}}`, { items: kept });
}

/** Python's `a == b`. */
export function same(a: Value, b: Value): boolean {
  const [x, y] = [typeof a === 'boolean' ? BigInt(a) : a, typeof b === 'boolean' ? BigInt(b) : b];
  const isNumber = (value: Value): value is bigint | number =>
    typeof value === 'bigint' || typeof value === 'number';
  if (isNumber(x) && isNumber(y)) return sameNumber(x, y);
  if (isItems(x) && isItems(y))
    return x.length === y.length && x.every((item, i) => same(item, y[i] ?? null));
  if (x instanceof Tuple && y instanceof Tuple) return same(x.items, y.items);
  if (x instanceof Opaque && y instanceof Opaque) return x.repr === y.repr;
  if (!isEntries(x) || !isEntries(y)) return x === y;
  return (
    x.size === y.size &&
    [...x].every(([key, item]) =>
      [...y].some(([other, value]) => same(keyValue(key), keyValue(other)) && same(item, value)),
    )
  );
}

/** Python's `repr(value)`. */
export function repr(value: Value): string {
  if (value instanceof Opaque) return value.repr;
  if (value instanceof Tuple) {
    const [first] = value.items;
    return first !== undefined && value.items.length === 1
      ? `(${repr(first)},)`
      : `(${value.items.map(repr).join(', ')})`;
  }
  if (isItems(value)) return `[${value.map(repr).join(', ')}]`;
  if (isEntries(value))
    return `{${[...value].map(([key, item]) => `${repr(key)}: ${repr(item)}`).join(', ')}}`;
  return pyRepr(value);
}

/** Python's `str(value)`. */
export function str(value: Value): string {
  return typeof value === 'string' ? value : repr(value);
}

/** Python's `value == wanted`, where what is wanted comes from JSON. */
export function equals(value: Value, wanted: PyValue): boolean {
  if (value instanceof Tuple || value instanceof Opaque) return false;
  if (isItems(value))
    return (
      isList(wanted) &&
      value.length === wanted.length &&
      value.every((item, i) => equals(item, wanted[i] ?? null))
    );
  if (!isEntries(value)) return pyEquals(value, wanted);
  if (!isDict(wanted) || wanted.size !== value.size) return false;
  return [...wanted].every(([key, item]) => {
    const own = value.get(key);
    return own !== undefined && equals(own, item);
  });
}
