/**
 * Floats of any precision, as mpmath has them: an integer times a power of two, rounded to a number of bits, ties to even.
 * Logarithms are rounded correctly: they are computed anew with more bits until the rounding is certain (Ziv's strategy).
 */
import { bitLength, roundedQuotient } from './rational.ts';

/** `mantissa * 2 ** exponent`. */
export interface BinaryFloat {
  readonly mantissa: bigint;
  readonly exponent: number;
}

export type Fraction = readonly [numerator: bigint, denominator: bigint];

const abs = (value: bigint): bigint => (value < 0n ? -value : value);

/** A fraction (with a positive denominator) rounded to `bits`. */
export function rounded([numerator, denominator]: Fraction, bits: number): BinaryFloat {
  if (numerator === 0n) return { mantissa: 0n, exponent: 0 };
  let shift = bits - (bitLength(abs(numerator)) - bitLength(denominator));
  const scaled = (by: number): bigint =>
    by >= 0
      ? roundedQuotient(numerator << BigInt(by), denominator)
      : roundedQuotient(numerator, denominator << BigInt(-by));
  if (bitLength(abs(scaled(shift))) > bits) shift--;
  return { mantissa: scaled(shift), exponent: -shift };
}

/** The exact value of a float. */
export function exactly({ mantissa, exponent }: BinaryFloat): Fraction {
  return exponent >= 0 ? [mantissa << BigInt(exponent), 1n] : [mantissa, 1n << BigInt(-exponent)];
}

/** `a / b`, for b other than 0. */
export function quotient([a, b]: Fraction, [c, d]: Fraction): Fraction {
  return c < 0n ? [-a * d, -b * c] : [a * d, b * c];
}

/** `a * b + c * d`. */
export function productSum(a: Fraction, b: Fraction, c: Fraction, d: Fraction): Fraction {
  const [left, under] = [a[0] * b[0], a[1] * b[1]];
  const [right, below] = [c[0] * d[0], c[1] * d[1]];
  return [left * below + right * under, under * below];
}

/** The sum of `z^(2k+1) / (2k+1)`, with alternating signs or without: arctan or artanh of z, times 2^bits. */
function arcSeries(z: bigint, bits: number, alternating: boolean): bigint {
  const square = (z * z) >> BigInt(bits);
  let power = z;
  let sum = z;
  for (let k = 1n; power !== 0n && power !== -1n; k++) {
    power = (power * square) >> BigInt(bits);
    const term = power / (2n * k + 1n);
    sum += alternating && k % 2n === 1n ? -term : term;
  }
  return sum;
}

/** ln 2 times 2^bits: 18 artanh(1/26) - 2 artanh(1/4801) + 8 artanh(1/8749). */
function ln2(bits: number): bigint {
  const artanh = (n: bigint): bigint => arcSeries((1n << BigInt(bits)) / n, bits, false);
  return 18n * artanh(26n) - 2n * artanh(4801n) + 8n * artanh(8749n);
}

/** ln of a positive fraction times 2^bits; off by fewer than 2^(20) units. */
function lnFixed([numerator, denominator]: Fraction, bits: number): bigint {
  // The fraction is 2^power times a factor near 1.
  let power = bitLength(numerator) - bitLength(denominator);
  if (
    power >= 0
      ? 3n * numerator < (denominator << BigInt(power)) * 2n
      : 3n * (numerator << BigInt(-power)) < 2n * denominator
  )
    power--;
  const top = power >= 0 ? numerator : numerator << BigInt(-power);
  const bottom = power >= 0 ? denominator << BigInt(power) : denominator;
  const z = ((top - bottom) << BigInt(bits)) / (top + bottom);
  return BigInt(power) * ln2(bits) + 2n * arcSeries(z, bits, false);
}

const UNCERTAIN_BITS = 24;

/** Rounds what `fixed(bits)`, a value times 2^bits, converges to; it may not have an end in binary. */
function certain(fixed: (bits: number) => bigint, bits: number): BinaryFloat {
  for (let working = bits + 2 * UNCERTAIN_BITS; ; working += bits + UNCERTAIN_BITS) {
    const value = fixed(working);
    const uncertain = 1n << BigInt(UNCERTAIN_BITS);
    const [low, high] = [value - uncertain, value + uncertain].map((bound) =>
      rounded([bound, 1n << BigInt(working)], bits),
    );
    if (low !== undefined && low.mantissa === high?.mantissa && low.exponent === high.exponent) return low;
  }
}

/** The natural logarithm of a positive fraction, rounded to `bits`. */
export function naturalLog(value: Fraction, bits: number): BinaryFloat {
  if (value[0] === value[1]) return { mantissa: 0n, exponent: 0 };
  return certain((working) => lnFixed(value, working), bits);
}

/** Pi rounded to `bits`: 16 arctan(1/5) - 4 arctan(1/239) (Machin). */
export function pi(bits: number): BinaryFloat {
  const arctan = (n: bigint, working: number): bigint =>
    arcSeries((1n << BigInt(working)) / n, working, true);
  return certain((working) => 16n * arctan(5n, working) - 4n * arctan(239n, working), bits);
}

/** `value` with so many significant digits, halves away from zero, as mpmath writes it: 2.0, 4.3481e-8. */
export function decimalText({ mantissa, exponent }: BinaryFloat, significant: number): string {
  if (mantissa === 0n) return '0.0';
  const [numerator, denominator] = exactly({ mantissa: abs(mantissa), exponent });
  let point = Math.floor((bitLength(numerator) - bitLength(denominator)) * Math.log10(2)) - 1;
  const scaledBy = (power: number): Fraction =>
    power >= 0
      ? [numerator * 10n ** BigInt(power), denominator]
      : [numerator, denominator * 10n ** BigInt(-power)];
  const digitsAt = (leading: number): string => {
    const [top, bottom] = scaledBy(significant - 1 - leading);
    return String((2n * top + bottom) / (2n * bottom));
  };
  // The estimate of the leading digit's place may be too low.
  while (digitsAt(point).length > significant) point++;
  const text = placed(digitsAt(point), point, significant);
  return mantissa < 0n ? `-${text}` : text;
}

/** Digits with a point: fixed, or with an exponent where the leading digit is far from it. */
function placed(digits: string, leading: number, significant: number): string {
  const lowest = Math.min(-Math.floor(significant / 3), -5);
  const fixed = lowest < leading && leading < significant;
  const place = fixed ? leading : 0;
  const padded = place < 0 ? '0'.repeat(-place) + digits : digits.padEnd(place + 1, '0');
  const whole = Math.max(place, 0) + 1;
  const fraction = padded.slice(whole).replace(/0+$/, '') || '0';
  const suffix = fixed ? '' : `e${leading < 0 ? '-' : '+'}${Math.abs(leading)}`;
  return `${padded.slice(0, whole)}.${fraction}${suffix}`;
}
