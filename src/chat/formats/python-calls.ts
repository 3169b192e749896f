/**
 * Calls written as Python: `[get_weather(city='Rome', days=[1, 2]), Market Trends API(live=True)]`, as in ToolACE. Names
 * may hold spaces and dots; arguments are named, their values literals (JSON's true, false and null pass too).
 */
import { MAX_DEPTH, type PyValue } from '../../json/python.ts';
import type { ExactCall } from '../messages.ts';

/** A text that is not of this syntax. */
export class PythonFault extends Error {}

/** A text in quotes, whose escapes are read afterwards. */
const STRING = /'([^'\\]*(?:\\[^][^'\\]*)*)'|"([^"\\]*(?:\\[^][^"\\]*)*)"/y;
const NUMBER = /[-+]?(?:\d[\d_]*)?(?:\.\d*)?(?:[eE][-+]?\d+)?/y;
const WORD = /[A-Za-z_]\w*/y;
const KEYWORD = /\s*([\p{L}_][\p{L}\p{M}\p{N}_.-]*)\s*=/uy;
/** Values that are words, as Python and as JSON write them. */
export const WORDS: ReadonlyMap<string, PyValue> = new Map<string, PyValue>([
  ['True', true],
  ['true', true],
  ['False', false],
  ['false', false],
  ['None', null],
  ['null', null],
]);
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^]))/g;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  '0': '\0',
  '\n': '',
  "'": "'",
  '"': '"',
  '\\': '\\',
};

class CallParser {
  readonly #text: string;
  readonly #tools: readonly KnownTool[];
  #at = 0;
  #depth = 0;

  constructor(text: string, tools: readonly KnownTool[]) {
    this.#text = text;
    this.#tools = tools;
  }

  calls(): ExactCall[] {
    const calls: ExactCall[] = [];
    this.#expect('[');
    this.#until(']', () => calls.push(this.#call()));
    this.#end('calls');
    return calls;
  }

  /** The one literal that the text is. */
  literal(): PyValue {
    const value = this.#value();
    this.#end('value');
    return value;
  }

  #error(problem: string): PythonFault {
    return new PythonFault(`The calls cannot be read: ${problem} at character ${this.#at + 1}.`);
  }

  #peek(): string {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
    return this.#text.charAt(this.#at);
  }

  #end(what: string): void {
    if (this.#peek() !== '') throw this.#error(`there is more text after the ${what}`);
  }

  #taken(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: string): void {
    if (!this.#taken(char)) throw this.#error(`'${char}' is expected`);
  }

  /** Has `item` read what stands between commas, up to what closes the list. */
  #until(close: string, item: () => void): void {
    while (!this.#taken(close)) {
      item();
      if (!this.#taken(',') && this.#peek() !== close) throw this.#error(`',' or '${close}' is expected`);
    }
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #call(): ExactCall {
    this.#peek();
    const tool = toolAt(this.#text, this.#at, this.#tools);
    const end = this.#text.indexOf('(', this.#at + (tool?.name.length ?? 0));
    const name = tool?.name ?? (end < 0 ? '' : this.#text.slice(this.#at, end).trim());
    if (name === '' || (tool === undefined && /[[\]{}'"=,\n]/.test(name)))
      throw this.#error("a name and '(' are expected");
    this.#at = end + 1;
    const given = new Map<string, PyValue>();
    this.#until(')', () => given.set(this.#keyword(tool?.keywords ?? []), this.#value()));
    return { name, arguments: given };
  }

  /** The name of an argument that the tool has, or any that looks like one. */
  #keyword(known: readonly string[]): string {
    this.#peek();
    const own = known.find(
      (key) => this.#text.startsWith(key, this.#at) && /^\s*=/.test(this.#text.slice(this.#at + key.length)),
    );
    if (own !== undefined) {
      this.#at = this.#text.indexOf('=', this.#at + own.length) + 1;
      return own;
    }
    const [, key] = this.#match(KEYWORD) ?? [];
    if (key === undefined) throw this.#error('an argument has no name');
    return key;
  }

  #value(): PyValue {
    const char = this.#peek();
    if (char === "'" || char === '"') return this.#string();
    if (char === '[' || char === '(' || char === '{') return this.#nested(char);
    const word = this.#match(WORD)?.[0];
    if (word !== undefined) {
      const value = WORDS.get(word);
      if (value === undefined) throw this.#error(`${word} is no literal`);
      return value;
    }
    const number = this.#match(NUMBER)?.[0].replaceAll('_', '') ?? '';
    if (/^[-+]?\d+$/.test(number)) return BigInt(number.replace('+', ''));
    if (!/\d/.test(number) || Number.isNaN(Number(number))) throw this.#error('a value is expected');
    return Number(number);
  }

  #nested(open: '[' | '(' | '{'): PyValue {
    if (this.#depth === MAX_DEPTH) throw this.#error(`it is nested more than ${MAX_DEPTH} levels deep`);
    this.#depth++;
    this.#at++;
    const items: PyValue[] = [];
    const entries = new Map<string, PyValue>();
    if (open === '{') this.#until('}', () => entries.set(this.#key(), this.#value()));
    else this.#until(open === '[' ? ']' : ')', () => items.push(this.#value()));
    this.#depth--;
    return open === '{' ? entries : items;
  }

  #key(): string {
    const key = this.#value();
    if (typeof key !== 'string') throw this.#error('a key is no text');
    this.#expect(':');
    return key;
  }

  /** A text; Python leaves unknown escapes as they are. */
  #string(): string {
    const found = this.#match(STRING);
    if (found === null) throw this.#error('a text is not closed');
    return (found[1] ?? found[2] ?? '').replaceAll(
      ESCAPE,
      (written: string, ...[x, u, U, letter]: (string | undefined)[]) => {
        if (letter !== undefined && !/[xuU]/.test(letter)) return ESCAPES[letter] ?? written;
        const point = parseInt(x ?? u ?? U ?? '', 16);
        if (!(point <= 0x10ffff)) throw this.#error('an escape is broken');
        return String.fromCodePoint(point);
      },
    );
  }
}

/** A tool that calls may name, and its arguments; the longest names first, since one may begin another. */
export interface KnownTool {
  readonly name: string;
  readonly keywords: readonly string[];
}

/** The tool whose name stands at a place, with a parenthesis behind it. */
function toolAt(text: string, at: number, tools: readonly KnownTool[]): KnownTool | undefined {
  return tools.find(({ name }) => {
    if (name === '' || !text.startsWith(name, at)) return false;
    const rest = text.slice(at + name.length);
    return /^\s*\(/.test(rest);
  });
}

/** A list that begins with any name, and an argument with a name or none at all. */
const ANY_CALLS = /^\s*\[\s*[^[\]{}'"\s(][^[\]{}\n]*?\(\s*(?:\)|[^()[\]{}'"=,\n]+=)[\s\S]*\]\s*$/;

/**
 * Tells whether a text is meant as calls in Python: a list that begins with a name and an argument, or anything that begins
 * with a tool's name and a parenthesis.
 */
export function looksLikePythonCalls(text: string, tools: readonly KnownTool[] = []): boolean {
  if (ANY_CALLS.test(text)) return true;
  const start = /^\s*\[?\s*/.exec(text)?.[0].length ?? 0;
  const tool = toolAt(text, start, tools);
  return tool !== undefined && text.charAt(start + tool.name.length) === '(';
}

/** The calls in `text`, with names as `tools` have them; throws a PythonFault that says where reading ended. */
export function parsePythonCalls(text: string, tools: readonly KnownTool[] = []): readonly ExactCall[] {
  const isList = /^\s*\[/.test(text);
  return new CallParser(isList ? text : `[${text}]`, tools).calls();
}

/** The literal of Python that a text is; throws a PythonFault that says where reading ended. */
export function parsePythonLiteral(text: string): PyValue {
  return new CallParser(text, []).literal();
}
