/**
 * FunctionGemma's format: `<start_function_call>call:f{city:<escape>Rome<escape>,days:2}<end_function_call>`. Between two
 * <escape> stands a text, whatever it is of; numbers, true and false stand bare, lists in brackets, objects in braces, whose
 * keys may be escaped. A turn of calls ends with <start_function_response>, where the results are put in.
 */
import type { PyDict, PyValue } from '../../json/python.ts';
import { isDict, isList, MAX_DEPTH } from '../../json/python.ts';
import { tryParseJson } from '../../json/parse.ts';
import { pyStr } from '../../json/repr.ts';
import {
  between,
  type CallGrammar,
  type CallToWrite,
  type Malformed,
  malformed,
  outside,
  type ToolFormat,
  type WrittenCall,
} from './format.ts';
import { hermes } from './hermes.ts';
import { WORDS } from './python-calls.ts';

const CALL = { open: '<start_function_call>', close: '<end_function_call>' };
const TURN = { open: '<start_of_turn>', close: '<end_of_turn>' };
const ESCAPE = '<escape>';

/** A text that is not of this syntax. */
class Fault extends Error {}

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The arguments from the brace that is at hand to the end of the text. */
  whole(): PyDict {
    const value = this.#object();
    if (this.#peek() !== '') throw new Fault(`there is more text at character ${this.#at + 1}`);
    return value;
  }

  #peek(): string {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
    return this.#text.charAt(this.#at);
  }

  #taken(text: string): boolean {
    this.#peek();
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #expect(text: string): void {
    if (!this.#taken(text)) throw new Fault(`${text} is expected at character ${this.#at + 1}`);
  }

  /** The text up to an end, which is passed over. */
  #until(end: string): string {
    const at = this.#text.indexOf(end, this.#at);
    if (at < 0) throw new Fault(`${end} is missing after character ${this.#at + 1}`);
    const text = this.#text.slice(this.#at, at);
    this.#at = at + end.length;
    return text;
  }

  /** Has `item` read what stands between commas, from what opens a list or object to what closes it. */
  #items(open: string, close: string, item: () => void): void {
    this.#expect(open);
    if (this.#depth++ === MAX_DEPTH) throw new Fault(`it is nested more than ${MAX_DEPTH} levels deep`);
    for (let isFirst = true; !this.#taken(close); isFirst = false) {
      if (!isFirst) this.#expect(',');
      item();
    }
    this.#depth--;
  }

  #object(): PyDict {
    const entries = new Map<string, PyValue>();
    this.#items('{', '}', () => entries.set(this.#key(), this.#value()));
    return entries;
  }

  #key(): string {
    const key = this.#taken(ESCAPE) ? this.#until(ESCAPE) : undefined;
    const bare = this.#until(':').trim();
    if (key !== undefined && bare !== '') throw new Fault(`: is expected after ${key}`);
    if (key === undefined && /[{}[\],]|^$/.test(bare))
      throw new Fault(`a name is expected before character ${this.#at}`);
    return key ?? bare;
  }

  #list(): PyValue {
    const items: PyValue[] = [];
    this.#items('[', ']', () => items.push(this.#value()));
    return items;
  }

  #value(): PyValue {
    if (this.#taken(ESCAPE)) return this.#until(ESCAPE);
    const char = this.#peek();
    if (char === '{') return this.#object();
    if (char === '[') return this.#list();
    const end = /[,}\]]|$/.exec(this.#text.slice(this.#at))?.index ?? 0;
    const written = this.#text.slice(this.#at, this.#at + end).trim();
    this.#at += end;
    const known = WORDS.get(written);
    if (known !== undefined) return known;
    const number = tryParseJson(written);
    if (number.ok && (typeof number.value === 'number' || typeof number.value === 'bigint'))
      return number.value;
    throw new Fault(`${JSON.stringify(written.slice(0, 40))} is no value; texts stand between two ${ESCAPE}`);
  }
}

const HEAD = /^\s*call:\s*([^\s{]+)\s*/;

function readCall(block: string): WrittenCall | Malformed {
  const [head, name] = HEAD.exec(block) ?? [];
  if (head === undefined || name === undefined)
    return malformed('call_without_name', 'A tool call does not begin with "call:" and a name.');
  const rest = block.slice(head.length);
  if (!rest.startsWith('{')) return malformed('call_without_arguments', `The call of ${name} has no braces.`);
  try {
    return { name, arguments: new Reader(rest).whole() };
  } catch (thrown) {
    if (thrown instanceof Fault)
      return malformed('call_not_declared', `The arguments of ${name} cannot be read: ${thrown.message}.`);
    throw thrown;
  }
}

/** Entries in the order of Jinja's dictsort, which the chat template puts arguments in. */
const sorted = (dict: PyDict): [string, PyValue][] =>
  [...dict].toSorted(([a], [b]) => {
    const [x, y] = [a.toLowerCase(), b.toLowerCase()];
    return x < y ? -1 : x > y ? 1 : 0;
  });

function valueText(value: PyValue): string {
  if (typeof value === 'string') return ESCAPE + value + ESCAPE;
  if (typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map(valueText).join(',')}]`;
  return isDict(value) ? objectText(value) : pyStr(value);
}

const objectText = (dict: PyDict): string =>
  `{${sorted(dict)
    .map(([key, value]) => `${key}:${valueText(value)}`)
    .join(',')}}`;

const callText = ({ name, arguments: given }: CallToWrite): string =>
  `${CALL.open}call:${name}${typeof given === 'string' ? given : objectText(given)}${CALL.close}`;

const TEXT = { open: ESCAPE, close: ESCAPE };
const GRAMMAR: CallGrammar = {
  open: '',
  between: '',
  close: '',
  begins: CALL.open,
  call: (name) =>
    /^[^\s{<]+$/.test(name) ? { open: `${CALL.open}call:${name}`, close: CALL.close } : undefined,
  arguments: {
    quotes: [TEXT],
    words: ['true', 'false', 'None'],
    list: { open: '[', close: ']' },
    object: { open: '{', close: '}' },
    comma: ',',
    key: { open: '', close: ':' },
    bareKeys: /^[^{}[\],:<\s]+$/,
  },
  never: [ESCAPE, CALL.open, CALL.close],
};

export const functiongemma: ToolFormat = {
  name: 'functiongemma',
  think: hermes.think,
  thought: hermes.thought,
  thinks: false,
  call: CALL,
  tools: undefined,
  callEnd: '<start_function_response>',
  grammar: GRAMMAR,
  special: [CALL.open, CALL.close, ESCAPE],
  turn: TURN,
  assistant: `${TURN.open}model\n`,
  render: (content, calls) => content + calls.map(callText).join(''),
  callBlocks: (answer) => (answer.includes(CALL.open) ? between(answer, CALL.open, CALL.close) : undefined),
  readCall,
  outsideOfCalls: (answer) => outside(answer, CALL),
};
