/** MENTOR's reward by hand, from the rules of its public code: every branch and every variant. */
import { describe, expect, test } from 'vitest';
import type { WrittenCall } from '../../src/chat/formats/format.ts';
import { lastBoxed, sameAnswer } from '../../src/rewards/math-answer.ts';
import { CONVERSATION_REWARDS, loadConversationReward } from '../../src/rewards/index.ts';
import { anyOverlap, f1, mentor, noMatch, sparse, strict as strictReward } from '../../src/rewards/mentor.ts';
import type { ConversationResponse, ConversationTask } from '../../src/rewards/reward.ts';
import { parseJson } from '../../src/json/parse.ts';

const call = (name: string, given = '{}'): WrittenCall => ({ name, arguments: parseJson(given) });
const calls = (names: string): WrittenCall[] =>
  names
    .split(' ')
    .filter(Boolean)
    .map((name) => call(name));
const tools = new Set(['add', 'subtract', 'multiply', 'floor']);
const teacher = calls('add multiply');
const task = { answer: '42', tools, teacher };
const RIGHT = 'so \\boxed{42}';
const WRONG = 'so \\boxed{41}';

const BY_NAME = { mentor, sparse, any_overlap: anyOverlap, no_match: noMatch, f1, strict: strictReward };
type MentorVariant = keyof typeof BY_NAME;
const MENTOR_VARIANTS = Object.keys(BY_NAME) as MentorVariant[];

const scoreOf = (
  variant: MentorVariant,
  given: ConversationTask,
  response: ConversationResponse,
  argument_weight = 0,
) => BY_NAME[variant].converse(given, response, { argument_weight });

test('every variant is found by its name', async () => {
  expect(CONVERSATION_REWARDS).toEqual(MENTOR_VARIANTS.toSorted());
  for (const name of MENTOR_VARIANTS) expect((await loadConversationReward(name)).name).toBe(name);
  await expect(loadConversationReward('simrl')).rejects.toThrow('simrl is no reward of conversations');
});

const reward = (variant: MentorVariant, text: string, names: string, ended = true): number =>
  scoreOf(variant, task, { text, calls: calls(names), ended }).reward;

describe('the composite reward', () => {
  test.each([
    ['right, the same tools', RIGHT, 'add multiply', 1.1],
    ['right, the same tools in another order and number', RIGHT, 'multiply add add', 1.1],
    ['right without a tool', RIGHT, '', 0.8],
    ['right with one tool less', RIGHT, 'add', 0.8],
    ['right with one tool more', RIGHT, 'add multiply floor', 0.8],
    ['right with the same tools and an invented one', RIGHT, 'add multiply dream', 1.0],
    ['right with an invented tool alone', RIGHT, 'dream', 0.7],
    ['wrong, the same tools', WRONG, 'add multiply', 0.16],
    ['wrong without a tool', WRONG, '', 0.1],
    ['wrong with other tools', WRONG, 'floor', 0.1],
    ['wrong with an invented tool', WRONG, 'dream', 0],
    ['wrong, the same tools and an invented one', WRONG, 'add multiply dream', 0.06],
    ['no box', '42', 'add multiply', 0.1],
    ['an empty box', '\\boxed{ }', 'add multiply', 0.1],
    ['a box that is never closed', '\\boxed{42', 'add multiply', 0.1],
  ])('%s', (_, text, names, expected) => {
    expect(reward('mentor', text, names)).toBeCloseTo(expected, 12);
  });

  test('a response that does not end is worth nothing, whatever it says', () => {
    for (const variant of MENTOR_VARIANTS) expect(reward(variant, RIGHT, 'add multiply', false)).toBe(0);
  });

  test('without a reference of the teacher every answer is worth 0.1, but to the sparse reward', () => {
    const alone = { ...task, teacher: undefined };
    for (const variant of MENTOR_VARIANTS) {
      const of = (text: string): number => scoreOf(variant, alone, { text, calls: [], ended: true }).reward;
      expect([of(RIGHT), of(WRONG)]).toEqual(variant === 'sparse' ? [1, 0.1] : [0.1, 0.1]);
    }
  });

  test('a teacher that used no tool is matched by nobody: a match takes a valid call', () => {
    const plain = { ...task, teacher: [] };
    const of = (names: string): number =>
      scoreOf('mentor', plain, { text: RIGHT, calls: calls(names), ended: true }).reward;
    expect(of('')).toBeCloseTo(0.8, 12);
    expect(of('add')).toBeCloseTo(0.8, 12);
  });
});

describe('the variants', () => {
  test.each<[MentorVariant, string, string, number]>([
    ['sparse', RIGHT, '', 1],
    ['sparse', RIGHT, 'dream', 1],
    ['sparse', WRONG, 'add multiply', 0.1],
    ['sparse', 'no box', 'add multiply', 0.1],
    ['any_overlap', RIGHT, 'add', 1.0],
    ['any_overlap', RIGHT, 'add dream', 1.0],
    ['any_overlap', RIGHT, 'floor', 0.7],
    ['any_overlap', RIGHT, '', 0.7],
    ['any_overlap', WRONG, 'add', 0.06],
    ['any_overlap', WRONG, '', 0],
    ['no_match', RIGHT, 'add multiply', 0.8],
    ['no_match', RIGHT, 'dream', 0.7],
    ['no_match', WRONG, 'add multiply', 0.1],
    ['f1', RIGHT, 'add multiply', 1.1],
    ['f1', RIGHT, 'add', 0.7 + 0.3 * (2 / 3) + 0.1],
    ['f1', RIGHT, 'add floor', 0.7 + 0.15 + 0.1],
    ['f1', WRONG, 'add', 0.2 * 0.2 + 0.1],
    ['strict', RIGHT, 'add multiply', 1.1],
    ['strict', RIGHT, 'multiply add', 0.8],
    ['strict', RIGHT, 'add multiply add', 0.8],
    ['strict', WRONG, 'add multiply', 0.16],
  ])('%s: %s with "%s"', (variant, text, names, expected) => {
    expect(reward(variant, text, names)).toBeCloseTo(expected, 12);
  });

  test('strict looks at arguments too, by value', () => {
    const strict = (given: string): number =>
      0.3 *
      scoreOf(
        'strict',
        { ...task, teacher: [call('add', '{"a": 1, "b": 2}')] },
        { text: RIGHT, calls: [call('add', given)], ended: true },
      ).toolMatch;
    expect(strict('{"b": 2.0, "a": 1}')).toBe(0.3);
    expect(strict('{"a": 1, "b": 3}')).toBe(0);
    expect(strict('{"a": 1}')).toBe(0);
    expect(strict('[1, 2]')).toBe(0);
  });
});

describe('the dense view of arguments', () => {
  const dense = (argumentWeight: number, made: WrittenCall[]): number =>
    0.3 *
    scoreOf(
      'mentor',
      { ...task, teacher: [call('add', '{"a": 1, "b": 2}'), call('multiply', '{"a": 3, "b": 4}')] },
      { text: RIGHT, calls: made, ended: true },
      argumentWeight,
    ).toolMatch;
  const half = [call('add', '{"a": 1, "b": 5}'), call('multiply', '{"a": 3, "b": 5}')];

  test('mixes the view of names with the similarity of calls', () => {
    // Half of the arguments are right in each of two calls.
    expect(dense(0, half)).toBeCloseTo(0.3, 12);
    expect(dense(1, half)).toBeCloseTo(0.15, 12);
    expect(dense(0.5, half)).toBeCloseTo(0.3 * (0.5 + 0.5 * 0.5), 12);
  });

  test('tells a good argument from a bad one where the names alone cannot', () => {
    const better = [call('add', '{"a": 1, "b": 2}'), call('multiply', '{"a": 3, "b": 5}')];
    expect(dense(0, better)).toBe(dense(0, half));
    expect(dense(0.5, better)).toBeGreaterThan(dense(0.5, half));
  });

  test('calls that are missing or too many cost', () => {
    expect(dense(1, [half[0]!])).toBeCloseTo(0.3 * (0.5 / 2), 12);
    expect(dense(1, [...half, call('floor')])).toBeCloseTo(0.3 * (1 / 3), 12);
    expect(dense(1, [])).toBe(0);
  });
});

describe('answers', () => {
  test('the last box counts, braces inside of it belong to it', () => {
    expect(lastBoxed('\\boxed{1} then \\boxed{\\frac{1}{2}}.')).toBe('\\frac{1}{2}');
    expect(lastBoxed('nothing')).toBeUndefined();
    expect(lastBoxed('\\boxed{1} then \\boxed{2')).toBeUndefined();
  });

  test.each([
    ['42', '42.0'],
    ['0.5', '\\frac{1}{2}'],
    ['-0.5', '-\\frac{1}{2}'],
    ['1/2', '\\dfrac{2}{4}'],
    ['1000', '1,000'],
    ['1000', '$1{,}000$'.replace('{,}', ',')],
    ['0.333333333', '1/3'],
    ['true', '\\text{True}'],
    ['12', '12\\%'],
    ['90', '90^\\circ'],
    ['1500', '1.5 \\times 10^{3}'],
    ['7', ' 7. '],
  ])('%s is %s', (gold, given) => {
    expect(sameAnswer(gold, given)).toBe(true);
  });

  test.each([
    ['42', '43'],
    ['42', '4 2 0'],
    ['0.5', '0.51'],
    ['1', '1.00001'],
    ['true', 'false'],
    ['42', ''],
    ['', ''],
    ['1', '1/0'],
    ['5', 'x'],
  ])('%s is not %s', (gold, given) => {
    expect(sameAnswer(gold, given)).toBe(false);
  });
});
