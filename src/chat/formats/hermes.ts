/**
 * Hermes's format, which the models of Qwen2.5, Qwen3 and Granite write: `<tool_call>{"name": ..., "arguments": ...}</tool_call>`
 * blocks or a reply, after a thought where the model has one. Its rules are those of STAR's Sim-RL reward, quirks included,
 * because training and evaluation have to agree with it to the last case: as soon as an answer contains `<tool_call>` it is
 * no reply, and text around the blocks is ignored; every complete block must hold one JSON object with a name and arguments.
 * A block that is never closed is no block: the generation then has no calls and no reply, which is not a format error.
 */
import {
  between,
  type CallToWrite,
  jsonCall,
  jsonGrammar,
  outside,
  readJsonCall,
  type ToolFormat,
} from './format.ts';

const CALL = { open: '<tool_call>', close: '</tool_call>' };
const TURN = { open: '<|im_start|>', close: '<|im_end|>' };

const callText = (call: CallToWrite): string => `${CALL.open}\n${jsonCall(call, 'arguments')}\n${CALL.close}`;

export const hermes = {
  name: 'hermes',
  think: { open: '<think>', close: '</think>' },
  thought: { open: '<think>\n', close: '\n</think>\n\n' },
  thinks: true,
  call: CALL,
  grammar: jsonGrammar('arguments', CALL, { before: '\n', after: '\n', between: '\n' }),
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
  readCall: (block) => readJsonCall(block, 'arguments'),
  outsideOfCalls: (answer) => outside(answer, CALL),
} as const satisfies ToolFormat & { readonly response: unknown; readonly textEnd: string };
