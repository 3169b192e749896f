/** Python's `datetime.strptime` for the three formats that the simulated APIs read. */
import { typeError, valueError } from './errors.ts';
import { repr } from './print.ts';
import { typeName, type Value } from './value.ts';

export type DateFormat = '%I:%M %p' | '%Y-%m-%d' | '%Y-%m-%d %H:%M:%S';

/** A moment without a time zone. */
export interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const DATE = '(?<year>\\d{4})-(?<month>1[0-2]|0[1-9]|[1-9])-(?<day>3[01]|[12]\\d|0[1-9]|[1-9]| [1-9])';
const PATTERNS: Readonly<Record<DateFormat, RegExp>> = {
  '%I:%M %p': /^(?<hour>1[0-2]|0[1-9]|[1-9]):(?<minute>[0-5]\d|\d)\s+(?<half>am|pm)/i,
  '%Y-%m-%d': new RegExp(`^${DATE}`),
  '%Y-%m-%d %H:%M:%S': new RegExp(
    `^${DATE}\\s+(?<hour>2[0-3]|[01]\\d|\\d):(?<minute>[0-5]\\d|\\d):(?<second>6[01]|[0-5]\\d|\\d)`,
  ),
};

/** Reads `value`; a ValueError says what does not fit, a TypeError that it is no text. */
export function parseMoment(value: Value, format: DateFormat): Moment {
  if (typeof value !== 'string') {
    const type = value === null ? 'None' : typeName(value);
    throw typeError(`strptime() argument 1 must be str, not ${type}`);
  }
  const match = PATTERNS[format].exec(value);
  if (match === null) throw valueError(`time data ${repr(value)} does not match format ${repr(format)}`);
  if (match[0].length < value.length)
    throw valueError(`unconverted data remains: ${value.slice(match[0].length)}`);
  const part = (name: string, otherwise: number): number => Number(match.groups?.[name] ?? otherwise);
  const half = match.groups?.['half']?.toLowerCase();
  const hour = half === undefined ? part('hour', 0) : (part('hour', 0) % 12) + (half === 'pm' ? 12 : 0);
  const [year, month, day] = [part('year', 1900), part('month', 1), part('day', 1)];
  if (year === 0) throw valueError('year 0 is out of range');
  if (day > daysIn(year, month)) throw valueError('day is out of range for month');
  if (part('second', 0) > 59) throw valueError('second must be in 0..59');
  return { year, month, day, hour, minute: part('minute', 0), second: part('second', 0) };
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (month === 2) return leap ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** A number that orders moments. */
export function order({ year, month, day, hour, minute, second }: Moment): number {
  return ((((year * 100 + month) * 100 + day) * 100 + hour) * 100 + minute) * 100 + second;
}
