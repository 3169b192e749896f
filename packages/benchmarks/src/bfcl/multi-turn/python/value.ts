/**
 * Python values as the simulated APIs hold them. They are those of JSON (src/json), but can be changed in place, have dict keys of every
 * simple type, and include some that JSON cannot write.
 */
import { isDict, isList, sameNumber, type PyValue } from '../../../../../../src/json/python.ts';

/** Keys that a dict may have. */
export type Key = null | boolean | bigint | number | string;
export type Value = Key | Value[] | Dict | Opaque;

/** A value of which only its repr matters: Ellipsis, an mpf, a Decimal, a complex number. */
export class Opaque {
  readonly repr: string;
  readonly type: string;

  constructor(type: string, repr: string) {
    this.type = type;
    this.repr = repr;
  }
}

/** Equal keys as one: Python finds 1, 1.0 and True in the same place. */
function canonical(key: Key): Key {
  if (typeof key === 'boolean') return BigInt(key);
  return typeof key === 'number' && Number.isInteger(key) ? BigInt(key) : key;
}

/** A dict: remembers the order and the first form of its keys. */
export class Dict {
  readonly #entries = new Map<Key, [key: Key, value: Value]>();

  constructor(entries: Iterable<readonly [Key, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(canonical(key))?.[1];
  }

  has(key: Key): boolean {
    return this.#entries.has(canonical(key));
  }

  /** Sets in place where the key exists, else at the end. */
  set(key: Key, value: Value): void {
    const name = canonical(key);
    const entry = this.#entries.get(name);
    if (entry === undefined) this.#entries.set(name, [key, value]);
    else entry[1] = value;
  }

  delete(key: Key): void {
    this.#entries.delete(canonical(key));
  }

  keys(): Key[] {
    return [...this.#entries.values()].map(([key]) => key);
  }

  values(): Value[] {
    return [...this.#entries.values()].map(([, value]) => value);
  }

  entries(): (readonly [Key, Value])[] {
    return [...this.#entries.values()];
  }
}

/** A dict with these names as its keys, none of which looks like an integer (JavaScript would move those to the front). */
export function dict(fields: Readonly<Record<string, Value>>): Dict {
  return new Dict(Object.entries(fields));
}

/** A copy of a JSON value that may be changed. */
export function fromPy(value: PyValue): Value {
  if (isList(value)) return value.map(fromPy);
  if (isDict(value)) return new Dict([...value].map(([key, item]): [Key, Value] => [key, fromPy(item)]));
  return value;
}

/** A deep copy. */
export function copyOf(value: Value): Value {
  if (Array.isArray(value)) return value.map(copyOf);
  if (value instanceof Dict)
    return new Dict(value.entries().map(([key, item]): [Key, Value] => [key, copyOf(item)]));
  return value;
}

/** `type(value).__name__`. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (Array.isArray(value)) return 'list';
  return value instanceof Dict ? 'dict' : value.type;
}

/** `bool(value)`. */
export function truthy(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Dict) return value.size > 0;
  if (typeof value === 'number') return value !== 0;
  return Boolean(value);
}

/** `a == b`. */
export function equal(a: Value, b: Value): boolean {
  const [x, y] = [asInt(a), asInt(b)];
  if (x === y) return true;
  if (isNumeric(x) && isNumeric(y)) return sameNumber(x, y);
  if (Array.isArray(x))
    return Array.isArray(y) && x.length === y.length && x.every((item, i) => equal(item, y[i] ?? null));
  if (x instanceof Dict) {
    if (!(y instanceof Dict) || x.size !== y.size) return false;
    return x.entries().every(([key, item]) => {
      const other = y.get(key);
      return other !== undefined && equal(item, other);
    });
  }
  return x instanceof Opaque && y instanceof Opaque && x.repr === y.repr;
}

/** A boolean as the int that it is in arithmetic; anything else as it is. */
export function asInt(value: Value): Exclude<Value, boolean> {
  return typeof value === 'boolean' ? BigInt(value) : value;
}

/** Tells whether a value is an int or a float, and no boolean. */
export function isNumeric(value: Value): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}
