/**
 * FunctionGemma's format: `<start_function_call>call:f{city:<escape>Rome<escape>,days:2}<end_function_call>`. Between two
 * <escape> stands a text, whatever it is of; numbers, true and false stand bare, lists in brackets, objects in braces, whose
 * keys may be escaped. A turn of calls ends with <start_function_response>, where the results are put in.
 */
import { dumps } from '../../json/dumps.ts';
import type { PyDict, PyValue } from '../../json/python.ts';
import { isDict, isList } from '../../json/python.ts';
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

/** A text; or what stands bare, with the colon behind it if that is a key. */
const PART = /<escape>([^]*?)<escape>|((?:(?!<escape>)[^{}[\],:])+)(:?)/g;

/** A value that is none. */
class Fault extends Error {}

/** Arguments as JSON, which has the same brackets and commas; throws a Fault for a bare value that is none. */
const jsonOf = (written: string): string =>
  written.replaceAll(
    PART,
    (_, text: string | undefined, bare: string | undefined, colon: string | undefined) => {
      if (text !== undefined) return dumps(text);
      const word = bare?.trim() ?? '';
      if (word === '' || colon === ':') return (word === '' ? '' : dumps(word)) + colon;
      const known = WORDS.get(word);
      if (known !== undefined) return dumps(known);
      const number = tryParseJson(word);
      if (number.ok && (typeof number.value === 'number' || typeof number.value === 'bigint')) return word;
      throw new Fault(`${JSON.stringify(word.slice(0, 40))} is no value; texts stand between two ${ESCAPE}`);
    },
  );

const HEAD = /^\s*call:\s*([^\s{]+)\s*/;

function readCall(block: string): WrittenCall | Malformed {
  const [head, name] = HEAD.exec(block) ?? [];
  if (head === undefined || name === undefined)
    return malformed('call_without_name', 'A tool call does not begin with "call:" and a name.');
  const rest = block.slice(head.length);
  if (!rest.startsWith('{')) return malformed('call_without_arguments', `The call of ${name} has no braces.`);
  const unreadable = (why: string): Malformed =>
    malformed('call_not_declared', `The arguments of ${name} cannot be read: ${why}.`);
  try {
    const read = tryParseJson(jsonOf(rest));
    return read.ok ? { name, arguments: read.value } : unreadable(read.error.problem);
  } catch (thrown) {
    if (thrown instanceof Fault) return unreadable(thrown.message);
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
