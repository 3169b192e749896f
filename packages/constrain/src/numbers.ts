/**
 * Numbers of JSON within bounds: after each character there is a number that can still be reached. Numbers are compared as the
 * decimals that they are written as, exactly.
 */
import { orElse, type Rest, type State } from './state.ts';

export interface Bounds {
  readonly isInteger: boolean;
  /** Inclusive, -Infinity and Infinity for none. */
  readonly least: number;
  readonly most: number;
  /** Exclusive. */
  readonly above: number;
  readonly below: number;
  /** Numbers that it is a multiple of, each above 0. */
  readonly multiples: readonly number[];
  /** Numbers that it is not, each once. Where some may not be, all are written so that doubles tell them apart. */
  readonly without?: readonly number[];
}

/** Digits that are written unless a bound needs more: what doubles hold exactly, and integers as long as identifiers are. */
const DIGITS = { integer: 19, number: 15 };
/** Digits of numbers that bounds need, at most. */
const MAX_DIGITS = 40;

const COMPLETE = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const PREFIX = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?)?$/;

/** Digits of a finite number, and how many of them stand behind the point. */
function decimal(value: number): readonly [digits: bigint, places: number] {
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const places = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return places >= 0 ? [digits, places] : [digits * 10n ** BigInt(-places), 0];
}

/** Digits that a number may have. */
function digitsOf({ isInteger, least, most, above, below, multiples, without }: Bounds): number {
  const needed = [least, most, above, below, ...multiples].filter(Number.isFinite).map((bound) => {
    const [digits, places] = decimal(Math.abs(bound));
    return Math.max(String(digits).length, places + 1);
  });
  return Math.min(
    MAX_DIGITS,
    Math.max(
      isInteger && without === undefined && multiples.length === 0 ? DIGITS.integer : DIGITS.number,
      ...needed,
    ),
  );
}

/** Division of whole numbers, rounded down. */
function floored(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by !== 0n && value < 0n ? quotient - 1n : quotient;
}

/** A finite number in units of 10^-places, rounded down, and whether it is whole in them. */
function scaled(value: number, places: number): readonly [units: bigint, isWhole: boolean] {
  const [digits, own] = decimal(value);
  if (own <= places) return [digits * 10n ** BigInt(places - own), true];
  const unit = 10n ** BigInt(own - places);
  return [floored(digits, unit), digits % unit === 0n];
}

/** Numbers, in units of 10^-places, that a lower and an upper bound begin and end at; `isExclusive` leaves the bound itself out. */
const first = (bound: number, places: number, isExclusive: boolean): bigint => {
  const [units, isWhole] = scaled(bound, places);
  return isWhole && !isExclusive ? units : units + 1n;
};
const last = (bound: number, places: number, isExclusive: boolean): bigint =>
  // Upper bounds are lower ones of the numbers' negatives.
  -first(-bound, places, isExclusive);

const divisor = (a: bigint, b: bigint): bigint => (b === 0n ? a : divisor(b, a % b));

/** Steps, in units of 10^-places, between the numbers that are multiples of all of these. */
function stepOf(multiples: readonly number[], places: number): bigint {
  return multiples.reduce((step, multiple) => {
    const [digits, own] = decimal(multiple);
    const units = digits * 10n ** BigInt(places);
    const one = units / divisor(units, 10n ** BigInt(own));
    return (step / divisor(step, one)) * one;
  }, 1n);
}

/** Number of those from `low` to `high`, in units of 10^-places, are within bounds. */
function countWithin(low: bigint, high: bigint, places: number, bounds: Bounds): bigint {
  const { least, most, above, below, multiples, without = [] } = bounds;
  const edges = (edge: typeof first, ...values: readonly number[]): bigint[] =>
    values.flatMap((value, i) => (Number.isFinite(value) ? [edge(value, places, i > 0)] : []));
  const from = edges(first, least, above).reduce((a, b) => (a > b ? a : b), low);
  const to = edges(last, most, below).reduce((a, b) => (a < b ? a : b), high);
  if (from > to) return 0n;
  const step = stepOf(multiples, places);
  const count = floored(to, step) - floored(from - 1n, step);
  const left = without.filter((value) => {
    const [units, isWhole] = scaled(value, places);
    return isWhole && units >= from && units <= to && units % step === 0n;
  });
  return count - BigInt(left.length);
}

/** Tells whether a number within bounds begins with these characters, or is them if `isAll`. */
export function leadsToNumber(text: string, bounds: Bounds, isAll = false): boolean {
  if (!(isAll ? COMPLETE : PREFIX).test(text)) return false;
  const isNegative = text.startsWith('-');
  if (text === '' && leadsToNumber('-', bounds)) return true;
  const [whole = '', fraction] = (isNegative ? text.slice(1) : text).split('.');
  if (fraction !== undefined && bounds.isInteger) return false;
  const written = whole.length + (fraction?.length ?? 0);
  const room = isAll ? 0 : digitsOf(bounds) - written;
  if (room < 0) return false;
  const start = BigInt(whole + (fraction ?? '') || '0');
  /** Numbers with so many more digits, of which `places` stand behind the point. */
  const reaches = (more: number, places: number): boolean => {
    const size = 10n ** BigInt(more);
    const [low, high] = [start * size, start * size + size - 1n];
    return (
      (isNegative ? countWithin(-high, -low, places, bounds) : countWithin(low, high, places, bounds)) > 0n
    );
  };
  if (fraction !== undefined)
    return (isAll || fraction !== '' || room > 0) && reaches(room, fraction.length + room);
  // A number that is complete without a fraction, or goes on with digits before the point, or behind it.
  if (whole !== '' && reaches(0, 0)) return true;
  const wholes = whole === '0' ? 0 : room;
  for (let more = 0; more <= wholes; more++)
    if (bounds.isInteger ? reaches(more, 0) : reaches(room, room - more)) return true;
  return false;
}

/** Some of the numbers within bounds: all of them, or `most`. */
export function someNumbers(bounds: Bounds, most: number): number[] {
  const found: number[] = [];
  for (let text = ''; found.length < most; text = '') {
    const left = { ...bounds, without: [...(bounds.without ?? []), ...found] };
    if (!leadsToNumber('', left)) return found;
    while (!leadsToNumber(text, left, true)) {
      const next = Array.from('0123456789.-').find((char) => leadsToNumber(text + char, left));
      if (next === undefined) return found;
      text += next;
    }
    found.push(Number(text));
  }
  return found;
}

/** A number within bounds. It ends where the rest begins. */
export function number(bounds: Bounds, rest: (written: number) => State, text = ''): State {
  const more = (symbol: number): State | undefined => {
    if (symbol > 127) return undefined;
    const longer = text + String.fromCharCode(symbol);
    return leadsToNumber(longer, bounds) ? number(bounds, rest, longer) : undefined;
  };
  const behind: Rest = () => rest(Number(text));
  return leadsToNumber(text, bounds, true) ? orElse(more, behind) : { isEnd: false, after: more };
}
