/**
 * Calls written as Python: `[get_weather(city='Rome', days=[1, 2]), Market Trends API(live=True)]`, as in ToolACE. Names
 * may hold spaces and dots; arguments are named, their values literals (JSON's true, false and null pass too).
 */
import type { ExactCall } from '../../chat/messages.ts';
import { argumentsOf } from '../../chat/tools.ts';
import { isDict, MAX_DEPTH, type PyDict, type PyValue } from '../../json/python.ts';
import { pyStr } from '../../json/repr.ts';
import { Rejection } from '../record.ts';

const NUMBER = /[-+]?(?:\d[\d_]*)?(?:\.\d*)?(?:[eE][-+]?\d+)?/y;
const WORD = /[A-Za-z_]\w*/y;
const KEYWORD = /\s*([\p{L}_][\p{L}\p{M}\p{N}_.-]*)\s*=/uy;
const WORDS: ReadonlyMap<string, PyValue> = new Map([
  ['True', true],
  ['true', true],
  ['False', false],
  ['false', false],
  ['None', null],
  ['null', null],
]);
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['b', '\b'],
  ['f', '\f'],
  ['0', '\0'],
  ['\n', ''],
]);

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
    this.#expect('[');
    const calls: ExactCall[] = [];
    while (!this.#taken(']')) {
      calls.push(this.#call());
      if (!this.#taken(',') && this.#peek() !== ']') throw this.#error("',' or ']' is expected");
    }
    this.#space();
    if (this.#at < this.#text.length) throw this.#error('there is more text after the calls');
    return calls;
  }

  /** The one literal that the text is. */
  literal(): PyValue {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw this.#error('there is more text after the value');
    return value;
  }

  #error(problem: string): Rejection {
    return new Rejection('call', `The calls cannot be read: ${problem} at character ${this.#at + 1}.`);
  }

  #space(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
  }

  #peek(): string {
    this.#space();
    return this.#text.charAt(this.#at);
  }

  #taken(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: string): void {
    if (!this.#taken(char)) throw this.#error(`'${char}' is expected`);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #call(): ExactCall {
    this.#space();
    const tool = toolAt(this.#text, this.#at, this.#tools);
    const end = this.#text.indexOf('(', this.#at + (tool?.name.length ?? 0));
    const name = tool?.name ?? (end < 0 ? '' : this.#text.slice(this.#at, end).trim());
    if (name === '' || (tool === undefined && /[[\]{}'"=,\n]/.test(name)))
      throw this.#error("a name and '(' are expected");
    this.#at = end + 1;
    const given = new Map<string, PyValue>();
    while (!this.#taken(')')) {
      const key = this.#keyword(tool?.keywords ?? []);
      if (key === undefined) throw this.#error('an argument has no name');
      given.set(key, this.#value());
      if (!this.#taken(',') && this.#peek() !== ')') throw this.#error("',' or ')' is expected");
    }
    return { name, arguments: given };
  }

  /** The name of an argument that the tool has, or any that looks like one; undefined if there is none. */
  #keyword(known: readonly string[]): string | undefined {
    this.#space();
    const own = known.find(
      (key) => this.#text.startsWith(key, this.#at) && /^\s*=/.test(this.#text.slice(this.#at + key.length)),
    );
    if (own === undefined) return this.#match(KEYWORD)?.[1];
    this.#at = this.#text.indexOf('=', this.#at + own.length) + 1;
    return own;
  }

  #value(): PyValue {
    const char = this.#peek();
    if (char === "'" || char === '"') return this.#string(char);
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

  #nested(char: string): PyValue {
    if (this.#depth === MAX_DEPTH) throw this.#error(`it is nested more than ${MAX_DEPTH} levels deep`);
    this.#depth++;
    this.#at++;
    const value = char === '{' ? this.#dict() : this.#list(char === '[' ? ']' : ')');
    this.#depth--;
    return value;
  }

  #list(close: string): PyValue {
    const items: PyValue[] = [];
    while (!this.#taken(close)) {
      items.push(this.#value());
      if (!this.#taken(',') && this.#peek() !== close) throw this.#error(`',' or '${close}' is expected`);
    }
    return items;
  }

  #dict(): PyValue {
    const entries = new Map<string, PyValue>();
    while (!this.#taken('}')) {
      const key = this.#value();
      if (typeof key !== 'string') throw this.#error('a key is no text');
      this.#expect(':');
      entries.set(key, this.#value());
      if (!this.#taken(',') && this.#peek() !== '}') throw this.#error("',' or '}' is expected");
    }
    return entries;
  }

  #string(quote: string): string {
    let value = '';
    for (this.#at++; ; this.#at++) {
      const char = this.#text.charAt(this.#at);
      if (char === '') throw this.#error('a text is not closed');
      if (char === quote) break;
      value += char === '\\' ? this.#escape() : char;
    }
    this.#at++;
    return value;
  }

  /** The character that the escape at hand stands for; Python leaves unknown ones as they are. */
  #escape(): string {
    const letter = this.#text.charAt(++this.#at);
    const digits = { x: 2, u: 4, U: 8 }[letter];
    if (digits !== undefined) {
      const hex = this.#text.slice(this.#at + 1, this.#at + 1 + digits);
      const point = /^[0-9a-fA-F]+$/.test(hex) && hex.length === digits ? parseInt(hex, 16) : Infinity;
      if (point > 0x10ffff) throw this.#error('an escape is broken');
      this.#at += digits;
      return String.fromCodePoint(point);
    }
    return ESCAPES.get(letter) ?? (/['"\\]/.test(letter) ? letter : `\\${letter}`);
  }
}

/** A tool that calls may name, and its arguments; the longest names first, since one may begin another. */
interface KnownTool {
  readonly name: string;
  readonly keywords: readonly string[];
}

const byLength = (a: string, b: string): number => b.length - a.length;

function knownTools(tools: readonly PyDict[]): readonly KnownTool[] {
  return tools
    .map((tool) => {
      const parameters = tool.get('parameters');
      const keys = isDict(parameters) ? [...argumentsOf(parameters).keys()] : [];
      return { name: pyStr(tool.get('name') ?? ''), keywords: keys.toSorted(byLength) };
    })
    .toSorted((a, b) => byLength(a.name, b.name));
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
export function looksLikePythonCalls(text: string, tools: readonly PyDict[] = []): boolean {
  if (ANY_CALLS.test(text)) return true;
  const start = /^\s*\[?\s*/.exec(text)?.[0].length ?? 0;
  const tool = toolAt(text, start, knownTools(tools));
  return tool !== undefined && text.charAt(start + tool.name.length) === '(';
}

/** The calls in `text`, with names as `tools` have them; throws a Rejection that says where reading ended. */
export function parsePythonCalls(text: string, tools: readonly PyDict[] = []): readonly ExactCall[] {
  const known = knownTools(tools);
  const isList = /^\s*\[/.test(text);
  return new CallParser(isList ? text : `[${text}]`, known).calls();
}

/** The literal of Python that a text is; throws a Rejection that says where reading ended. */
export function parsePythonLiteral(text: string): PyValue {
  return new CallParser(text, []).literal();
}
