/**
 * Hermes's format, which the models of Qwen2.5, Qwen3 and Granite write: `<tool_call>{"name": ..., "arguments": ...}</tool_call>`
 * blocks or a reply, after a thought where the model has one. Its rules are those of STAR's Sim-RL reward, quirks included,
 * because training and evaluation have to agree with it to the last case: as soon as an answer contains `<tool_call>` it is
 * no reply, and text around the blocks is ignored; every complete block must hold one JSON object with a name and arguments.
 * A block that is never closed is no block: the generation then has no calls and no reply, which is not a format error.
 */
import { dumps } from '../../json/dumps.ts';
import { tryParseJson } from '../../json/parse.ts';
import { isDict, typeName } from '../../json/python.ts';
import {
  between,
  type CallToWrite,
  type Malformed,
  malformed,
  outside,
  type ToolFormat,
  type WrittenCall,
} from './format.ts';

const CALL = { open: '<tool_call>', close: '</tool_call>' };
const TURN = { open: '<|im_start|>', close: '<|im_end|>' };

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

function callText({ name, arguments: given }: CallToWrite): string {
  const args = typeof given === 'string' ? given : dumps(given);
  return `${CALL.open}\n{"name": ${dumps(name)}, "arguments": ${args}}\n${CALL.close}`;
}

export const hermes = {
  name: 'hermes',
  think: { open: '<think>', close: '</think>' },
  thought: { open: '<think>\n', close: '\n</think>\n\n' },
  thinks: true,
  call: CALL,
  tools: { open: '<tools>', close: '</tools>' },
  /** Around a call's result. */
  response: { open: '<tool_response>', close: '</tool_response>' },
  special: [],
  turn: TURN,
  /** End of a text, beside that of a turn. */
  textEnd: '<|endoftext|>',
  assistant: `${TURN.open}assistant\n`,
  render: (content, calls) => [...(content === '' ? [] : [content]), ...calls.map(callText)].join('\n'),
  callBlocks: (answer) => (answer.includes(CALL.open) ? between(answer, CALL.open, CALL.close) : undefined),
  readCall,
  outsideOfCalls: (answer) => outside(answer, CALL),
} as const satisfies ToolFormat & { readonly response: unknown; readonly textEnd: string };
