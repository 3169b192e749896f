/** Python's `json.dumps`: what chat templates and data sets were written with, so prompts must be written with it too. */
import { isDict, isList, type PyValue } from './python.ts';
import { floatRepr } from './repr.ts';

export interface DumpsOptions {
  /** Writes everything outside ASCII as \uXXXX. Off by default, unlike Python: chat templates turn it off. */
  readonly ensureAscii?: boolean;
  /** Orders the keys by code point. */
  readonly sortKeys?: boolean;
  /** Separators between items, and between key and value. */
  readonly separators?: readonly [item: string, key: string];
}

// Matched by UTF-16 unit, so that a character beyond the basic plane becomes two escapes, as in Python.
// oxlint-disable-next-line no-control-regex -- control characters are what has to be escaped
const CONTROL = /["\\\x00-\x1f]/g;
const NOT_ASCII = /["\\]|[^ -~]/g;

function stringJson(text: string, ensureAscii: boolean): string {
  const escaped = text.replace(ensureAscii ? NOT_ASCII : CONTROL, (char) =>
    char < '\x7f'
      ? JSON.stringify(char).slice(1, -1)
      : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

function floatJson(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return floatRepr(value);
}

/** Orders strings by code point, as Python does; JavaScript's own order is by UTF-16 unit. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  const differenceAt = (i: number): number => (a.codePointAt(i) ?? 0) - (b.codePointAt(i) ?? 0);
  for (let i = 0; i < length; i++) {
    // Characters that two different units end may have begun a unit earlier.
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return differenceAt(Math.max(0, i - 1)) || differenceAt(i);
  }
  return a.length - b.length;
}

/** Python's `json.dumps(value, ensure_ascii=False)`: `{"a": [1, 2.0, true, null]}`. */
export function dumps(value: PyValue, options: DumpsOptions = {}): string {
  const { ensureAscii = false, sortKeys = false, separators: [between, colon] = [', ', ': '] } = options;
  const write = (item: PyValue): string => {
    if (item === null) return 'null';
    if (typeof item === 'string') return stringJson(item, ensureAscii);
    if (typeof item === 'number') return floatJson(item);
    if (isList(item)) return `[${item.map(write).join(between)}]`;
    if (isDict(item)) {
      const entries = sortKeys ? [...item].sort(([a], [b]) => byCodePoint(a, b)) : [...item];
      return `{${entries.map(([key, inner]) => stringJson(key, ensureAscii) + colon + write(inner)).join(between)}}`;
    }
    return String(item);
  };
  return write(value);
}
