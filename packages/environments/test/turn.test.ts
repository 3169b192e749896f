/** Calls of a turn, behind prompts that have opened its thought, closed it, or say nothing of one. */
import { expect, it } from 'vitest';
import { formats, type FormatName } from '../../../src/chat/formats/index.ts';
import { callsAnywhere, callsOfTurn, turnMessages } from '../src/turn.ts';

const { assistant } = formats.hermes;
const CALL = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>';
const SEARCHED = 'f{"a":1}';

const shown = (prompt: string, turn: string, name: FormatName = 'hermes'): string =>
  callsOfTurn(turn, { format: formats[name], prompt, tools: [] })
    .map((call) => (call.kind === 'call' ? call.name + JSON.stringify(call.given) : call.message))
    .join(' ');

it.each([
  ['a thought and a call', '', `<think>\nHm.\n</think>\n\n${CALL}`, SEARCHED],
  ['no thought', '', CALL, SEARCHED],
  ['no thought, which the prompt has closed', '<think>\n\n</think>\n\n', CALL, SEARCHED],
  ['a thought that the prompt has opened', '<think>\n', `Hm.\n</think>\n\n${CALL}`, SEARCHED],
  ['a thought of the prompt that never ends', '<think>\n', `Hm. ${CALL}`, ''],
  ['a thought of its own that never ends', '', `<think>Hm. ${CALL}`, ''],
  ['calls in its thought alone', '', `<think>${CALL}</think>No.`, ''],
  ['words', '', 'No.', ''],
  ['a call that never ends', '', '<tool_call>\n{"name"', 'A <tool_call> is never closed.'],
  ['a call without a name', '', '<tool_call>{"arguments": {}}</tool_call>', 'A tool call has no "name".'],
])('a turn with %s', (_, opened, turn, calls) => {
  expect(shown(`<|im_start|>user\n<think><|im_end|>\n${assistant}${opened}`, turn)).toBe(calls);
});

it.each([
  ['llama3', '{"name": "f", "parameters": {"a": 1}}<|eot_id|>'],
  ['lfm2', '<|tool_call_start|>[f(a=1)]<|tool_call_end|><|im_end|>'],
  ['functiongemma', '<start_function_call>call:f{a:1}<end_function_call><start_function_response>'],
  [
    'qwen3_5',
    '<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call><|im_end|>',
  ],
] as const)('a turn of %s, as calls and as messages', (name, turn) => {
  const format = formats[name];
  expect(shown('', turn, name)).toBe(SEARCHED);
  expect(callsAnywhere([turn, 'No.', turn], { format, tools: [] })).toHaveLength(2);
  const calls = callsOfTurn(turn, { format, prompt: '', tools: [] });
  expect(turnMessages(`Sure. ${turn}`, calls, ['2'], format)).toEqual([
    { role: 'assistant', content: 'Sure.', toolCalls: [{ name: 'f', arguments: { a: 1 } }] },
    { role: 'tool', content: '2' },
  ]);
});
