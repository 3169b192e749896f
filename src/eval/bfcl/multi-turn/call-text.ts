/**
 * Calls as text, `mkdir(dir_name='temp')`: how the benchmark writes and evaluates them. The official executor hands such texts to
 * Python's eval; here they are read, with the same errors: literals only, since nothing else can come out of a JSON tool call.
 */
import { pyRepr } from '../../../json/repr.ts';
import { MAX_DEPTH, type PyDict } from '../../../json/python.ts';
import { hashable } from './python/compare.ts';
import { Raised } from './python/errors.ts';
import { asInt, Dict, isNumeric, type Key, type Value } from './python/value.ts';
import type { Arguments } from './apis/method.ts';

/** One call, read but not yet made. */
export interface Call extends Arguments {
  /** The names before the parenthesis, split at the dots. */
  readonly path: readonly string[];
  /** The first bare word among the arguments that is no literal: evaluating it raises. */
  readonly undefinedName: string | undefined;
}

/** The text of a call with named arguments, as the benchmark writes it: values as their repr, no blank after commas. */
export function callText(name: string, named: PyDict): string {
  return `${name}(${[...named].map(([key, value]) => `${key}=${pyRepr(value)}`).join(',')})`;
}

// What Python allows in names, but for rare marks.
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{N}\p{M}_]*/uy;
const NUMBER = /(?:\d[\d_]*)?(?:\.\d*)?(?:[eE][-+]?\d+)?/y;
const SPACE = /[ \t\n\r\f]*/y;
const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'and as assert async await break class continue def del elif else except finally for from global if import in is lambda ' +
    'nonlocal not or pass raise return try while with yield'
  ).split(' '),
);
const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['True', true],
  ['False', false],
  ['None', null],
]);
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
  ['a', '\x07'],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['\n', ''],
]);

function syntaxError(reason = 'invalid syntax'): Raised {
  return new Raised('SyntaxError', `${reason} (<string>, line 1)`);
}

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #undefinedName: string | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  call(): Call {
    const path = [this.#name()];
    while (this.#taken('.')) path.push(this.#name());
    if (!this.#taken('(')) throw syntaxError();
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    while (!this.#taken(')')) {
      this.#argument(positional, named);
      if (!this.#taken(',') && this.#peek() !== ')') throw syntaxError();
    }
    if (this.#peek() !== '') throw syntaxError();
    return { path, positional, named, undefinedName: this.#undefinedName };
  }

  #argument(positional: Value[], named: Map<string, Value>): void {
    const start = this.#at;
    this.#peek();
    const name = this.#match(NAME);
    if (name === undefined || this.#peek() !== '=') {
      this.#at = start;
      const value = this.#value();
      if (this.#peek() === '=')
        throw syntaxError('expression cannot contain assignment, perhaps you meant "=="?');
      if (named.size > 0) throw syntaxError('positional argument follows keyword argument');
      positional.push(value);
      return;
    }
    this.#at++;
    if (CONSTANTS.has(name)) throw syntaxError(`cannot assign to ${name}`);
    if (KEYWORDS.has(name)) throw syntaxError();
    if (named.has(name)) throw syntaxError(`keyword argument repeated: ${name}`);
    named.set(name, this.#value());
  }

  #peek(): string {
    this.#match(SPACE);
    return this.#text.charAt(this.#at);
  }

  #taken(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #name(): string {
    this.#peek();
    const name = this.#match(NAME);
    if (name === undefined || KEYWORDS.has(name) || CONSTANTS.has(name)) throw syntaxError();
    return name;
  }

  #value(): Value {
    const char = this.#peek();
    if (char === "'" || char === '"') return this.#strings();
    if (char === '[' || char === '(' || char === '{') return this.#nested(char);
    if (char === '-' || char === '+') return this.#signed(char);
    const word = this.#match(NAME);
    if (word === undefined) return this.#number();
    const constant = CONSTANTS.get(word);
    if (constant !== undefined) return constant;
    if (KEYWORDS.has(word)) throw syntaxError();
    this.#undefinedName ??= word;
    return null;
  }

  #signed(sign: string): Value {
    this.#at++;
    const value = this.#nestedIn(() => asInt(this.#value()));
    if (!isNumeric(value)) throw syntaxError();
    return sign === '-' ? -value : value;
  }

  #number(): Value {
    const text = this.#match(NUMBER)?.replaceAll('_', '') ?? '';
    if (!/\d/.test(text)) throw syntaxError();
    if (!/^\d+$/.test(text)) return Number(text);
    if (/^0+[1-9]/.test(text)) {
      throw syntaxError(
        'leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers',
      );
    }
    return BigInt(text);
  }

  #nestedIn<T>(read: () => T): T {
    if (this.#depth === MAX_DEPTH) throw new Raised('MemoryError', '');
    this.#depth++;
    const value = read();
    this.#depth--;
    return value;
  }

  #nested(open: string): Value {
    return this.#nestedIn(() => {
      this.#at++;
      if (open === '{') return this.#dict();
      const close = open === '[' ? ']' : ')';
      const items: Value[] = [];
      let commas = 0;
      while (!this.#taken(close)) {
        items.push(this.#value());
        if (this.#taken(',')) commas++;
        else if (this.#peek() !== close) throw syntaxError();
      }
      // One value in parentheses is that value; a tuple is read as a list, which no method tells apart.
      return open === '(' && items.length === 1 && commas === 0 ? (items[0] ?? null) : items;
    });
  }

  #dict(): Dict {
    const entries: [Key, Value][] = [];
    while (!this.#taken('}')) {
      const key = hashable(this.#value());
      if (!this.#taken(':')) throw syntaxError();
      entries.push([key, this.#value()]);
      if (!this.#taken(',') && this.#peek() !== '}') throw syntaxError();
    }
    return new Dict(entries);
  }

  /** Literals that stand side by side are one text. */
  #strings(): string {
    let text = '';
    for (let quote = this.#peek(); quote === "'" || quote === '"'; quote = this.#peek())
      text += this.#string(quote);
    return text;
  }

  #string(quote: string): string {
    const start = ++this.#at;
    let value = '';
    let from = start;
    for (;;) {
      const char = this.#text.charAt(this.#at);
      if (char === quote) break;
      if (char === '' || char === '\n')
        throw new Raised(
          'SyntaxError',
          `unterminated string literal (detected at line 1) (<string>, line 1)`,
        );
      if (char === '\\') {
        value += this.#text.slice(from, this.#at) + this.#escape();
        from = this.#at;
      } else this.#at++;
    }
    value += this.#text.slice(from, this.#at);
    this.#at++;
    return value;
  }

  /** What the escape at hand stands for; unknown ones stay as they are. */
  #escape(): string {
    const letter = this.#text.charAt(this.#at + 1);
    this.#at += 2;
    const digits = { x: 2, u: 4, U: 8 }[letter];
    if (digits !== undefined) return this.#codePoint(digits);
    const octal = /^[0-7]{1,3}/.exec(this.#text.slice(this.#at - 1, this.#at + 2))?.[0];
    if (octal !== undefined) {
      this.#at += octal.length - 1;
      return String.fromCharCode(parseInt(octal, 8));
    }
    return ESCAPES.get(letter) ?? `\\${letter}`;
  }

  #codePoint(digits: number): string {
    const hex = this.#text.slice(this.#at, this.#at + digits);
    const point = /^[0-9a-fA-F]+$/.test(hex) && hex.length === digits ? parseInt(hex, 16) : Infinity;
    if (point > 0x10ffff)
      throw new Raised('SyntaxError', "(unicode error) 'unicodeescape' codec can't decode bytes");
    this.#at += digits;
    return String.fromCodePoint(point);
  }
}

/** Reads a call; throws a Raised with Python's text for anything else. */
export function readCall(text: string): Call {
  return new Reader(text).call();
}
