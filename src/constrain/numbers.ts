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
}

/** Digits that a number may have: fractions that doubles tell apart, integers as long as identifiers are. */
const digitsOf = ({ isInteger }: Bounds): number => (isInteger ? 19 : 15);

const COMPLETE = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const PREFIX = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?)?$/;

/** A finite number in units of 10^-places, rounded down, and whether it is whole in them. */
function scaled(value: number, places: number): readonly [units: bigint, isWhole: boolean] {
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const shift = Number(exponent) - fraction.length + places;
  const digits = BigInt(whole + fraction);
  if (shift >= 0) return [digits * 10n ** BigInt(shift), true];
  const unit = 10n ** BigInt(-shift);
  const isWhole = digits % unit === 0n;
  return [digits / unit - (!isWhole && digits < 0n ? 1n : 0n), isWhole];
}

/** Numbers, in units of 10^-places, that a lower and an upper bound begin and end at; `isExclusive` leaves the bound itself out. */
const first = (bound: number, places: number, isExclusive: boolean): bigint => {
  const [units, isWhole] = scaled(bound, places);
  return isWhole && !isExclusive ? units : units + 1n;
};
const last = (bound: number, places: number, isExclusive: boolean): bigint =>
  // Upper bounds are lower ones of the numbers' negatives.
  -first(-bound, places, isExclusive);

/** Tells whether one of the numbers from `low` to `high`, in units of 10^-places, is within bounds. */
function overlaps(low: bigint, high: bigint, places: number, { least, most, above, below }: Bounds): boolean {
  const edges = (edge: typeof first, ...bounds: readonly number[]): bigint[] =>
    bounds.flatMap((bound, i) => (Number.isFinite(bound) ? [edge(bound, places, i > 0)] : []));
  const highest = [high, ...edges(last, most, below)];
  return [low, ...edges(first, least, above)].every((from) => highest.every((to) => from <= to));
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
    return isNegative ? overlaps(-high, -low, places, bounds) : overlaps(low, high, places, bounds);
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

/** A number within bounds. It ends where the rest begins. */
export function number(bounds: Bounds, rest: Rest, text = ''): State {
  const more = (symbol: number): State | undefined => {
    if (symbol > 127) return undefined;
    const longer = text + String.fromCharCode(symbol);
    return leadsToNumber(longer, bounds) ? number(bounds, rest, longer) : undefined;
  };
  return leadsToNumber(text, bounds, true) ? orElse(more, rest) : { isEnd: false, after: more };
}
