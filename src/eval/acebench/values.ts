/** The values of a call's arguments: those of JSON, and what else Python's literals can write. */
import { pyEquals } from '../../json/equals.ts';
import { isDict, isList, type PyValue } from '../../json/python.ts';
import { pyRepr } from '../../json/repr.ts';

/** Python's tuple, which is no list: it has another type and another repr, and equals none. */
export class Tuple {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** A value that JSON cannot write, of which only its type and its repr matter: bytes, a complex number. */
export class Opaque {
  readonly repr: string;

  constructor(repr: string) {
    this.repr = repr;
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

/** Whether a value is a list. */
export function isItems(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** Whether a value is a dict. */
export function isEntries(value: Value | undefined): value is Dict {
  return value instanceof Map;
}

/** Python's `repr(value)`. */
function repr(value: Value): string {
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
