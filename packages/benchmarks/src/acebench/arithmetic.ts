/** Python's operators between values, as a model may write them in a call: `amount=2 * 50`. */
import { byCodePoint } from '../../../../src/json/dumps.ts';
import { sameNumber } from '../../../../src/json/python.ts';
import { asFloat, divide, power as anyPower } from '../bfcl/multi-turn/python/numbers.ts';
import type { BinaryOperator, UnaryOperator } from '../python/expression.ts';
import { formatted } from './format-operator.ts';
import { iterate } from './sequences.ts';
import {
  dictOf,
  isEntries,
  isItems,
  keyValue,
  Opaque,
  same,
  setOf,
  Tuple,
  type Value,
  ValueError,
} from './values.ts';

/** Bits of the largest int, and items of the longest text or list, that are computed. */
export const MAX_SIZE = 100_000;

/** `bool(value)`. */
export function truthy(value: Value): boolean {
  if (isItems(value)) return value.length > 0;
  if (isEntries(value)) return value.size > 0;
  if (value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Opaque) return value.items === undefined || value.items.length > 0;
  return typeof value === 'number' ? value !== 0 : Boolean(value);
}

function asNumber(value: Value): bigint | number {
  if (typeof value === 'boolean') return BigInt(value);
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  throw new ValueError('not a number');
}

/** `operator value`. */
export function unary(operator: UnaryOperator, value: Value): Value {
  if (operator === 'not') return !truthy(value);
  const number = asNumber(value);
  if (operator === '+') return number;
  if (operator === '-') return -number;
  if (typeof number === 'number') throw new ValueError('a float has no bits');
  return ~number;
}

/** `left operator right`; throws a ValueError or a Raised for what Python refuses. */
export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  if (operator === '%' && typeof left === 'string') return formatted(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean' && isBitwise(operator))
    return ints(operator, BigInt(left), BigInt(right)) === 1n;
  const joined = operator === '+' ? concatenated(left, right) : undefined;
  const repeated = operator === '*' ? (times(left, right) ?? times(right, left)) : undefined;
  const whole = joined ?? repeated ?? united(operator, left, right);
  if (whole !== undefined) return whole;
  const [a, b] = [asNumber(left), asNumber(right)];
  if (typeof a === 'bigint' && typeof b === 'bigint') return ints(operator, a, b);
  return floats(operator, asFloat(a), asFloat(b));
}

function isBitwise(operator: BinaryOperator): boolean {
  return operator === '&' || operator === '|' || operator === '^';
}

/** Two dicts as one, or what two sets have in common, together, or apart. */
function united(operator: BinaryOperator, left: Value, right: Value): Value | undefined {
  if (operator === '|' && isEntries(left) && isEntries(right))
    return dictOf([...left, ...right].map(([key, item]) => [keyValue(key), item]));
  if (!isSet(left) || !isSet(right)) return undefined;
  const [a, b] = [iterate(left), iterate(right)];
  const without = (items: readonly Value[], others: readonly Value[]): Value[] =>
    items.filter((item) => !others.some((one) => same(one, item)));
  if (operator === '|') return setOf([...a, ...b]);
  if (operator === '-') return setOf(without(a, b));
  if (operator === '&') return setOf(without(a, without(a, b)));
  return operator === '^' ? setOf([...without(a, b), ...without(b, a)]) : undefined;
}

function isSet(value: Value): boolean {
  return value instanceof Opaque && value.items !== undefined && /^(?:\{|set\()/.test(value.repr);
}

/** `left operator right` of a comparison. */
export function compare(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
    case 'is':
      return same(left, right);
    case '!=':
    case 'is not':
      return !same(left, right);
    case 'in':
    case 'not':
      return contains(right, left) === (operator === 'in');
    default: {
      const order = orderOf(left, right);
      if (operator === '<') return order < 0;
      if (operator === '<=') return order <= 0;
      return operator === '>' ? order > 0 : order >= 0;
    }
  }
}

function contains(items: Value, value: Value): boolean {
  if (typeof items !== 'string') return iterate(items).some((item) => same(item, value));
  if (typeof value !== 'string') throw new ValueError('only texts are in texts');
  return items.includes(value);
}

/** Below 0 where `a` comes first; not a number where one is none. */
function orderOf(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return byCodePoint(a, b);
  const [x, y] = [itemsOf(a), itemsOf(b)];
  if (x !== undefined && y !== undefined && isItems(a) === isItems(b)) {
    const at = x.findIndex((item, i) => i < y.length && !same(item, y[i] ?? null));
    return at < 0 ? x.length - y.length : orderOf(x[at] ?? null, y[at] ?? null);
  }
  const [n, m] = [asNumber(a), asNumber(b)];
  if (n < m) return -1;
  if (n > m) return 1;
  return sameNumber(n, m) ? 0 : Number.NaN;
}

function itemsOf(value: Value): readonly Value[] | undefined {
  if (value instanceof Tuple) return value.items;
  return isItems(value) ? value : undefined;
}

/** Two texts, lists or tuples in a row. */
function concatenated(left: Value, right: Value): Value | undefined {
  if (typeof left === 'string' && typeof right === 'string') return left + right;
  if (isItems(left) && isItems(right)) return [...left, ...right];
  if (left instanceof Tuple && right instanceof Tuple) return new Tuple([...left.items, ...right.items]);
  return undefined;
}

/** A text, list or tuple so often. */
function times(sequence: Value, count: Value): Value | undefined {
  if (typeof sequence !== 'string' && !isItems(sequence) && !(sequence instanceof Tuple)) return undefined;
  if (typeof count !== 'bigint' && typeof count !== 'boolean') throw new ValueError('not a count');
  const length = sequence instanceof Tuple ? sequence.items.length : sequence.length;
  const repeats = Math.max(0, Number(count));
  if (length * repeats > MAX_SIZE) throw new ValueError('too long');
  if (typeof sequence === 'string') return sequence.repeat(repeats);
  const items = sequence instanceof Tuple ? sequence.items : sequence;
  const all = Array.from({ length: repeats }, () => items).flat();
  return sequence instanceof Tuple ? new Tuple(all) : all;
}

function ints(operator: BinaryOperator, a: bigint, b: bigint): Value {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '//':
    case '%': {
      if (b === 0n) throw new ValueError('division by zero');
      // BigInt rounds to zero, Python down.
      const rest = a % b;
      const isOff = rest !== 0n && rest < 0n !== b < 0n;
      if (operator === '%') return isOff ? rest + b : rest;
      return a / b - (isOff ? 1n : 0n);
    }
    case '**':
      return b < 0n ? floats(operator, asFloat(a), asFloat(b)) : power(a, b);
    case '<<':
    case '>>':
      if (b < 0n || (operator === '<<' && b > MAX_SIZE)) throw new ValueError('bad shift');
      return operator === '<<' ? a << b : a >> b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '/':
      return divide(a, b);
    default:
      throw new ValueError('ints have no such operator');
  }
}

function power(a: bigint, b: bigint): bigint {
  if (BigInt(a.toString(2).length) * b > MAX_SIZE) throw new ValueError('too large');
  return a ** b;
}

function floats(operator: BinaryOperator, a: number, b: number): Value {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return divide(a, b);
    case '//':
    case '%': {
      if (b === 0) throw new ValueError('division by zero');
      const rest = a % b;
      const modulus = rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
      return operator === '%' ? modulus : Math.round((a - modulus) / b);
    }
    case '**': {
      const value = anyPower(a, b);
      if (typeof value === 'bigint' || typeof value === 'number') return value;
      return new Opaque('complex');
    }
    default:
      throw new ValueError('a float has no bits');
  }
}
