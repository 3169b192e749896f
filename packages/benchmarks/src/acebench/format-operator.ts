/** Python's `text % values`: numbers and texts put into the places that a text has for them. */
import { isEntries, isItems, repr, str, Tuple, type Value, ValueError } from './values.ts';
import { wholeNumber } from './sequences.ts';

const PLACE = /%(?:\(([^)]*)\))?([-+ #0]*)(\d*)(?:\.(\d*))?([a-zA-Z%])/g;
/** The widest that a place may be. */
const MAX_WIDTH = 1000;

/** `text % values`; throws a ValueError where places and values do not fit, and for forms that are not known here. */
export function formatted(text: string, values: Value): string {
  const given = values instanceof Tuple ? values.items : [values];
  let [next, named] = [0, false];
  if (/%(?!(?:\([^)]*\))?[-+ #0]*\d*(?:\.\d*)?[a-zA-Z%])/.test(text.replaceAll('%%', '')))
    throw new ValueError('a place is not closed');
  const filled = text.replace(
    PLACE,
    (_place, name: string | undefined, flags: string, width, precision, form) => {
      if (form === '%') return '%';
      let value = given[next];
      if (name === undefined) next += 1;
      else {
        named = true;
        value = isEntries(values) ? values.get(name) : undefined;
      }
      if (value === undefined) throw new ValueError('there are fewer values than places');
      const places = precision === undefined ? undefined : Number(precision);
      return padded(written(String(form), value, places), String(flags), Number(width), String(form));
    },
  );
  if (!named && next < given.length && !isEntries(values) && !isItems(values))
    throw new ValueError('there are more values than places');
  return filled;
}

function written(form: string, value: Value, places: number | undefined): string {
  switch (form) {
    case 's':
    case 'r':
      return Array.from(form === 's' ? str(value) : repr(value))
        .slice(0, places)
        .join('');
    case 'd':
    case 'i':
    case 'u':
      return String(typeof value === 'number' ? BigInt(Math.trunc(value)) : wholeNumber(value));
    case 'x':
      return wholeNumber(value).toString(16);
    case 'f':
      if (typeof value !== 'number') return Number(wholeNumber(value)).toFixed(places ?? 6);
      return value.toFixed(places ?? 6);
    default:
      throw new ValueError(`%${form} is not known`);
  }
}

function padded(text: string, flags: string, width: number, form: string): string {
  if (width > MAX_WIDTH) throw new ValueError('too wide');
  const isNumber = form !== 's' && form !== 'r';
  const sign = isNumber && !text.startsWith('-') ? (/[+ ]/.exec(flags)?.[0] ?? '') : '';
  if (flags.includes('-')) return (sign + text).padEnd(width);
  if (!isNumber || !flags.includes('0')) return (sign + text).padStart(width);
  const [, minus = '', digits = ''] = /^(-?)(.*)$/.exec(text) ?? [];
  return sign + minus + digits.padStart(width - sign.length - minus.length, '0');
}
