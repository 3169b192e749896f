/**
 * The tokens of a Python 3.11 expression: names, numbers, strings and operators, after the language reference's chapter
 * "Lexical analysis". White space and comments are dropped; a line break ends the expression unless a bracket is open.
 */
import { PythonSyntaxError } from './errors.ts';
import { readString, type StringLiteral } from './strings.ts';

export type Token =
  | {
      readonly kind: 'name' | 'operator';
      readonly text: string;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: 'number'; readonly value: NumberLiteral; readonly start: number; readonly end: number }
  | { readonly kind: 'string'; readonly value: StringLiteral; readonly start: number; readonly end: number }
  | { readonly kind: 'end'; readonly start: number; readonly end: number };

/** An int, a float, or the imaginary part of a complex number. */
export type NumberLiteral = bigint | number | { readonly imaginary: number };

/** Brackets that may be open at once: CPython's own limit. */
const MAX_BRACKETS = 200;
/** Digits that an int may have: CPython's own limit. */
const MAX_INT_DIGITS = 4300;

// Source text is UTF-8, which has no lone surrogates, and CPython refuses null.
const NOT_SOURCE = /[\0\p{Cs}]/u;
const BLANK = /(?:[ \t\f]|\\\r?\n|#[^\r\n]*)*/y;
const LINE_BREAK = /\r\n?|\n/y;
const NAME = /[\p{XID_Start}_]\p{XID_Continue}*/uy;
const STRING_START = /(?:[ub]|[bf]r?|r[bf]?)?(?:'''|"""|'|")/iy;
const OPERATOR = /\*\*|\/\/|<<|>>|<=|>=|==|!=|:=|\.\.\.|[()[\]{}:,.=+\-*/%&|^~<>@]/y;
const BASED = /0(?:x(?:_?[0-9a-f])+|o(?:_?[0-7])+|b(?:_?[01])+)/iy;
const DIGITS = '[0-9](?:_?[0-9])*';
const FLOAT = new RegExp(
  `(?:(?:${DIGITS})?\\.${DIGITS}|${DIGITS}\\.|${DIGITS}(?=e[+-]?[0-9]|j))(?:e[+-]?${DIGITS})?j?`,
  'iy',
);
const INT = /0(?:_?0)*(?![obx])|[1-9](?:_?[0-9])*/iy;
/** Text that may follow a number without a space: the beginning of an operator that is a word. */
const WORD_OPERATOR = /and|else|for|if|in|is|or|not/y;
const NAME_PART = /[\p{XID_Continue}]/uy;

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  readonly #open: string[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  tokens(): readonly Token[] {
    const bad = NOT_SOURCE.exec(this.#text);
    if (bad !== null) throw new PythonSyntaxError('a character cannot stand in source text', bad.index);
    // CPython takes blanks before an expression for an indented line.
    if (/^[ \t]/.test(this.#text)) throw new PythonSyntaxError('the line is indented', 0);
    for (;;) {
      this.#match(BLANK);
      if (this.#match(LINE_BREAK) !== undefined) {
        if (this.#open.length === 0 && this.#tokens.length > 0) return this.#ended();
      } else if (this.#at === this.#text.length) return this.#finished();
      else this.#tokens.push(this.#token());
    }
  }

  #error(problem: string): PythonSyntaxError {
    return new PythonSyntaxError(problem, this.#at);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #looksAt(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text);
  }

  /** After the line break that ends the expression there may be empty lines and comments only. */
  #ended(): readonly Token[] {
    do this.#match(BLANK);
    while (this.#match(LINE_BREAK) !== undefined);
    if (this.#at < this.#text.length) throw this.#error('there is more text after the expression');
    return this.#finished();
  }

  #finished(): readonly Token[] {
    if (this.#open.length > 0) throw this.#error(`'${this.#open.at(-1) ?? ''}' is never closed`);
    this.#tokens.push({ kind: 'end', start: this.#at, end: this.#at });
    return this.#tokens;
  }

  #token(): Token {
    const start = this.#at;
    if (this.#looksAt(STRING_START)) {
      const { value, end } = readString(this.#text, start);
      this.#at = end;
      return { kind: 'string', value, start, end };
    }
    const name = this.#match(NAME);
    if (name !== undefined) return { kind: 'name', text: name.normalize('NFKC'), start, end: this.#at };
    const value = this.#number();
    if (value !== undefined) return { kind: 'number', value, start, end: this.#at };
    const text = this.#match(OPERATOR);
    if (text === undefined) throw this.#error('a character has no meaning');
    this.#bracket(text);
    return { kind: 'operator', text, start, end: this.#at };
  }

  #number(): NumberLiteral | undefined {
    const based = this.#match(BASED);
    const float = based === undefined ? this.#match(FLOAT) : undefined;
    const int = based ?? (float === undefined ? this.#match(INT) : undefined);
    const written = (float ?? int)?.replaceAll('_', '').toLowerCase();
    if (written === undefined) return undefined;
    if (!this.#looksAt(WORD_OPERATOR) && this.#looksAt(NAME_PART))
      throw this.#error('a number is followed by a letter or a digit');
    if (float === undefined) {
      if (based === undefined && written.length > MAX_INT_DIGITS)
        throw this.#error('an int has too many digits');
      return BigInt(written);
    }
    return written.endsWith('j') ? { imaginary: Number(written.slice(0, -1)) } : Number(written);
  }

  #bracket(text: string): void {
    if (text === '(' || text === '[' || text === '{') {
      if (this.#open.length === MAX_BRACKETS) throw this.#error('too many brackets are open');
      this.#open.push(text);
    } else if (text === ')' || text === ']' || text === '}') {
      const opened = this.#open.pop();
      if (
        `${opened ?? ''}${text}` !== '()' &&
        `${opened ?? ''}${text}` !== '[]' &&
        `${opened ?? ''}${text}` !== '{}'
      )
        throw this.#error(`'${text}' closes nothing`);
    }
  }
}

/** The tokens of an expression, the last one of kind `end`. Throws a PythonSyntaxError. */
export function tokenize(text: string): readonly Token[] {
  return new Lexer(text).tokens();
}
