/**
 * A JSON reader with the rules of Python's `json.loads`: NaN and Infinity are numbers, control characters in strings are errors,
 * lone surrogates are let through, of two equal keys the last value wins in the first one's place, and 5.0 stays a float.
 *
 * Two limits keep any input cheap. Nesting deeper than MAX_DEPTH is an error (Python's recursion limit stops it near 1,000), and so is an
 * integer of more than MAX_DIGITS digits (Python's own limit since 3.11).
 */
import { UserError } from '../base/errors.ts';
import { MAX_DEPTH, type PyValue } from './python.ts';

/** How many digits an integer may have. */
export const MAX_DIGITS = 4300;

/** The text is not JSON; `position` counts UTF-16 units from the start. */
export class JsonError extends UserError {
  readonly position: number;

  constructor(problem: string, position: number) {
    super('JSON', `Not JSON: ${problem} at character ${position + 1}.`);
    this.name = 'JsonError';
    this.position = position;
  }
}

export type JsonResult =
  | { readonly ok: true; readonly value: PyValue }
  | { readonly ok: false; readonly error: JsonError };

/** Reads one JSON value with nothing but white space around it; throws a JsonError. */
export function parseJson(text: string): PyValue {
  return new Parser(text).document();
}

/** As `parseJson`, with the error as a value. */
export function tryParseJson(text: string): JsonResult {
  try {
    return { ok: true, value: parseJson(text) };
  } catch (thrown) {
    if (thrown instanceof JsonError) return { ok: false, error: thrown };
    throw thrown;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /(-?(?:0|[1-9][0-9]*))((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/y;
const HEX4 = /[0-9a-fA-F]{4}/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
const WORDS: readonly (readonly [string, PyValue])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
];

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): PyValue {
    this.#skipSpace();
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#error('there is more text after the value');
    return value;
  }

  #error(problem: string, position = this.#at): JsonError {
    return new JsonError(problem, position);
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #value(): PyValue {
    const char = this.#text.charAt(this.#at);
    if (char === '"') return this.#string();
    if (char === '{') return this.#nested(() => this.#object());
    if (char === '[') return this.#nested(() => this.#array());
    if (char >= '0' && char <= '9') return this.#number();
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    return this.#number();
  }

  #nested<T>(read: () => T): T {
    if (this.#depth === MAX_DEPTH) throw this.#error(`it is nested more than ${MAX_DEPTH} levels deep`);
    this.#depth++;
    this.#at++;
    this.#skipSpace();
    const value = read();
    this.#depth--;
    return value;
  }

  #object(): PyValue {
    const entries = new Map<string, PyValue>();
    if (this.#taken('}')) return entries;
    for (;;) {
      if (this.#text.charCodeAt(this.#at) !== QUOTE) throw this.#error('a key in double quotes is expected');
      const key = this.#string();
      this.#skipSpace();
      if (!this.#taken(':')) throw this.#error("':' is expected");
      this.#skipSpace();
      // Map.set on a key that exists changes its value and leaves its place, as a Python dict does.
      entries.set(key, this.#value());
      this.#skipSpace();
      if (this.#taken('}')) return entries;
      if (!this.#taken(',')) throw this.#error("',' or '}' is expected");
      this.#skipSpace();
    }
  }

  #array(): PyValue {
    const items: PyValue[] = [];
    if (this.#taken(']')) return items;
    for (;;) {
      items.push(this.#value());
      this.#skipSpace();
      if (this.#taken(']')) return items;
      if (!this.#taken(',')) throw this.#error("',' or ']' is expected");
      this.#skipSpace();
    }
  }

  #taken(char: string): boolean {
    if (this.#text.charAt(this.#at) !== char) return false;
    this.#at++;
    return true;
  }

  #number(): PyValue {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null)
      throw this.#error(
        this.#at < this.#text.length ? 'a value is expected' : 'the text ends where a value is expected',
      );
    const [whole, int = '', rest = ''] = match;
    const digits = int.length - (int.startsWith('-') ? 1 : 0);
    if (rest === '' && digits > MAX_DIGITS)
      throw this.#error(`an integer has more than ${MAX_DIGITS} digits`);
    this.#at += whole.length;
    return rest === '' ? BigInt(int) : Number(whole);
  }

  #string(): string {
    const text = this.#text;
    const opening = this.#at;
    let value = '';
    let from = opening + 1;
    let at = from;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return value + text.slice(from, at);
      }
      if (code === BACKSLASH) {
        value += text.slice(from, at) + this.#escape(at);
        at = from = this.#at;
      } else if (code >= 0x20) at++;
      else if (at < text.length) throw this.#error('a string has a raw control character', at);
      // Past the end charCodeAt is NaN, which fails every comparison above.
      else throw this.#error('a string is not closed', opening);
    }
  }

  /** The character that the escape at `at` stands for; leaves #at behind it. */
  #escape(at: number): string {
    const letter = this.#text.charAt(at + 1);
    if (letter === 'u') {
      HEX4.lastIndex = at + 2;
      const hex = HEX4.exec(this.#text);
      if (hex === null) throw this.#error('\\u needs four hexadecimal digits', at);
      this.#at = at + 6;
      return String.fromCharCode(parseInt(hex[0], 16));
    }
    const char = ESCAPES.get(letter);
    if (char === undefined) throw this.#error('a string has an unknown escape', at);
    this.#at = at + 2;
    return char;
  }
}
