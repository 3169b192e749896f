/**
 * Python's `int(text)` and `float(text)`, which read more than JSON does: white space around, underscores between digits,
 * the decimal digits of every script, and "nan" and "inf" as floats.
 */
import { strip } from '../../../../src/json/python.ts';

const DIGIT = /^\p{Nd}$/u;
const DIGITS = /\p{Nd}/gu;
const INT = /^[+-]?\d+(?:_\d+)*$/;
const FLOAT = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const SPECIAL = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;

/** The value of a decimal digit of any script: they stand in runs of ten. */
function digitValue(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  let first = code;
  while (DIGIT.test(String.fromCodePoint(first - 1))) first--;
  return (code - first) % 10;
}

/** The text without white space around it, its digits written in ASCII. */
function asciiDigits(text: string): string {
  return strip(text).replace(DIGITS, (digit) => (digit <= '9' ? digit : String(digitValue(digit))));
}

/** Python's `int(text)` to base ten; undefined where Python raises. */
export function pyInt(text: string): bigint | undefined {
  const plain = asciiDigits(text);
  return INT.test(plain) ? BigInt(plain.replaceAll('_', '').replace(/^\+/, '')) : undefined;
}

/** Python's `float(text)`; undefined where Python raises. */
export function pyFloat(text: string): number | undefined {
  const plain = asciiDigits(text);
  if (FLOAT.test(plain)) return Number(plain.replaceAll('_', ''));
  const special = SPECIAL.exec(plain);
  if (special === null) return undefined;
  if (special[2] !== undefined) return Number.NaN;
  return special[1] === '-' ? -Infinity : Infinity;
}
