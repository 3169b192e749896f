/**
 * A JSON reader with the rules of Python's `json.loads`: NaN and Infinity are numbers, control characters in strings are errors,
 * lone surrogates are let through, of two equal keys the last value wins in the first one's place, and 5.0 stays a float.
 *
 * Two limits keep any input cheap. Nesting deeper than MAX_DEPTH is an error (Python's recursion limit stops it near 1,000), and so is an
 * integer of more than MAX_DIGITS digits (Python's own limit since 3.11).
 */
import { UserError } from '../base/errors.ts';
import { MAX_DEPTH, type PyValue } from './python.ts';

/** Most digits of an integer. */
export const MAX_DIGITS = 4300;

/** Why a text is not JSON, without the stack that makes an error slow to make: models write broken JSON by the thousand. */
class JsonFault {
  readonly problem: string;
  /** Counted in UTF-16 units from the start. */
  readonly position: number;

  constructor(problem: string, position: number) {
    this.problem = problem;
    this.position = position;
  }

  /** One sentence for a person. */
  get message(): string {
    return `Not JSON: ${this.problem} at character ${this.position + 1}.`;
  }
}

export type JsonResult =
  | { readonly ok: true; readonly value: PyValue }
  | { readonly ok: false; readonly error: JsonFault };

/** Reads one JSON value with nothing but white space around it; throws a UserError. */
export function parseJson(text: string): PyValue {
  const result = tryParseJson(text);
  if (result.ok) return result.value;
  throw new UserError('JSON', result.error.message);
}

/** As `parseJson`, with the error as a value. */
export function tryParseJson(text: string): JsonResult {
  try {
    return { ok: true, value: new Parser(text).document() };
  } catch (thrown) {
    if (thrown instanceof JsonFault) return { ok: false, error: thrown };
    throw thrown;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
const NUMBER = /(-?(?:0|[1-9][0-9]*))((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/y;
/** A number that goes on after its digits. */
const GOES_ON = /[.eE0-9]/;
/** So many digits are exact as a JavaScript number. */
const EXACT_DIGITS = 15;
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
    if (this.#at < this.#text.length) throw this.#fault('there is more text after the value');
    return value;
  }

  #fault(problem: string, position = this.#at): JsonFault {
    return new JsonFault(problem, position);
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #value(): PyValue {
    const code = this.#text.charCodeAt(this.#at);
    if (code === QUOTE) return this.#string();
    if (code === OPEN_BRACE) return this.#object();
    if (code === OPEN_BRACKET) return this.#array();
    return code >= ZERO && code <= NINE ? this.#digits() : this.#wordOrNumber();
  }

  #wordOrNumber(): PyValue {
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    return this.#number();
  }

  /** Steps over the bracket that begins a list or an object. */
  #enter(): void {
    if (this.#depth === MAX_DEPTH) throw this.#fault(`it is nested more than ${MAX_DEPTH} levels deep`);
    this.#depth++;
    this.#at++;
    this.#skipSpace();
  }

  /** Tells whether the list or object ends here; steps over what ends it. */
  #leaves(closing: number): boolean {
    if (!this.#taken(closing)) return false;
    this.#depth--;
    return true;
  }

  #object(): PyValue {
    const entries = new Map<string, PyValue>();
    this.#enter();
    if (this.#leaves(CLOSE_BRACE)) return entries;
    for (;;) {
      if (this.#text.charCodeAt(this.#at) !== QUOTE) throw this.#fault('a key in double quotes is expected');
      const key = this.#string();
      this.#skipSpace();
      if (!this.#taken(COLON)) throw this.#fault("':' is expected");
      this.#skipSpace();
      // Map.set on a key that exists changes its value and leaves its place, as a Python dict does.
      entries.set(key, this.#value());
      this.#skipSpace();
      if (this.#leaves(CLOSE_BRACE)) return entries;
      if (!this.#taken(COMMA)) throw this.#fault("',' or '}' is expected");
      this.#skipSpace();
    }
  }

  #array(): PyValue {
    const items: PyValue[] = [];
    this.#enter();
    if (this.#leaves(CLOSE_BRACKET)) return items;
    for (;;) {
      items.push(this.#value());
      this.#skipSpace();
      if (this.#leaves(CLOSE_BRACKET)) return items;
      if (!this.#taken(COMMA)) throw this.#fault("',' or ']' is expected");
      this.#skipSpace();
    }
  }

  #taken(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }

  /** A number without a sign: most are a few digits and nothing more, which needs no regular expression. */
  #digits(): PyValue {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    let value = 0;
    for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(++at))
      value = value * 10 + (code - ZERO);
    const startsWithZero = text.charCodeAt(start) === ZERO && at > start + 1;
    if (at - start > EXACT_DIGITS || startsWithZero || GOES_ON.test(text.charAt(at))) return this.#number();
    this.#at = at;
    return BigInt(value);
  }

  #number(): PyValue {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null)
      throw this.#fault(
        this.#at < this.#text.length ? 'a value is expected' : 'the text ends where a value is expected',
      );
    const [whole, int = '', rest = ''] = match;
    const digits = int.length - (int.startsWith('-') ? 1 : 0);
    if (rest === '' && digits > MAX_DIGITS)
      throw this.#fault(`an integer has more than ${MAX_DIGITS} digits`);
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
        return from === opening + 1 ? text.slice(from, at) : value + text.slice(from, at);
      }
      if (code === BACKSLASH) {
        value += text.slice(from, at) + this.#escape(at);
        at = from = this.#at;
      } else if (code >= 0x20) at++;
      else if (at < text.length) throw this.#fault('a string has a raw control character', at);
      // Past the end charCodeAt is NaN, which fails every comparison above.
      else throw this.#fault('a string is not closed', opening);
    }
  }

  /** The character that the escape at `at` stands for; leaves #at behind it. */
  #escape(at: number): string {
    const letter = this.#text.charAt(at + 1);
    if (letter === 'u') {
      HEX4.lastIndex = at + 2;
      const hex = HEX4.exec(this.#text);
      if (hex === null) throw this.#fault('\\u needs four hexadecimal digits', at);
      this.#at = at + 6;
      return String.fromCharCode(parseInt(hex[0], 16));
    }
    const char = ESCAPES.get(letter);
    if (char === undefined) throw this.#fault('a string has an unknown escape', at);
    this.#at = at + 2;
    return char;
  }
}
