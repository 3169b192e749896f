/**
 * Hermes's format, which Qwen's models write: `<think>...</think>`, then `<tool_call>{"name": ..., "arguments": ...}</tool_call>` blocks or a reply.
 * The rules are those of STAR's Sim-RL reward, quirks included, because training and evaluation have to agree with it to the last case:
 *
 * - there must be exactly one `<think>...</think>` pair. A second `</think>`, or a `<think>` inside the thought, does not count as one;
 * - the answer is what follows the LAST `</think>`; blocks before it are thoughts;
 * - as soon as the answer contains `<tool_call>` it is no reply, and text around the blocks is ignored;
 * - every complete block must hold one JSON object with a name and arguments. A block that is never closed is no block:
 *   the generation then has no calls and no reply, which is not a format error.
 *
 * Everything here is linear in the text: tags are found by searching forward, never by backtracking.
 */
import { tryParseJson } from '../../json/parse.ts';
import { isDict, strip, typeName } from '../../json/python.ts';
import {
  between,
  type Generation,
  type Malformed,
  type SyntaxFault,
  type ThinkAndAnswer,
  type ToolFormat,
  type WrittenCall,
} from './format.ts';

const THINK = { open: '<think>', close: '</think>' };
const CALL = { open: '<tool_call>', close: '</tool_call>' };
const TURN = { open: '<|im_start|>', close: '<|im_end|>' };

function malformed(fault: SyntaxFault, message: string): Malformed {
  return { kind: 'malformed', fault, message };
}

function readCall(block: string): WrittenCall | Malformed {
  const parsed = tryParseJson(block);
  if (!parsed.ok) return malformed('call_not_json', parsed.error.message);
  const call = parsed.value;
  if (!isDict(call)) return malformed('call_not_object', `A tool call is ${typeName(call)}, not an object.`);
  const name = call.get('name');
  if (name === undefined) return malformed('call_without_name', 'A tool call has no "name".');
  const written = call.get('arguments');
  if (written === undefined) return malformed('call_without_arguments', 'A tool call has no "arguments".');
  return { name, arguments: written };
}

function callBlocks(answer: string): readonly string[] | undefined {
  return answer.includes(CALL.open) ? between(answer, CALL.open, CALL.close) : undefined;
}

function readCalls(answer: string): readonly WrittenCall[] | Malformed | undefined {
  const blocks = callBlocks(answer);
  if (blocks === undefined) return undefined;
  const calls: WrittenCall[] = [];
  for (const block of blocks) {
    const call = readCall(block);
    if ('kind' in call) return call;
    calls.push(call);
  }
  return calls;
}

/** The text after the last `</think>`: all of it, if there is none. */
function afterThink(turn: string): string {
  const close = turn.lastIndexOf(THINK.close);
  return strip(close < 0 ? turn : turn.slice(close + THINK.close.length));
}

function outsideOfCalls(answer: string): string {
  let text = '';
  for (let at = 0; ;) {
    const start = answer.indexOf(CALL.open, at);
    const end = start < 0 ? -1 : answer.indexOf(CALL.close, start + CALL.open.length);
    if (end < 0) return text + answer.slice(at);
    text += answer.slice(at, start);
    at = end + CALL.close.length;
  }
}

function splitTurn(turn: string): ThinkAndAnswer | Malformed {
  const thinks = between(turn, THINK.open, THINK.close);
  const [think] = thinks;
  if (think === undefined) return malformed('no_think', 'There is no <think>...</think>.');
  if (thinks.length > 1)
    return malformed('several_thinks', `There are ${thinks.length} <think>...</think> pairs, not one.`);
  return { think, answer: afterThink(turn) };
}

function parse(turn: string): Generation {
  const split = splitTurn(turn);
  if ('kind' in split) return split;
  const think = strip(split.think);
  const calls = readCalls(split.answer);
  if (calls === undefined) return { kind: 'reply', think, reply: split.answer };
  return 'kind' in calls ? calls : { kind: 'calls', think, calls };
}

export const hermes: ToolFormat = {
  think: THINK,
  call: CALL,
  tools: { open: '<tools>', close: '</tools>' },
  response: { open: '<tool_response>', close: '</tool_response>' },
  turn: TURN,
  assistant: `${TURN.open}assistant\n`,
  ends: [TURN.close, '<|endoftext|>'],
  render: (name, args) => `${CALL.open}\n{"name": ${name}, "arguments": ${args}}\n${CALL.close}`,
  parse,
  splitTurn,
  afterThink,
  callBlocks,
  readCall,
  readCalls,
  outsideOfCalls,
};
