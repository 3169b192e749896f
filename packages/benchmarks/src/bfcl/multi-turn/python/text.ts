/** Python's functions of text: lines, words, code points. */
import { byCodePoint } from '../../../../../../src/json/dumps.ts';
import { noAttribute } from './errors.ts';
import type { Value } from './value.ts';

// oxlint-disable-next-line no-control-regex -- Python ends lines at these
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;
// oxlint-disable-next-line no-control-regex -- Python's white space
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** `text.splitlines()`: no empty last line after a line's end. */
export function splitLines(text: string): string[] {
  const lines = text.split(LINE_END);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** `text.split()`. */
export function words(text: string): string[] {
  return text.split(SPACES).filter((word) => word !== '');
}

/** `len(text)`: code points. */
export function codePoints(text: string): number {
  return Array.from(text).length;
}

/** `sorted(lines)`. */
export function sortedText(lines: readonly string[]): string[] {
  return [...lines].sort(byCodePoint);
}

// Digits, as Python calls them: the decimal ones of every script, and some that stand raised, in circles or alone.
const DIGITS =
  /^[\p{Nd}\xb2\xb3\xb9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792\u{10a40}-\u{10a43}\u{10e60}-\u{10e68}\u{11052}-\u{1105a}\u{1f100}-\u{1f10a}]+$/u;

/** `text.isdigit()`. */
export function isDigits(text: string): boolean {
  return DIGITS.test(text);
}

/** `value.lower()`; raises for anything but text. */
export function lower(value: Value): string {
  if (typeof value !== 'string') throw noAttribute(value, 'lower');
  return value.toLowerCase();
}
