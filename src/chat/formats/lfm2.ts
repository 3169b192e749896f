/**
 * LFM2's format: a list of calls in Python's syntax, `<|tool_call_start|>[f(a='x', b=1), g()]<|tool_call_end|>`. A list that
 * cannot be split into calls is one call, which cannot be read; its items may be JSON objects, which LFM2 writes when it is asked to.
 */
import { dumps } from '../../json/dumps.ts';
import { isDict, type PyValue } from '../../json/python.ts';
import { pyStr } from '../../json/repr.ts';
import {
  between,
  type CallGrammar,
  type CallToWrite,
  JSON_NOTATION,
  type Malformed,
  malformed,
  type Notation,
  outside,
  type ToolFormat,
  type WrittenCall,
} from './format.ts';
import { hermes } from './hermes.ts';
import { parsePythonCalls, PythonFault } from './python-calls.ts';

const CALL = { open: '<|tool_call_start|>', close: '<|tool_call_end|>' };

/** The items of a list, as they are written; the text itself if it is no list, or has an end too few or too many. */
function itemsOf(text: string): string[] {
  const list = text.trim();
  if (!list.startsWith('[') || !list.endsWith(']')) return [list];
  const inner = list.slice(1, -1);
  const items: string[] = [];
  let [start, depth, quote] = [0, 0, ''];
  for (let at = 0; at < inner.length; at++) {
    const char = inner.charAt(at);
    if (quote !== '') {
      if (char === '\\') at++;
      else if (char === quote) quote = '';
    } else if (char === "'" || char === '"') quote = char;
    else if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char)) depth -= 1;
    else if (char === ',' && depth === 0) {
      items.push(inner.slice(start, at));
      start = at + 1;
    }
    if (depth < 0) return [list];
  }
  if (depth > 0 || quote !== '') return [list];
  return [...items, inner.slice(start)].map((item) => item.trim()).filter((item) => item !== '');
}

function callBlocks(answer: string): readonly string[] | undefined {
  return answer.includes(CALL.open) ? between(answer, CALL.open, CALL.close).flatMap(itemsOf) : undefined;
}

function readCall(block: string): WrittenCall | Malformed {
  if (block.trimStart().startsWith('{')) return hermes.readCall(block);
  try {
    const [call, ...others] = parsePythonCalls(block);
    if (call !== undefined && others.length === 0) return call;
    return malformed('call_not_python', 'A tool call is no call of one function.');
  } catch (thrown) {
    if (thrown instanceof PythonFault) return malformed('call_not_python', thrown.message);
    throw thrown;
  }
}

/** Escapes that a text in single quotes needs. */
const ESCAPES: readonly (readonly [from: string, to: string])[] = [
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['\n', '\\n'],
  ['\r', '\\r'],
];

/** A value as LFM2.5's chat template writes it, with the escapes that the later template of LFM2 has. */
function valueText(value: PyValue): string {
  if (isDict(value)) return dumps(value);
  if (typeof value !== 'string') return pyStr(value);
  return `'${ESCAPES.reduce((text, [from, to]) => text.replaceAll(from, to), value)}'`;
}

function callText({ name, arguments: given }: CallToWrite): string {
  if (typeof given === 'string') return `${name}(${given})`;
  return `${name}(${Array.from(given, ([key, value]) => `${key}=${valueText(value)}`).join(', ')})`;
}

const PYTHON: Notation = {
  ...JSON_NOTATION,
  quotes: ["'", '"'].map((quote) => ({ open: quote, close: quote })),
  plain: '[^\\\\\\n\\r]',
  escapes: { '\\': '\\', "'": "'", '"': '"', n: '\n', r: '\r', t: '\t' },
  words: ['True', 'False', 'None'],
};
/** Names that stand before a parenthesis as they are. */
const NAME = /^[^[\]{}'"=,()\s](?:[^[\]{}'"=,()\n]*[^[\]{}'"=,()\s])?$/;
const GRAMMAR: CallGrammar = {
  open: `${CALL.open}[`,
  between: ', ',
  close: `]${CALL.close}`,
  begins: CALL.open.replaceAll('|', '\\|'),
  call: (name) => (NAME.test(name) ? { open: `${name}(`, close: ')' } : undefined),
  arguments: {
    ...PYTHON,
    object: { open: '', close: '' },
    key: { open: '', close: '=' },
    bareKeys: /^[\p{L}_][\p{L}\p{M}\p{N}_.-]*$/u,
    quotesKeys: false,
    // The chat template writes objects as JSON, also inside of an argument.
    inside: { ...PYTHON, lists: PYTHON, objects: JSON_NOTATION },
  },
  never: [CALL.close],
};

export const lfm2: ToolFormat = {
  name: 'lfm2',
  think: hermes.think,
  thought: hermes.think,
  thinks: false,
  call: CALL,
  tools: undefined,
  grammar: GRAMMAR,
  special: [CALL.open, CALL.close],
  turn: hermes.turn,
  assistant: hermes.assistant,
  render: (content, calls) =>
    calls.length === 0 ? content : `${content}${CALL.open}[${calls.map(callText).join(', ')}]${CALL.close}`,
  callBlocks,
  readCall,
  outsideOfCalls: (answer) => outside(answer, CALL),
};
