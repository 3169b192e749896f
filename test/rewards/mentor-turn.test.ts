/** MENTOR's reward on one turn, by the numbers of its definition. */
import { expect, test } from 'vitest';
import { rewards } from '../../src/rewards/index.ts';

const prompt = `<|im_start|>system
<tools>
{"name": "send", "parameters": {"type": "object", "properties": {"to": {}, "n": {}}}}
{"name": "ring", "parameters": {"type": "object", "properties": {"at": {}}}}
</tools><|im_end|>
<|im_start|>assistant
<think>`;
const call = (name: string, values: string): string =>
  `<tool_call>\n{"name": "${name}", "arguments": ${values}}\n</tool_call>`;
const wanted = call('send', '{"to": "Ann", "n": 5}');

const scored = (label: string, answer: string) =>
  rewards.mentor.prepare({ prompt, label: `</think>${label}` }).score(`</think>${answer}`);

test.each([
  ['the right call', wanted, 1.1],
  ['the right function with a wrong argument', call('send', '{"to": "Bob", "n": 5}'), 0.16],
  ['the right function called twice', wanted + wanted, 0.16],
  ['another function', call('ring', '{"at": 7}'), 0.1],
  ['one more function', wanted + call('ring', '{"at": 7}'), 0.1],
  ['a reply', 'Which Ann do you mean?', 0.1],
])('where a call is wanted: %s', (_, answer, worth) => {
  const { reward, format } = scored(wanted, answer);
  expect(format).toBe(1);
  expect(reward).toBeCloseTo(worth / 1.1, 12);
});

test.each([
  ['a reply', 'Which Ann do you mean?', 1.1],
  ['a call', wanted, 0.1],
])('where a reply is wanted: %s', (_, answer, worth) => {
  expect(scored('Whom do you mean?', answer).reward).toBeCloseTo(worth / 1.1, 12);
});

test('a function that does not exist makes the form wrong', () => {
  expect(scored(wanted, call('post', '{}'))).toMatchObject({ reward: -1, format: -1, answer: 0 });
});
