/** Statements of docs/rewards.md on odd input, row by row, and a short run of scripts/mutate-generations.ts. */
import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { MAX_DEPTH } from '../../src/json/python.ts';
import { ANSWER_REWARDS, loadReward, rewards } from '../../src/rewards/index.ts';
import { casesOfFixture } from '../helpers/reward-cases.ts';
import { mutated } from '../helpers/mutations.ts';

const prompt = `<tools>\n{"name": "f", "parameters": {"x": {}, "y": {}, "__proto__": {}}}\n</tools><|im_start|>assistant\n<think>`;

function call(values: string): string {
  return `<tool_call>\n{"name": "f", "arguments": ${values}}\n</tool_call>`;
}

/** Reward of a value under each reward, where another is wanted. */
function earned(wanted: string, given: string): Record<'simrl' | 'binary' | 'toolrl', number> {
  const task = { prompt, label: `</think>${call(wanted)}` };
  const answer = (name: 'simrl' | 'binary' | 'toolrl'): number =>
    rewards[name].prepare(task).score(`</think>${call(given)}`).answer;
  return { simrl: answer('simrl'), binary: answer('binary'), toolrl: answer('toolrl') };
}

// With one gold argument ToolRL's answer is (1 + 1 + equal) / 3.
const EQUAL = { simrl: 1, binary: 1, toolrl: 1 };
const UNEQUAL = { simrl: 0, binary: 0, toolrl: 2 / 3 };

describe('values', () => {
  test.each([
    ['1.0 against 1', '1', '1.0', EQUAL],
    ['1.0 against 1 in a list, of which Sim-RL compares the print', '[1]', '[1.0]', { ...EQUAL, simrl: 0 }],
    ['true against 1', '1', 'true', { ...EQUAL, binary: 0 }],
    ['true against "True"', '"True"', 'true', { ...UNEQUAL, simrl: 1 }],
    ['"1" against 1', '1', '"1"', { ...UNEQUAL, simrl: 1 }],
    ['2^53 + 1 against 2^53', '9007199254740992', '9007199254740993', UNEQUAL],
    ['2^53 + 1 against 2^53 as a float', '9007199254740993', '9007199254740992.0', UNEQUAL],
    ['a number of 40 digits against itself', '1'.repeat(40), '1'.repeat(40), EQUAL],
    ['1e400 against infinity', 'Infinity', '1e400', EQUAL],
    ['NaN against NaN', 'NaN', 'NaN', { ...UNEQUAL, binary: 1 }],
    ['a lone surrogate against itself', String.raw`"\ud800"`, String.raw`"\ud800"`, EQUAL],
    ['a lone surrogate, escaped against raw', String.raw`"\ud800"`, '"\ud800"', EQUAL],
    ['a lone surrogate against another', String.raw`"\ud800"`, String.raw`"\udc00"`, UNEQUAL],
    ['null against "None"', '"None"', 'null', { ...UNEQUAL, simrl: 1 }],
  ])('%s', (_, wanted, given, expected) => {
    const got = earned(`{"x": ${wanted}}`, `{"x": ${given}}`);
    for (const [name, value] of Object.entries(expected))
      expect(got).toHaveProperty(name, expect.closeTo(value, 12));
  });

  test('of an argument that is written twice the last value holds', () => {
    expect(earned('{"x": 2}', '{"x": 1, "x": 2}')).toEqual(EQUAL);
    expect(earned('{"x": 1}', '{"x": 1, "x": 2}')).toEqual({
      ...UNEQUAL,
      toolrl: expect.closeTo(2 / 3, 12) as number,
    });
  });

  test('__proto__ is an argument name like any other', () => {
    expect(earned('{"__proto__": 1}', '{"__proto__": 1}')).toEqual(EQUAL);
    expect(earned('{"__proto__": {"x": 1}}', '{"x": 1}').simrl).toBe(0);
    const unknown = '<tool_call>{"name": "f", "arguments": {"constructor": 1}}</tool_call>';
    for (const name of ['simrl', 'binary', 'simrl_strict', 'simrl_length', 'simrl_unicode'] as const) {
      const scorer = rewards[name].prepare({ prompt, label: `</think>${call('{}')}` });
      expect(scorer.score(`</think>${unknown}`).reward).toBe(-1);
    }
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe.each(await Promise.all(ANSWER_REWARDS.map(loadReward)))('$name', (reward) => {
  const score = (generation: string): number =>
    reward.prepare({ prompt, label: `</think>${call('{"x": [[]]}')}` }).score(generation).format;

  test('reads JSON as deep as the limit; what is deeper is no JSON', () => {
    // Two of the levels are the call and its arguments.
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(score(`</think>${call(`{"x": ${nested(MAX_DEPTH - 2)}}`)}`)).toBe(1);
    if (reward.name === 'toolrl') return;
    expect(score(`</think>${call(`{"x": ${nested(MAX_DEPTH - 1)}}`)}`)).toBe(-1);
    expect(score(`</think>${call(`{"x": ${nested(500_000)}}`)}`)).toBe(-1);
  });

  test('a megabyte of <tool_call> is a call that is never finished', () => {
    const start = performance.now();
    const scorer = reward.prepare({ prompt, label: `</think>${call('{}')}` });
    const scored = scorer.score(`</think>${'<tool_call>'.repeat(100_000)}`);
    expect(scored.reward).toBe(reward.name === 'toolrl' ? -1 : 0);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('3,000 mutated generations neither throw nor leave the bounds, each within 10 ms', () => {
    const cases = casesOfFixture();
    const rng = Rng.seeded(2, 'mutations');
    const faults: string[] = [];
    for (let n = 0; n < 3000; n++) {
      const task = rng.pick(cases);
      const scorer = reward.prepare(task);
      const generation = mutated(rng, rng.pick([task.generation, task.label]), rng.pick(cases).generation);
      // Other work may pause this process at any moment, so a slow case is timed again: its fastest run counts.
      let fastest = Infinity;
      for (let run = 0; run < 10 && fastest > 10; run++) {
        const start = performance.now();
        const { reward: value, answer } = scorer.score(generation);
        fastest = Math.min(fastest, performance.now() - start);
        if (!(Math.abs(value) <= 1 && answer >= 0 && answer <= 1)) faults.push(`${value}: ${generation}`);
      }
      if (fastest > 10) faults.push(`${fastest} ms: ${generation}`);
    }
    expect(faults).toEqual([]);
  });
});
