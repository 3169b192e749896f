/** `repr`, `str` and `json.dumps` of the values of the simulated APIs. */
import { dumps } from '../../../../../../src/json/dumps.ts';
import { floatRepr, pyRepr } from '../../../../../../src/json/repr.ts';
import { MAX_DIGITS } from '../../../../../../src/json/parse.ts';
import { valueError } from './errors.ts';
import { Dict, Opaque, type Key, type Value } from './value.ts';

// A decimal digit holds 3.32 bits, so that an int with fewer hexadecimal digits than this has fewer decimal ones than the limit.
const SURELY_SHORT = Math.floor(MAX_DIGITS * 0.83);

/** The digits of an int; raises beyond Python's limit. */
function intText(value: bigint): string {
  if (value > -(2n ** 64n) && value < 2n ** 64n) return String(value);
  const hex = value.toString(16).length;
  if (hex > SURELY_SHORT) {
    const text = hex > 2 * MAX_DIGITS ? '' : String(value < 0n ? -value : value);
    if (text === '' || text.length > MAX_DIGITS) throw tooManyDigits();
  }
  return String(value);
}

/** The exception of printing an int of too many digits. */
export function tooManyDigits(): Error {
  return valueError(
    `Exceeds the limit (${MAX_DIGITS} digits) for integer string conversion; ` +
      'use sys.set_int_max_str_digits() to increase the limit',
  );
}

/** Python's `repr(value)`. */
export function repr(value: Value): string {
  if (typeof value === 'bigint') return intText(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (value instanceof Opaque) return value.repr;
  if (value instanceof Dict)
    return `{${value
      .entries()
      .map(([key, item]) => `${repr(key)}: ${repr(item)}`)
      .join(', ')}}`;
  return pyRepr(value);
}

/** Python's `str(value)`. */
export function str(value: Value): string {
  return typeof value === 'string' ? value : repr(value);
}

/** A key as JSON has it: always a string. */
function keyText(key: Key): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'number') return jsonFloat(key);
  return key === null || typeof key === 'boolean' ? String(key) : intText(key);
}

function jsonFloat(value: number): string {
  if (Number.isFinite(value)) return floatRepr(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

/** Python's `json.dumps(value)`; undefined where it cannot be written as JSON. */
export function jsonText(value: Value): string | undefined {
  if (value instanceof Opaque) return undefined;
  if (typeof value === 'bigint') return intText(value);
  if (Array.isArray(value)) {
    const items = value.map(jsonText);
    return items.includes(undefined) ? undefined : `[${items.join(', ')}]`;
  }
  if (!(value instanceof Dict)) return dumps(value, { ensureAscii: true });
  const parts: string[] = [];
  for (const [key, item] of value.entries()) {
    const text = jsonText(item);
    if (text === undefined) return undefined;
    parts.push(`${dumps(keyText(key), { ensureAscii: true })}: ${text}`);
  }
  return `{${parts.join(', ')}}`;
}

/** Text that a model reads of a call's result: a str as it is, a dict as JSON where that can be, anything else as its repr. */
export function resultText(value: Value): string {
  if (typeof value === 'string') return value;
  return (value instanceof Dict ? jsonText(value) : undefined) ?? repr(value);
}
