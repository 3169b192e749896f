/** Arithmetic between constants, as a model may write it in a call: `amount=2 * 50`. */
import { floatRepr } from '../../json/repr.ts';
import type { BinaryOperator, Expression } from '../python/expression.ts';
import type { NumberLiteral } from '../python/tokens.ts';
import { isItems, Opaque, Tuple, type Value } from './values.ts';

/** An expression has no value, or none that can be computed here. */
export class ValueError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'ValueError';
  }
}

/** Bits of the largest int, and items of the longest text or list, that are computed. */
const MAX_SIZE = 100_000;

/** The value of a number as it was written. */
export function numberValue(literal: NumberLiteral): Value {
  if (typeof literal !== 'object') return literal;
  return new Opaque(`${floatRepr(literal.imaginary).replace(/\.0$/, '')}j`);
}

/** The value of an operation between constants; throws a ValueError for names and for what Python refuses. */
export function evaluate(expression: Expression): Value {
  switch (expression.kind) {
    case 'constant': {
      const { value } = expression;
      if (value === null || typeof value === 'boolean') return value;
      if (typeof value === 'object' && 'kind' in value && value.kind === 'text') return value.text;
      if (typeof value === 'bigint' || typeof value === 'number') return value;
      break;
    }
    case 'list':
      return expression.items.map(evaluate);
    case 'tuple':
      return new Tuple(expression.items.map(evaluate));
    case 'unary':
      return unary(expression.operator, evaluate(expression.operand));
    case 'binary':
      return binary(expression.operator, evaluate(expression.left), evaluate(expression.right));
    default:
  }
  throw new ValueError(`${expression.kind} has no value by itself`);
}

function asNumber(value: Value): bigint | number {
  if (typeof value === 'boolean') return BigInt(value);
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  throw new ValueError('not a number');
}

function unary(operator: '+' | '-' | '~' | 'not', value: Value): Value {
  if (operator === 'not') return asNumber(value) === 0n || asNumber(value) === 0;
  const number = asNumber(value);
  if (operator === '+') return number;
  if (operator === '-') return -number;
  if (typeof number === 'number') throw new ValueError('a float has no bits');
  return ~number;
}

function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  const joined = operator === '+' ? concatenated(left, right) : undefined;
  const repeated = operator === '*' ? (times(left, right) ?? times(right, left)) : undefined;
  const sequence = joined ?? repeated;
  if (sequence !== undefined) return sequence;
  const [a, b] = [asNumber(left), asNumber(right)];
  if (typeof a === 'bigint' && typeof b === 'bigint') return ints(operator, a, b);
  return floats(operator, Number(a), Number(b));
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
      if (b < 0n) return floats(operator, Number(a), Number(b));
      return power(a, b);
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
    default:
      return floats(operator, Number(a), Number(b));
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
    case '//':
    case '%': {
      if (b === 0) throw new ValueError('division by zero');
      if (operator === '/') return a / b;
      const rest = a % b;
      const modulus = rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
      return operator === '%' ? modulus : Math.round((a - modulus) / b);
    }
    case '**': {
      const value = a ** b;
      if (Number.isNaN(value) || (!Number.isFinite(value) && Number.isFinite(a)))
        throw new ValueError('no float');
      return value;
    }
    default:
      throw new ValueError('a float has no bits');
  }
}
