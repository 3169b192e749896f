/** Python's string literals: prefixes, triple quotes and escapes. Characters by name (`\N{...}`) are not known. */
import { PythonSyntaxError } from './errors.ts';

export type StringLiteral =
  | { readonly kind: 'text'; readonly text: string }
  /** One character a byte. */
  | { readonly kind: 'bytes'; readonly text: string }
  /** An f-string, which has no value of its own. */
  | { readonly kind: 'format' };

const PREFIX = /([a-z]*)('''|"""|'|")/iy;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', ''],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);
const OCTAL = /[0-7]{1,3}/y;
const HEX_DIGITS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

/** Reads the literal that begins at `start`. */
export function readString(text: string, start: number): { value: StringLiteral; end: number } {
  PREFIX.lastIndex = start;
  const [opening = '', prefix = '', quote = ''] = PREFIX.exec(text) ?? [];
  const from = start + opening.length;
  const to = closing(text, from, quote, start);
  // Line breaks count as \n, however they are written.
  const body = text.slice(from, to).replaceAll(/\r\n?/g, '\n');
  return { value: literal(body, prefix.toLowerCase(), start), end: to + quote.length };
}

/** Finds the quotes that close a literal. */
function closing(text: string, from: number, quote: string, start: number): number {
  for (let at = from; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') at += text.startsWith('\r\n', at + 1) ? 2 : 1;
    else if (text.startsWith(quote, at)) return at;
    else if (quote.length === 1 && (char === '\n' || char === '\r')) break;
  }
  throw new PythonSyntaxError('a string is not closed', start);
}

function literal(body: string, prefix: string, start: number): StringLiteral {
  if (prefix.includes('f')) return { kind: 'format' };
  const isBytes = prefix.includes('b');
  // oxlint-disable-next-line no-control-regex -- bytes take ASCII alone
  if (isBytes && /[^\x00-\x7f]/.test(body)) throw new PythonSyntaxError('bytes hold other than ASCII', start);
  const value = prefix.includes('r') || !body.includes('\\') ? body : unescaped(body, isBytes, start);
  return { kind: isBytes ? 'bytes' : 'text', text: value };
}

function unescaped(body: string, isBytes: boolean, start: number): string {
  let value = '';
  for (let at = 0; at < body.length; at++) {
    const char = body.charAt(at);
    if (char !== '\\') {
      value += char;
      continue;
    }
    const letter = body.charAt(++at);
    OCTAL.lastIndex = at;
    const octal = OCTAL.exec(body)?.[0];
    const digits = isBytes && letter !== 'x' ? undefined : HEX_DIGITS.get(letter);
    if (octal !== undefined) {
      const code = parseInt(octal, 8);
      value += String.fromCharCode(isBytes ? code & 0xff : code);
      at += octal.length - 1;
    } else if (digits !== undefined) {
      value += hexChar(body.slice(at + 1, at + 1 + digits), digits, start);
      at += digits;
    } else if (letter === 'N' && !isBytes) {
      throw new PythonSyntaxError('a character is given by its name', start);
    } else {
      // Python leaves unknown escapes as they are.
      value += ESCAPES.get(letter) ?? `\\${letter}`;
    }
  }
  return value;
}

function hexChar(hex: string, digits: number, start: number): string {
  const code = hex.length === digits && /^[0-9a-f]+$/i.test(hex) ? parseInt(hex, 16) : Infinity;
  if (code > 0x10ffff) throw new PythonSyntaxError('an escape is broken', start);
  return String.fromCodePoint(code);
}
