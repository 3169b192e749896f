/** From verdicts to scores, on a benchmark of our own in the official layout. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { CATEGORIES } from '../../src/acebench/categories.ts';
import { promptOf } from '../../src/acebench/prompts.ts';
import { officialReply } from '../../src/acebench/replay.ts';
import { scoredText, selectEntries } from '../../src/acebench/evaluation.ts';
import { judgeEntries, meanOf, round3, scoreCategories } from '../../src/acebench/scores.ts';
import { countErrors } from '../../src/benchmark.ts';

const data = fileURLToPath(new URL('../fixtures/acebench', import.meta.url));
const { entries, knows } = selectEntries({ data });

test('a dialogue is right only if all of its turns are', () => {
  const replies = new Map(entries.map((entry) => [entry.id, officialReply(entry)]));
  replies.set('normal_multi_turn_user_adjust_0_1', "[stop_timer(label='eggs')]");
  const judged = judgeEntries(entries, replies, '2025-10');
  const scores = scoreCategories(entries, judged, '2025-10');
  expect(scores.find(({ name }) => name === 'multi_turn_user_adjust')).toEqual({
    name: 'multi_turn_user_adjust',
    kind: 'normal',
    total: 2,
    correct: 1,
    accuracy: 0.5,
    ceiling: 1,
  });
  expect(countErrors(judged)).toEqual({ 'value_error:string': 1 });
});

test('the ceiling is what the official answers reach, by the rules of the revision', () => {
  const none = judgeEntries(entries, new Map(), '2025-08');
  expect(new Set(none.map(({ error }) => error))).toEqual(new Set(['no_response']));
  const ceilings = (revision: '2025-08' | '2025-10') =>
    scoreCategories(entries, none, revision).map(({ accuracy, ceiling }) => [accuracy, ceiling]);
  expect(ceilings('2025-10').every(([accuracy, ceiling]) => accuracy === 0 && ceiling === 1)).toBe(true);
  // White space is taken out of texts in lists, too; but texts are compared without it.
  expect(ceilings('2025-08').every(([, ceiling]) => ceiling === 1)).toBe(true);
});

test('normal is the mean of its twelve categories, and nothing as long as one is missing', () => {
  const score = (correct: number) => (category: (typeof CATEGORIES)[number]) => ({
    name: category.name,
    kind: category.kind,
    total: 3,
    correct,
    accuracy: round3(correct / 3),
    ceiling: 1,
  });
  const normal = CATEGORIES.filter(({ kind }) => kind === 'normal');
  expect(normal).toHaveLength(12);
  const scores = [...normal.slice(0, 6).map(score(1)), ...normal.slice(6).map(score(2))];
  expect(meanOf(scores, 'normal')).toEqual({ accuracy: 0.5, ceiling: 1 });
  expect(meanOf(scores.slice(1), 'normal')).toBeNull();
  expect(meanOf(scores, 'special')).toBeNull();
});

test("shares are rounded as Python's round does", () => {
  // Python: [round(x, 3) for x in (1/16, 3/16, 5/16, 2/3, 0.0005, 0.0015)]
  expect([1 / 16, 3 / 16, 5 / 16, 2 / 3, 0.0005, 0.0015].map(round3)).toEqual([
    0.062, 0.188, 0.312, 0.667, 0.001, 0.002,
  ]);
});

test('a sample takes dialogues whole, and is the same every time', () => {
  const ids = () => selectEntries({ data, limit: 1 }).entries.map(({ id }) => id);
  expect(ids()).toEqual(ids());
  const adjust = ids().filter((id) => id.includes('user_adjust'));
  expect([
    ['normal_multi_turn_user_adjust_0_0', 'normal_multi_turn_user_adjust_0_1'],
    ['normal_multi_turn_user_adjust_1_0'],
  ]).toContainEqual(adjust);
  expect(ids().filter((id) => id.includes('single_function'))).toHaveLength(1);
});

test('categories are chosen by name or by kind', () => {
  const chosen = (category: string[]) =>
    new Set(selectEntries({ data, category }).entries.map((entry) => entry.category.name));
  expect(chosen(['special'])).toEqual(new Set(['incomplete', 'error_param', 'irrelevant']));
  expect(chosen(['preference', 'atom_bool'])).toEqual(new Set(['preference', 'atom_bool']));
  expect(() => chosen(['atoms'])).toThrow('ACEBench has no category atoms');
  expect(knows('special_irrelevant_0')).toBe(true);
  expect(knows('special_irrelevant_1')).toBe(false);
});

test('a prompt holds the functions as Python prints them, the time, and the conversation', () => {
  const prompt = (id: string) =>
    promptOf(entries.find((entry) => entry.id === id)!).map(({ content }) => content);
  const [system, user] = prompt('normal_single_turn_single_function_0');
  expect(system).toContain('\n\nToday is 2025-01-01, Wednesday。\n\nRole Descriptions:\n');
  expect(system).toContain("\n[{'name': 'set_timer', 'description': 'Sets a timer.', 'parameters': {");
  expect(system).toContain("'description': 'Sends \"mail\".', 'arguments': {");
  expect(user).toBe('Conversation history 1..t:\nuser: Tea for five minutes, please.\n');
  expect(prompt('normal_preference_0')[0]).toContain("Character Profile:\n{'usual': 'tea, 5 minutes'}\n");
  expect(prompt('special_incomplete_0')[0]).toContain('two specific scenarios');
});

test('thoughts are taken off if that is wanted', () => {
  expect(scoredText('<think>[a()]</think>\n\n[b()]', 'keep')).toBe('<think>[a()]</think>\n\n[b()]');
  expect(scoredText('<think>[a()]</think>\n\n[b()]', 'strip')).toBe('[b()]');
  expect(scoredText('<think>[a()]', 'strip')).toBe('');
  expect(scoredText('[b()]', 'strip')).toBe('[b()]');
});
