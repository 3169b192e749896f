import { describe, expect, test } from 'vitest';
import { hermes } from '../../src/chat/formats/hermes.ts';
import { between } from '../../src/chat/formats/format.ts';
import { assistantTurn, parseGeneration, parseLabel } from '../../src/chat/generation.ts';

const call = '<tool_call>\n{"name": "ring", "arguments": {"at": 7}}\n</tool_call>';
const parsed = { name: 'ring', arguments: new Map([['at', 7n]]) };

describe('parseGeneration', () => {
  test('reads a thought and calls, and ignores the text around them', () => {
    expect(parseGeneration(`<think>\nhm\n</think>\n\nSure. ${call} and ${call}<|im_end|>`, hermes)).toEqual({
      kind: 'calls',
      think: 'hm',
      calls: [parsed, parsed],
    });
  });

  test('reads a thought and a reply, special tokens included', () => {
    expect(parseGeneration('<think></think>\n\nNo.<|im_end|>\n', hermes)).toEqual({
      kind: 'reply',
      think: '',
      reply: 'No.<|im_end|>',
    });
  });

  test('takes the answer from behind the last </think>', () => {
    expect(parseGeneration(`<think>a</think>${call}</think>No.`, hermes)).toEqual({
      kind: 'reply',
      think: 'a',
      reply: 'No.',
    });
    expect(parseGeneration('<think>a<think>b</think>No.', hermes)).toEqual({
      kind: 'reply',
      think: 'a<think>b',
      reply: 'No.',
    });
  });

  test('finds no call in a block that is never closed, and no reply either', () => {
    expect(parseGeneration('<think></think><tool_call>{"name": "ring"', hermes)).toEqual({
      kind: 'calls',
      think: '',
      calls: [],
    });
    expect(parseGeneration(`<think></think>${call}<tool_call>`, hermes)).toMatchObject({ calls: [parsed] });
  });

  test('leaves names and arguments as they were written', () => {
    expect(
      parseGeneration('<think></think><tool_call>{"name": null, "arguments": [5.0, 5]}</tool_call>', hermes),
    ).toMatchObject({
      calls: [{ name: null, arguments: [5, 5n] }],
    });
  });

  test.each([
    ['no_think', 'Hello.'],
    ['no_think', '<think>on and on'],
    ['no_think', 'Hello.</think><think>'],
    ['several_thinks', '<think></think><think></think>'],
    ['call_not_json', '<think></think><tool_call></tool_call>'],
    ['call_not_json', `<think></think>${call}<tool_call>{'name'}</tool_call>`],
    ['call_not_object', '<think></think><tool_call>[]</tool_call>'],
    ['call_without_name', '<think></think><tool_call>{"arguments": {}}</tool_call>'],
    ['call_without_arguments', '<think></think><tool_call>{"name": "ring"}</tool_call>'],
  ])('%s: %s', (fault, turn) => {
    expect(parseGeneration(turn, hermes)).toMatchObject({
      kind: 'malformed',
      fault,
      message: expect.stringMatching(/\.$/) as string,
    });
  });
});

describe('between', () => {
  test('pairs each opening tag with the next closing one, without overlap', () => {
    expect(between('[a][b[c]]d]', '[', ']')).toEqual(['a', 'b[c']);
    expect(between('x]y', '[', ']')).toEqual([]);
    expect(between('', '[', ']')).toEqual([]);
  });

  test('is linear in tags that are never closed', () => {
    const start = performance.now();
    between('<tool_call>'.repeat(200_000), '<tool_call>', '</tool_call>');
    expect(performance.now() - start).toBeLessThan(200);
  });
});

describe('assistantTurn', () => {
  test('is what follows the last assistant header, opened by the prompt', () => {
    const prompt = '<|im_start|>assistant\nearlier<|im_end|>\n<|im_start|>assistant\n<think>';
    expect(assistantTurn(prompt, '</think>No.', hermes)).toBe('<think></think>No.');
    expect(assistantTurn(prompt, 'x<|im_start|>assistant\ny', hermes)).toBe('y');
    expect(assistantTurn('<|im_start|>', 'assistant\ny', hermes)).toBe('y');
    expect(assistantTurn('<think>', 'y', hermes)).toBe('<think>y');
  });
});

describe('parseLabel', () => {
  test('reads calls', () => {
    expect(parseLabel(`thought</think>${call}\n${call}<|im_end|>\n`, hermes)).toEqual({
      kind: 'calls',
      calls: [parsed, parsed],
    });
  });

  test('reads a reply, stripped', () => {
    expect(parseLabel('</think>\n\nNo.<|im_end|>\n', hermes)).toEqual({
      kind: 'reply',
      reply: 'No.<|im_end|>',
    });
  });

  test.each([
    ['', 'The label has 0 times </think>, and must have it once.'],
    ['</think></think>', 'The label has 2 times </think>, and must have it once.'],
    ['</think><tool_call>[]</tool_call>', 'The label is malformed. A tool call is a list, not an object.'],
    ['</think><tool_call>', 'The label opens <tool_call> and never closes it.'],
    [
      '</think><tool_call>{"name": 1, "arguments": {}}</tool_call>',
      'A call of the label is named by a number, not a string.',
    ],
    [
      '</think><tool_call>{"name": "a", "arguments": null}</tool_call>',
      'The arguments of a in the label are null, not an object.',
    ],
  ])('cannot use %j, and says why', (label, message) => {
    expect(parseLabel(label, hermes)).toEqual({ kind: 'unusable', message });
  });
});
