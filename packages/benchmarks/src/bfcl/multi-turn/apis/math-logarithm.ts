/** MathAPI's logarithm, which answers with as many digits as its precision asks for, printed as mpmath prints them. */
import { pyFloat, pyInt } from '../../../python/numbers.ts';
import { Raised, typeError } from '../python/errors.ts';
import {
  decimalText,
  exactly,
  naturalLog,
  pi,
  productSum,
  quotient,
  rounded,
  type Fraction,
} from '../python/binary-float.ts';
import { toInt } from '../python/numbers.ts';
import { repr } from '../python/print.ts';
import { fractionOf } from '../python/rational.ts';
import { asInt, dict, Opaque, type Value } from '../python/value.ts';

const BITS_PER_DIGIT = 3.3219280948873626;
/** The most digits that are computed. */
const MAX_PRECISION = 5000n;

/** A fraction, or one of the floats that are none. */
type Real = Fraction | 'inf' | '-inf' | 'nan';
/** A logarithm: of a negative number it is complex. */
interface Log {
  readonly real: Real;
  readonly imaginary: Fraction | undefined;
}

/** Rounds halves to even. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** An int, a float or a text as a number; texts are rounded to `bits`. */
function toReal(value: Value, bits: number): Real {
  const number = asInt(value);
  if (typeof number === 'bigint') return [number, 1n];
  if (typeof number === 'number') return Number.isFinite(number) ? fractionOf(number) : special(number);
  const fraction = typeof number === 'string' ? textFraction(number) : undefined;
  if (fraction === undefined) throw typeError(`cannot create mpf from ${repr(value)}`);
  return typeof fraction === 'string' ? fraction : exactly(rounded(fraction, bits));
}

function special(value: number): Real {
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

/** A decimal number or "p/q". */
function textFraction(text: string): Real | undefined {
  const [top = '', bottom] = text.split('/');
  if (bottom !== undefined) {
    const [p, q] = [pyInt(top), pyInt(bottom)];
    return p === undefined || q === undefined || q === 0n ? undefined : quotient([p, 1n], [q, 1n]);
  }
  const float = pyFloat(text);
  if (float === undefined || Number.isNaN(float)) return float === undefined ? undefined : 'nan';
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?/i.exec(text.replaceAll('_', '').trim()) ?? [];
  if (whole + fraction === '') return special(float);
  const exponent = Number(power) - fraction.length;
  if (Math.abs(exponent) > Number(MAX_PRECISION)) return undefined;
  const digits = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`);
  return exponent >= 0 ? [digits * 10n ** BigInt(exponent), 1n] : [digits, 10n ** BigInt(-exponent)];
}

function log(value: Real, bits: number): Log {
  if (value === 'nan') return { real: 'nan', imaginary: undefined };
  if (value === 'inf') return { real: 'inf', imaginary: undefined };
  const imaginary = exactly(pi(bits));
  if (value === '-inf') return { real: 'inf', imaginary };
  const [numerator, denominator] = value;
  if (numerator === 0n) return { real: '-inf', imaginary: undefined };
  const size: Fraction = [numerator < 0n ? -numerator : numerator, denominator];
  return {
    real: exactly(naturalLog(size, bits)),
    imaginary: numerator < 0n ? imaginary : undefined,
  };
}

/** The quotient of two real logarithms. */
function realQuotient(a: Real, b: Real): Real {
  if (a === 'nan' || b === 'nan') return 'nan';
  if (typeof b !== 'string' && b[0] === 0n) throw new Raised('ArithmeticError', '');
  if (typeof b === 'string') return typeof a === 'string' ? 'nan' : [0n, 1n];
  if (typeof a !== 'string') return quotient(a, b);
  return (a === 'inf') === b[0] > 0n ? 'inf' : '-inf';
}

function realText(value: Real, bits: number): string {
  if (value === 'inf') return '+inf';
  if (typeof value === 'string') return value;
  const digits = Math.max(1, roundHalfEven(bits / BITS_PER_DIGIT - 1));
  return decimalText(rounded(value, bits), digits === 15 ? 17 : digits + 3);
}

function quotientText(a: Log, b: Log, bits: number): string {
  if (a.imaginary === undefined && b.imaginary === undefined)
    return `mpf('${realText(realQuotient(a.real, b.real), bits)}')`;
  const [real, imaginary] = complexQuotient(a, b).map((part) => realText(part, bits));
  return `mpc(real='${real}', imag='${imaginary}')`;
}

function complexQuotient(a: Log, b: Log): readonly [Real, Real] {
  const zero: Fraction = [0n, 1n];
  if (typeof a.real === 'string' || typeof b.real === 'string')
    return [realQuotient(a.real, b.real), realQuotient(a.imaginary ?? zero, b.real)];
  const [p, q, r, s] = [a.real, a.imaginary ?? zero, b.real, b.imaginary ?? zero];
  const size = productSum(r, r, s, s);
  if (size[0] === 0n) throw new Raised('ArithmeticError', '');
  const opposite: Fraction = [-s[0], s[1]];
  return [quotient(productSum(p, r, q, s), size), quotient(productSum(q, r, p, opposite), size)];
}

export function logarithm(_math: null, value: Value, base: Value, precision: Value): Value {
  try {
    const digits = toInt(precision);
    if (digits > MAX_PRECISION) throw new Raised('MemoryError', '');
    const bits = Math.max(1, roundHalfEven((Number(digits) + 1) * BITS_PER_DIGIT));
    const [x, y] = [toReal(value, bits), toReal(base, bits)];
    const text = quotientText(log(x, bits), log(y, bits), bits);
    return dict({ result: new Opaque('mpf', text) });
  } catch (thrown) {
    if (thrown instanceof Raised) return dict({ error: thrown.message });
    throw thrown;
  }
}
