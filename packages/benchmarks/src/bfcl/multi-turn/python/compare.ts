/** Order and membership, with what Python raises where there is none. */
import { byCodePoint } from '../../../../../../src/json/dumps.ts';
import { Raised, typeError } from './errors.ts';
import { repr } from './print.ts';
import { asInt, Dict, equal, isNumeric, Opaque, typeName, type Key, type Value } from './value.ts';

export type Operator = '<' | '<=' | '>' | '>=';

function holds(sign: number, operator: Operator): boolean {
  if (operator === '<') return sign < 0;
  if (operator === '<=') return sign <= 0;
  return operator === '>' ? sign > 0 : sign >= 0;
}

/** `a <operator> b`; a TypeError where the types have no order. */
export function compare(a: Value, operator: Operator, b: Value): boolean {
  const [x, y] = [asInt(a), asInt(b)];
  // Exact also between an int and a float; every comparison with NaN is false.
  if (isNumeric(x) && isNumeric(y))
    return x < y || x > y ? holds(x < y ? -1 : 1, operator) : isEven(x, y, operator);
  if (typeof x === 'string' && typeof y === 'string') return holds(byCodePoint(x, y), operator);
  if (Array.isArray(x) && Array.isArray(y)) {
    for (let i = 0; i < Math.min(x.length, y.length); i++) {
      const [left = null, right = null] = [x[i], y[i]];
      if (!equal(left, right)) return compare(left, operator, right);
    }
    return holds(x.length - y.length, operator);
  }
  throw typeError(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

function isEven(x: bigint | number, y: bigint | number, operator: Operator): boolean {
  return !Number.isNaN(x) && !Number.isNaN(y) && holds(0, operator);
}

/** `low <= value <= high`. */
export function between(low: Value, value: Value, high: Value): boolean {
  return compare(low, '<=', value) && compare(value, '<=', high);
}

/** A value as the key of a dict; a TypeError for lists and dicts. */
export function hashable(value: Value): Key {
  if (Array.isArray(value) || value instanceof Dict) throw typeError(`unhashable type: '${typeName(value)}'`);
  return value instanceof Opaque ? value.repr : value;
}

/** `value in items`, for a list, a dict or a text. */
export function contains(items: Value, value: Value): boolean {
  if (Array.isArray(items)) return items.some((item) => equal(item, value));
  if (items instanceof Dict) return items.has(hashable(value));
  if (typeof items !== 'string') throw typeError(`argument of type '${typeName(items)}' is not iterable`);
  if (typeof value !== 'string')
    throw typeError(`'in <string>' requires string as left operand, not ${typeName(value)}`);
  return items.includes(value);
}

/** Iterates over a value: yields items, keys or characters. */
export function iterate(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Dict) return value.keys();
  if (typeof value === 'string') return Array.from(value);
  throw typeError(`'${typeName(value)}' object is not iterable`);
}

/** `container[name]`, for a dict with keys of text. */
export function item(container: Value, name: Key): Value {
  if (container instanceof Dict) {
    const value = container.get(name);
    if (value === undefined) throw new Raised('KeyError', repr(name));
    return value;
  }
  if (typeof container === 'string')
    throw typeError(`string indices must be integers, not '${typeName(name)}'`);
  if (Array.isArray(container))
    throw typeError(`list indices must be integers or slices, not ${typeName(name)}`);
  throw typeError(`'${typeName(container)}' object is not subscriptable`);
}

/** `container[name] = value`, for a dict. */
export function setItem(container: Value, name: Key, value: Value): void {
  if (container instanceof Dict) container.set(name, value);
  else if (Array.isArray(container))
    throw typeError(`list indices must be integers or slices, not ${typeName(name)}`);
  else throw typeError(`'${typeName(container)}' object does not support item assignment`);
}

/** The index of the first item that equals `value`; -1 if none does. */
export function indexOf(items: readonly Value[], value: Value): number {
  return items.findIndex((other) => equal(other, value));
}
