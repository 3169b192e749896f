import { describe, expect, test } from 'vitest';
import { hermes } from '../../src/chat/formats/hermes.ts';
import { parseLabel } from '../../src/chat/generation.ts';
import { ERROR_CLASSES, exactMatch, goldOfLabel, goldOfMessage, type Gold } from '../../src/rewards/exact.ts';

function call(name: string, values: string): string {
  return `<tool_call>\n{"name": "${name}", "arguments": ${values}}\n</tool_call>`;
}

function goldCalls(...calls: string[]): Gold {
  return goldOfLabel(parseLabel(`</think>${calls.join('\n')}<|im_end|>\n`, hermes))!;
}

function verdict(gold: Gold, answer: string): string {
  const result = exactMatch(gold, `<think>hm</think>${answer}<|im_end|>`, hermes);
  return result.correct ? 'correct' : result.error;
}

describe('exactMatch of calls', () => {
  test.each([
    ['{"a": 5}', '{"a": 5.0}', true],
    ['{"a": 100}', '{"a": 1e2}', true],
    ['{"a": 0}', '{"a": -0.0}', true],
    ['{"a": 9007199254740993}', '{"a": 9007199254740992}', false],
    ['{"a": 5}', '{"a": "5"}', false],
    ['{"a": 1}', '{"a": true}', false],
    ['{"a": null}', '{"a": "None"}', false],
    ['{"a": "x"}', '{"a": " x\\n"}', true],
    ['{"a": "x y"}', '{"a": "x  y"}', false],
    ['{"a": "x"}', '{"a": "X"}', false],
    ['{"a": ["x", {"b": 1, "c": 2}]}', '{"a": [" x ", {"c": 2.0, "b": 1}]}', true],
    ['{"a": [1, 2]}', '{"a": [2, 1]}', false],
    ['{"a": 1, "b": 2}', '{"b": 2, "a": 1}', true],
    ['{"__proto__": 1}', '{"__proto__": 1}', true],
    ['{"__proto__": 1}', '{}', false],
    ['{}', '{}', true],
  ])('%s and %s are equal: %s', (gold, made, equal) => {
    expect(verdict(goldCalls(call('f', gold)), call('f', made)) === 'correct').toBe(equal);
    expect(verdict(goldCalls(call('f', made)), call('f', gold)) === 'correct').toBe(equal);
  });

  test('calls may come in any order, but each as often as wanted', () => {
    const [one, two] = [call('f', '{"a": 1}'), call('f', '{"a": 2}')];
    expect(verdict(goldCalls(one, two, two), two + one + two)).toBe('correct');
    expect(verdict(goldCalls(one, two, two), two + one + one)).toBe('wrong_value');
    expect(verdict(goldCalls(one, two), one + two + two)).toBe('extra_call');
    expect(verdict(goldCalls(one, two, two), one + two)).toBe('missing_call');
  });

  test.each([
    ['no_call', 'Which one?'],
    ['no_call', ''],
    ['wrong_function', call('g', '{"a": 1}')],
    ['wrong_argument_name', call('f', '{"b": 1}')],
    ['wrong_argument_name', call('f', '{}')],
    ['wrong_argument_name', call('f', '{"a": 1, "b": 1}')],
    ['wrong_value', call('f', '{"a": 2}')],
    ['extra_call', call('f', '{"a": 1}') + call('g', '{}')],
    ['extra_call', call('f', '{"a": 2}') + call('g', '{}')],
    ['unparsable', '<tool_call>{"name": "f", "arguments": {"a": 1}}'],
    ['unparsable', '<tool_call>{"name": "f", "arguments": {"a": 1}</tool_call>'],
    ['unparsable', call('f', '[1]')],
    ['unparsable', '<tool_call>{"name": 1, "arguments": {}}</tool_call>'],
  ])('%s: %s', (error, answer) => {
    expect(verdict(goldCalls(call('f', '{"a": 1}')), answer)).toBe(error);
  });

  test('a missing call is named before a wrong one, and a wrong function before both', () => {
    const gold = goldCalls(call('f', '{"a": 1}'), call('g', '{}'));
    expect(verdict(gold, call('f', '{"a": 2}'))).toBe('missing_call');
    expect(verdict(gold, call('f', '{"a": 2}') + call('h', '{}'))).toBe('wrong_function');
  });

  test('a text without its thought is not of the required form', () => {
    const gold = goldCalls(call('f', '{}'));
    expect(exactMatch(gold, `hm</think>${call('f', '{}')}`, hermes)).toEqual({
      correct: false,
      error: 'unparsable',
    });
    expect(exactMatch(gold, call('f', '{}'), hermes)).toEqual({ correct: true });
    expect(exactMatch(gold, `<think></think>${call('f', '{}')}`, hermes)).toEqual({ correct: true });
  });
});

describe('exactMatch of replies', () => {
  const gold: Gold = { kind: 'reply', mustMention: ['City', 'date'] };

  test.each([
    ['correct', 'Which CITY, and which date?'],
    ['wrong_reply', 'Which city?'],
    ['wrong_reply', ''],
    ['called_instead_of_answering', `Which city and date? ${call('f', '{}')}`],
    ['unparsable', 'city date <tool_call>'],
  ])('%s: %s', (expected, answer) => {
    expect(verdict(gold, answer)).toBe(expected);
  });

  test('any reply will do where nothing has to be mentioned, but special tokens are no reply', () => {
    expect(verdict({ kind: 'reply', mustMention: [] }, 'x')).toBe('correct');
    expect(verdict({ kind: 'reply', mustMention: [] }, ' \n')).toBe('wrong_reply');
    expect(verdict({ kind: 'reply', mustMention: [] }, '<|endoftext|>\n')).toBe('wrong_reply');
    expect(verdict({ kind: 'reply', mustMention: ['im_end'] }, 'x')).toBe('wrong_reply');
  });
});

describe('gold answers', () => {
  test('of a message with calls are equal to the same calls as text', () => {
    const gold = goldOfMessage({
      role: 'assistant',
      content: '',
      toolCalls: [{ name: 'f', arguments: { a: 1, b: [0.5, { c: null }] } }],
    });
    expect(verdict(gold, call('f', '{"b": [0.5, {"c": null}], "a": 1.0}'))).toBe('correct');
  });

  test('of a message without calls are replies', () => {
    expect(goldOfMessage({ role: 'assistant', content: 'No.' }, ['x'])).toEqual({
      kind: 'reply',
      mustMention: ['x'],
    });
    expect(goldOfLabel(parseLabel('</think>No.', hermes))).toEqual({ kind: 'reply', mustMention: [] });
    expect(goldOfLabel(parseLabel('No.', hermes))).toBeUndefined();
  });
});

test('every class of error is described', () => {
  expect(Object.values(ERROR_CLASSES).every((text) => text.length > 10)).toBe(true);
});
