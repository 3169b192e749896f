/** Python's arithmetic: ints are exact and unbounded, int with float gives float, and what Python raises where it does not work. */
import { pyFloat, pyInt } from '../../../python/numbers.ts';
import { Raised, typeError, valueError } from './errors.ts';
import { repr, tooManyDigits } from './print.ts';
import { bitLength, fractionOf, nearestFloat, roundedQuotient } from './rational.ts';
import { asInt, isNumeric, Opaque, typeName, type Value } from './value.ts';

/** The most characters or items that repeating a sequence may make. */
const MAX_REPEATED = 1e7;

/** Beyond it an int is no count. */
const INDEX_LIMIT = 2n ** 63n;

const LARGEST_EXACT_EXPONENT = 64;

/** An int or float as a float; raises where an int is too large. */
export function asFloat(value: bigint | number): number {
  if (typeof value === 'number') return value;
  const float = Number(value);
  if (!Number.isFinite(float)) throw new Raised('OverflowError', 'int too large to convert to float');
  return float;
}

function unsupported(symbol: string, a: Value, b: Value): Raised {
  return typeError(`unsupported operand type(s) for ${symbol}: '${typeName(a)}' and '${typeName(b)}'`);
}

/** `a + b`; `symbol` is how the operation is written, for the text of a TypeError. */
export function add(a: Value, b: Value, symbol: '+' | '+=' = '+'): Value {
  const [x, y] = [asInt(a), asInt(b)];
  if (isNumeric(x) && isNumeric(y))
    return typeof x === 'bigint' && typeof y === 'bigint' ? x + y : asFloat(x) + asFloat(y);
  if (typeof x === 'string' && typeof y === 'string') return x + y;
  if (Array.isArray(x) && Array.isArray(y)) return [...x, ...y];
  if (typeof x === 'string' || Array.isArray(x)) {
    const type = typeName(x);
    throw typeError(`can only concatenate ${type} (not "${typeName(b)}") to ${type}`);
  }
  throw unsupported(symbol, a, b);
}

/** `a - b`. */
export function subtract(a: Value, b: Value, symbol: '-' | '-=' = '-'): bigint | number {
  const [x, y] = [asInt(a), asInt(b)];
  if (!isNumeric(x) || !isNumeric(y)) throw unsupported(symbol, a, b);
  return typeof x === 'bigint' && typeof y === 'bigint' ? x - y : asFloat(x) - asFloat(y);
}

/** `a * b`; an int repeats a text or a list. */
export function multiply(a: Value, b: Value): Value {
  const [x, y] = [asInt(a), asInt(b)];
  if (isNumeric(x) && isNumeric(y))
    return typeof x === 'bigint' && typeof y === 'bigint' ? x * y : asFloat(x) * asFloat(y);
  for (const [sequence, times] of [
    [x, y],
    [y, x],
  ] as const) {
    if (typeof sequence !== 'string' && !Array.isArray(sequence)) continue;
    if (typeof times !== 'bigint')
      throw typeError(`can't multiply sequence by non-int of type '${typeName(times === x ? a : b)}'`);
    return repeated(sequence, times);
  }
  throw unsupported('*', a, b);
}

function repeated(sequence: string | Value[], times: bigint): Value {
  if (times >= INDEX_LIMIT || times < -INDEX_LIMIT)
    throw new Raised('OverflowError', "cannot fit 'int' into an index-sized integer");
  const count = times < 0n ? 0 : Number(times);
  if (sequence.length * count > MAX_REPEATED) throw new Raised('MemoryError', '');
  if (typeof sequence === 'string') return sequence.repeat(count);
  return Array.from({ length: count }, () => sequence).flat();
}

/** `a / b`, always a float; a division by zero raises. */
export function divide(a: Value, b: Value): number {
  const [x, y] = [asInt(a), asInt(b)];
  if (!isNumeric(x) || !isNumeric(y)) throw unsupported('/', a, b);
  const exact = typeof x === 'bigint' && typeof y === 'bigint';
  if (y === 0n || y === 0)
    throw new Raised('ArithmeticError', exact ? 'division by zero' : 'float division by zero');
  if (!exact) return asFloat(x) / asFloat(y);
  const quotient = y < 0n ? nearestFloat(-x, -y) : nearestFloat(x, y);
  if (!Number.isFinite(quotient))
    throw new Raised('OverflowError', 'integer division result too large for a float');
  return x === 0n && y < 0n ? -0 : quotient;
}

/** `base ** exponent`. */
export function power(base: Value, exponent: Value): Value {
  const [x, y] = [asInt(base), asInt(exponent)];
  if (!isNumeric(x) || !isNumeric(y)) {
    throw typeError(
      `unsupported operand type(s) for ** or pow(): '${typeName(base)}' and '${typeName(exponent)}'`,
    );
  }
  if (typeof x === 'bigint' && typeof y === 'bigint' && y >= 0n) {
    // Printing it would raise; so the power is not even computed.
    if (x * x > 1n && Number(y) * (bitLength(x < 0n ? -x : x) - 1) > 20_000) throw tooManyDigits();
    return x ** y;
  }
  return floatPower(asFloat(x), asFloat(y));
}

function floatPower(base: number, exponent: number): Value {
  if (base === 0 && exponent < 0)
    throw new Raised('ArithmeticError', '0.0 cannot be raised to a negative power');
  // C's pow, unlike JavaScript's, takes 1 to any power, and -1 to an infinite one, for 1.
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  if (base < 0 && Number.isFinite(base) && Number.isFinite(exponent) && !Number.isInteger(exponent))
    return complexPower(base, exponent);
  const result = exactlyPowered(base, exponent) ?? base ** exponent;
  if (Number.isFinite(base) && Number.isFinite(exponent) && !Number.isFinite(result))
    throw new Raised('OverflowError', "(34, 'Numerical result out of range')");
  return result;
}

/** A power by a small integer, rounded once, as C's pow all but always does and JavaScript's does not; undefined for others. */
function exactlyPowered(base: number, exponent: number): number | undefined {
  if (!Number.isFinite(base) || base === 0 || !Number.isInteger(exponent)) return undefined;
  if (Math.abs(exponent) > LARGEST_EXACT_EXPONENT) return undefined;
  const [numerator, denominator] = fractionOf(Math.abs(base));
  const times = BigInt(Math.abs(exponent));
  const [top, bottom] = [numerator ** times, denominator ** times];
  const size = exponent < 0 ? nearestFloat(bottom, top) : nearestFloat(top, bottom);
  return base < 0 && exponent % 2 !== 0 ? -size : size;
}

/** A negative number to a fraction: a complex number, in polar form as Python computes it. */
function complexPower(base: number, exponent: number): Opaque {
  const length = (-base) ** exponent;
  if (!Number.isFinite(length)) throw new Raised('OverflowError', 'complex exponentiation');
  const phase = Math.PI * exponent;
  const [real, imaginary] = [length * Math.cos(phase), length * Math.sin(phase)];
  const plain = (part: number): string => repr(part).replace(/\.0$/, '');
  if (Object.is(real, 0)) return new Opaque('complex', `${plain(imaginary)}j`);
  const sign = imaginary < 0 || Object.is(imaginary, -0) ? '' : '+';
  return new Opaque('complex', `(${plain(real)}${sign}${plain(imaginary)}j)`);
}

/** `abs(value)`. */
export function absolute(value: Value): bigint | number {
  const number = asInt(value);
  if (!isNumeric(number)) throw typeError(`bad operand type for abs(): '${typeName(value)}'`);
  return typeof number === 'bigint' ? (number < 0n ? -number : number) : Math.abs(number);
}

/** `round(value, places)`, of the exact binary value, ties to even. */
export function round(value: Value, places: Value): bigint | number {
  const number = asInt(value);
  const digits = asInt(places);
  if (!isNumeric(number)) throw typeError(`type ${typeName(value)} doesn't define __round__ method`);
  if (digits !== null && typeof digits !== 'bigint')
    throw typeError(`'${typeName(places)}' object cannot be interpreted as an integer`);
  if (typeof number === 'number') return roundFloat(number, digits);
  if (digits === null || digits >= 0n) return number;
  if (-digits > 5000n) return 0n;
  const unit = 10n ** -digits;
  return roundedQuotient(number, unit) * unit;
}

function roundFloat(value: number, digits: bigint | null): bigint | number {
  if (digits === null) {
    if (Number.isNaN(value)) throw valueError('cannot convert float NaN to integer');
    if (!Number.isFinite(value))
      throw new Raised('OverflowError', 'cannot convert float infinity to integer');
    const [numerator, denominator] = fractionOf(value);
    return roundedQuotient(numerator, denominator);
  }
  // Beyond these a float has no more digits, or none left.
  if (!Number.isFinite(value) || digits > 323n || value === 0) return value;
  if (digits < -308n) return value < 0 ? -0 : 0;
  const text = decimalText(value, Number(digits));
  const rounded = Number(text);
  if (!Number.isFinite(rounded)) throw new Raised('OverflowError', 'rounded value too large to represent');
  return rounded === 0 && value < 0 ? -0 : rounded;
}

/** The exact value rounded to `places` decimals, as "123e-2". */
function decimalText(value: number, places: number): string {
  const [numerator, denominator] = fractionOf(value);
  const power = 10n ** BigInt(Math.abs(places));
  const units =
    places >= 0
      ? roundedQuotient(numerator * power, denominator)
      : roundedQuotient(numerator, denominator * power);
  return `${units}e${-places}`;
}

/** A float of at least 0 with exactly two decimals, as `f'{value:.2f}'`. */
export function twoDecimals(value: number): string {
  const [numerator, denominator] = fractionOf(value);
  const digits = String(roundedQuotient(numerator * 100n, denominator)).padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** `float(value)`. */
export function toFloat(value: Value): number {
  const number = asInt(value);
  if (isNumeric(number)) return asFloat(number);
  if (typeof number !== 'string')
    throw typeError(`float() argument must be a string or a real number, not '${typeName(value)}'`);
  const float = pyFloat(number);
  if (float === undefined) throw valueError(`could not convert string to float: ${repr(number)}`);
  return float;
}

/** `int(value)`. */
export function toInt(value: Value): bigint {
  const number = asInt(value);
  if (typeof number === 'bigint') return number;
  if (typeof number === 'number') {
    if (Number.isNaN(number)) throw valueError('cannot convert float NaN to integer');
    if (!Number.isFinite(number))
      throw new Raised('OverflowError', 'cannot convert float infinity to integer');
    return BigInt(Math.trunc(number));
  }
  if (typeof number !== 'string') {
    throw typeError(
      `int() argument must be a string, a bytes-like object or a real number, not '${typeName(value)}'`,
    );
  }
  const int = pyInt(number);
  if (int === undefined) throw valueError(`invalid literal for int() with base 10: ${repr(number)}`);
  return int;
}
