/** Classes of differences by pairs of answers that are written by hand. */
import { describe, expect, test } from 'vitest';
import { hermes } from '../../../src/chat/formats/hermes.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import {
  comparedOf,
  type DifferenceClass,
  differenceOf,
  isRight,
  outcomeIn,
  promptParting,
  tokenParting,
} from '../src/classify.ts';
import type { Told } from '../src/runtime.ts';

const tools: Tool[] = [{ name: 'lamp', description: '', parameters: { type: 'object', properties: {} } }];
const prompt = '<|im_start|>assistant\n';
const context = { format: hermes, prompt, tools };
const callOf = (given: string): string =>
  `<tool_call>\n{"name": "lamp", "arguments": ${given}}\n</tool_call>`;
const written = callOf('{"on": true}');
const call = { name: 'lamp', arguments: { on: true } };
const own = { prompt, tokens: [1, 2, 3], outcome: outcomeIn(written, context) };
const same: Told = { prompt, tokens: [1, 2, 3], written, parsed: { calls: [call], words: '' } };
const without = (key: keyof Told): Told =>
  Object.fromEntries(Object.entries(same).filter(([name]) => name !== key));

const cases: [string, Told, DifferenceClass | undefined][] = [
  ['the same answer', same, undefined],
  ['an engine that only writes', { written }, undefined],
  ['a server that shows its calls alone', { parsed: { calls: [call], words: '' } }, undefined],
  ['another prompt, whatever comes of it', { ...same, prompt: `${prompt} ` }, 'template'],
  ['other tokens of the same prompt', { ...same, tokens: [1, 23] }, 'tokenizer'],
  ['a reader that finds nothing', { ...same, parsed: { calls: [], words: written } }, 'lost'],
  [
    'one call of two that were written',
    { ...same, written: `${written}\n${written}`, parsed: { calls: [call], words: '' } },
    'lost',
  ],
  ['a swallowed call', { ...without('written'), parsed: { calls: [], words: '' } }, 'lost'],
  [
    'a fault in place of a call that was written',
    { ...same, parsed: { calls: [], words: '' }, fault: 'HTTP 500' },
    'lost',
  ],
  [
    'a call that is no JSON',
    { ...same, written: callOf('{"on": tru}'), parsed: { calls: [], words: '' } },
    'malformed',
  ],
  ['a call that is never closed', { written: '<tool_call>\n{"name": "lamp"' }, 'malformed'],
  ['another value', { written: callOf('{"on": false}') }, 'wrong'],
  ['words that the model wrote', { written: 'Which lamp?' }, 'wrong'],
];

describe('a difference is', () => {
  test.each(cases)('%s', (_, told, expected) => {
    expect(differenceOf(own, comparedOf(told, context))).toBe(expected);
  });
});

test('calls are compared in any order, numbers by value', () => {
  const ours = outcomeIn(`${callOf('{"n": 5}')}\n${callOf('{"n": 6}')}`, context);
  const theirs = { written: `${callOf('{"n": 6.0}')}\n${callOf('{"n": 5}')}` };
  expect(differenceOf({ ...own, outcome: ours }, comparedOf(theirs, context))).toBeUndefined();
});

test('an answer is right by the case, and never where a call cannot be read', () => {
  const gold = { kind: 'reply', mustMention: [] } as const;
  expect(isRight(gold, outcomeIn('In which room?', context))).toBe(true);
  expect(isRight(gold, outcomeIn('<tool_call>{', context))).toBe(false);
  expect(isRight(gold, outcomeIn(written, context))).toBe(false);
});

test('prompts part at a byte, and no character is cut in two', () => {
  expect(promptParting('same', 'same')).toBeUndefined();
  expect(promptParting('ä x', 'ä y')).toEqual({ of: 'prompt', at: 3, ours: '"ä x"', theirs: '"ä y"' });
  expect(promptParting('a\u{1F600}', 'a\u{1F601}')).toMatchObject({ at: 1, theirs: '"a\u{1F601}"' });
  expect(promptParting('ab', 'a')).toMatchObject({ at: 1, ours: '"ab"', theirs: '"a"' });
});

test('tokens part at a number, with the texts from there', () => {
  const textOf = (id: number): string => String.fromCodePoint(96 + id);
  expect(tokenParting([1, 2, 3], [1, 4], textOf)).toEqual({
    of: 'tokens',
    at: 1,
    ours: '"b" "c"',
    theirs: '"d"',
  });
  expect(tokenParting([1], [1, 2], textOf)).toMatchObject({ at: 1, ours: '', theirs: '"b"' });
  expect(tokenParting([1, 2], [1, 2], textOf)).toBeUndefined();
});
