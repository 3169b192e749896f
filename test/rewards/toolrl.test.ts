import { describe, expect, test } from 'vitest';
import { toolrl, type ToolRlDetail } from '../../src/rewards/toolrl.ts';

function call(name: string, values: string): string {
  return `<tool_call>\n{"name": "${name}", "arguments": ${values}}\n</tool_call>`;
}

const gold = `${call('send', '{"to": "Ann", "n": 5}')}\n${call('ring', '{}')}`;

function score(generation: string, label = gold): { reward: number; format: number; correct: number } {
  const scorer = toolrl.prepare({ prompt: '<think>', label: `</think>${label}<|im_end|>\n` });
  const { reward, format, detail } = scorer.score(generation);
  return { reward, format, correct: detail.correct };
}

/** R = R_format + R_correct, as the reward that [-3, 4] is mapped to. */
function scaled(total: number): number {
  return (2 * (total + 3)) / 7 - 1;
}

describe('ToolRL', () => {
  // S = 1 + (1 + 2) + (1 + 0) = 5.
  test.each([
    ['the gold calls: s = 1 + (1 + 2) + 1', gold, 1, 3],
    [
      'the gold calls in another order',
      `${call('ring', '{}')}${call('send', '{"n": 5.0, "to": "Ann"}')}`,
      1,
      3,
    ],
    [
      'one of two, one value wrong: s = 1/2 + (1 + 1)',
      call('send', '{"to": "Bob", "n": 5}'),
      1,
      6 * (2.5 / 5) - 3,
    ],
    [
      'another argument: s = 1/2 + (1/3 + 1)',
      call('send', '{"to": "Ann", "m": 5}'),
      1,
      (6 * (0.5 + 1 / 3 + 1)) / 5 - 3,
    ],
    ['a call too many: s = 2/3 + (1 + 2) + 1', `${gold}${call('ring', '{}')}`, 1, (6 * (2 / 3 + 4)) / 5 - 3],
    ['a function that does not exist: s = 0', call('fax', '{}'), 1, -3],
    ['a reply', 'Who is Ann?', 0, -3],
    ['a block that is not closed', '<tool_call>{"name": "ring"', 0, -3],
    ['a block that is no JSON', `${gold}<tool_call>{</tool_call>`, 1, -3],
    ['arguments that are no object', call('ring', '""'), 1, -3],
    ['text beside the calls costs the form alone', `Sure! ${gold}`, 0, 3],
  ])('%s', (_, answer, format, correct) => {
    const got = score(`hm</think>\n\n${answer}<|im_end|>`);
    expect(got.correct).toBeCloseTo(correct, 12);
    expect(got.format).toBe(format === 1 ? 1 : -1);
    expect(got.reward).toBeCloseTo(scaled(format + correct), 12);
  });

  test.each([
    ['5', '5.0', 1],
    ['1', 'true', 1],
    ['5', '"5"', 0],
    ['"Ann"', '"ann"', 0],
    ['[1, {"a": 2}]', '[1.0, {"a": 2.0}]', 1],
    ['9007199254740993', '9007199254740992', 0],
  ])('%s and %s are equal as in Python: %s', (wanted, given, equal) => {
    // S = 1 + (1 + 1) = 3, s = 1 + 1 + equal.
    const got = score(`</think>${call('f', `{"x": ${given}}`)}`, call('f', `{"x": ${wanted}}`));
    expect(got.correct).toBeCloseTo((6 * (2 + equal)) / 3 - 3, 12);
  });

  test('judges the calls of a turn without its thought, and of one with two', () => {
    const bare = toolrl.prepare({ prompt: '', label: `</think>${gold}` });
    expect(bare.score(gold)).toMatchObject({ reward: scaled(3), format: -1, answer: 1 });
    expect(bare.score(`Well. <think></think>${gold}`)).toMatchObject({ reward: scaled(3), format: -1 });
    expect(score(`no</think><think>yes</think>${gold}`).reward).toBeCloseTo(scaled(3), 12);
  });

  test('has no opinion on replies beyond their form', () => {
    expect(score('</think>Which one?<|im_end|>', 'Who?')).toEqual({
      reward: scaled(1),
      format: 1,
      correct: 0,
    });
    expect(score(`</think>${gold}`, 'Who?')).toEqual({ reward: scaled(0), format: -1, correct: 0 });
    expect(score('</think><|im_end|>', 'Who?').format).toBe(-1);
  });

  test('each gold call takes the best of the unused calls of its name', () => {
    const label = call('f', '{"x": 1}') + call('f', '{"x": 2}');
    const scorer = toolrl.prepare({ prompt: '<think>', label: `</think>${label}` });
    const made = call('f', '{"x": 2}') + call('f', '{"x": 1}') + call('f', '{}');
    const detail: ToolRlDetail = scorer.score(`</think>${made}`).detail;
    expect(detail).toMatchObject({
      format: 1,
      calls: {
        names: 2 / 3,
        matches: [
          { gold: 0, predicted: 1, names: 1, arguments: [{ name: 'x', earned: 1 }] },
          { gold: 1, predicted: 0, names: 1, arguments: [{ name: 'x', earned: 1 }] },
        ],
        score: 2 / 3 + 4,
        maximum: 5,
      },
    });
  });
});
