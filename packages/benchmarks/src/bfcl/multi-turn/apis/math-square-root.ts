/** MathAPI's square root in decimal arithmetic: correctly rounded to a number of significant digits, printed as Python's Decimal. */
import { Raised, valueError } from '../python/errors.ts';
import { compare } from '../python/compare.ts';
import { fractionOf } from '../python/rational.ts';
import { asInt, dict, isNumeric, Opaque, type Value } from '../python/value.ts';

/** The most digits that are computed. */
const MAX_PRECISION = 20_000n;

/** `digits * 10 ** exponent`. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** The largest integer whose square is at most `value` (Newton's method). */
function integerRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(value.toString(16).length * 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** A number's exact decimal value: a fraction with a power of two below ends in decimal too. */
function toDecimal(value: bigint | number): Decimal {
  const [numerator, denominator] = typeof value === 'bigint' ? [value, 1n] : fractionOf(value);
  const places = denominator.toString(2).length - 1;
  return { digits: numerator * 5n ** BigInt(places), exponent: -places };
}

/** The root with `precision` significant digits, ties to even; exact roots as near to the ideal exponent as they can be. */
function decimalRoot({ digits, exponent }: Decimal, precision: number): Decimal {
  const ideal = Math.floor(exponent / 2);
  if (digits === 0n) return { digits: 0n, exponent: ideal };
  // One digit more than is kept, and an even exponent.
  const length = String(digits).length;
  const wanted = 2 * (precision + 1);
  let shift = wanted - length + (wanted % 2 === length % 2 ? 0 : 1);
  if ((exponent - shift) % 2 !== 0) shift++;
  const scaled = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
  const lost = shift < 0 && digits % 10n ** BigInt(-shift) !== 0n;
  const root = integerRoot(scaled);
  const exact = !lost && root * root === scaled;
  const at = (exponent - shift) / 2;
  return exact ? reduced(root, at, ideal, precision) : shortened(root, at, precision, true);
}

/** Drops zeros at the end of an exact root, or adds them, toward the ideal exponent. */
function reduced(root: bigint, at: number, ideal: number, precision: number): Decimal {
  let [digits, exponent] = [root, at];
  while (exponent < ideal && digits % 10n === 0n) {
    digits /= 10n;
    exponent++;
  }
  while (exponent > ideal && String(digits).length < precision) {
    digits *= 10n;
    exponent--;
  }
  return shortened(digits, exponent, precision, false);
}

/** Rounds to `precision` digits; `more` says that digits other than zeros follow those that are there. */
function shortened(digits: bigint, exponent: number, precision: number, more: boolean): Decimal {
  const extra = String(digits).length - precision;
  if (extra <= 0) return { digits, exponent };
  const unit = 10n ** BigInt(extra);
  const [kept, rest] = [digits / unit, digits % unit];
  const up = 2n * rest > unit || (2n * rest === unit && (more || kept % 2n === 1n));
  const next = kept + (up ? 1n : 0n);
  // 99.9 rounds to three digits.
  if (String(next).length > precision) return { digits: next / 10n, exponent: exponent + extra + 1 };
  return { digits: next, exponent: exponent + extra };
}

/** `str(Decimal)`. */
function decimalText({ digits, exponent }: Decimal): string {
  const text = String(digits);
  const adjusted = exponent + text.length - 1;
  if (exponent <= 0 && adjusted >= -6) {
    if (exponent === 0) return text;
    const padded = text.padStart(1 - exponent, '0');
    return `${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
  }
  const fraction = text.length > 1 ? `.${text.slice(1)}` : '';
  return `${text.charAt(0)}${fraction}E${adjusted < 0 ? '-' : '+'}${Math.abs(adjusted)}`;
}

export function squareRoot(_math: null, number: Value, precision: Value): Value {
  const value = asInt(number);
  const digits = asInt(precision);
  if (!isNumeric(value)) return invalid();
  if (compare(value, '<', 0n)) return dict({ error: 'Cannot calculate square root of a negative number' });
  if (typeof digits !== 'bigint') return invalid();
  if (digits < 1n) throw valueError('valid range for prec is [1, MAX_PREC]');
  if (digits > MAX_PRECISION) throw new Raised('MemoryError', '');
  const text =
    typeof value === 'number' && !Number.isFinite(value)
      ? Number.isNaN(value)
        ? 'NaN'
        : 'Infinity'
      : decimalText(decimalRoot(toDecimal(value), Number(digits)));
  return dict({ result: new Opaque('Decimal', `Decimal('${text}')`) });
}

function invalid(): Value {
  return dict({ error: 'Input must be a number or computation resulted in an invalid operation' });
}
