import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { simrl, type SimRlDetail } from '../../src/rewards/simrl.ts';
import { casesFile, casesText } from '../fixtures/make-simrl-cases.ts';
import { PROMPT, type SimRlCase } from '../fixtures/simrl-case-book.ts';

const cases = readFileSync(casesFile, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as SimRlCase);

describe('Sim-RL on cases whose score follows from how they were built', () => {
  test('the file is what its maker makes', () => {
    expect(readFileSync(casesFile, 'utf8')).toBe(casesText());
  });

  test.each([...new Set(cases.map((item) => item.family))])('%s', (family) => {
    for (const { prompt = PROMPT, label, generation, expect: expected, why } of cases.filter(
      (item) => item.family === family,
    )) {
      const { reward, format, answer } = simrl.prepare({ prompt, label }).score(generation);
      const got = {
        why,
        reward: expect.closeTo(reward, 12) as number,
        format,
        answer: expect.closeTo(answer, 12) as number,
      };
      expect({ why, ...expected }).toEqual(got);
    }
  });
});

const tools = [
  { name: 'send', description: '', parameters: { type: 'object', properties: { to: {}, text: {}, at: {} } } },
  { name: 'ring', description: '', parameters: { type: 'object', properties: {} } },
];

function call(name: string, values: object): string {
  return `<tool_call>\n${JSON.stringify({ name, arguments: values })}\n</tool_call>`;
}

function detailOf(gold: string, made: string): SimRlDetail {
  return simrl.prepare({ prompt: '<think>', label: `</think>${gold}`, tools }).score(`</think>${made}`)
    .detail;
}

describe('Sim-RL detail', () => {
  test('says which call was matched to which, and what every argument earned', () => {
    const gold =
      call('send', { to: 'Ann', text: 'on my way', at: 9 }) + call('send', { to: 'Bob' }) + call('ring', {});
    const made =
      call('send', { to: 'Bob', at: 8 }) + call('send', { to: 'ann', at: 8 }) + call('send', { to: 'Bob' });
    expect(detailOf(gold, made)).toEqual({
      kind: 'calls',
      matches: [
        {
          predicted: 0,
          name: 'send',
          gold: 1,
          similarity: 1 / 2,
          arguments: [
            { name: 'to', status: 'common', earned: 1 },
            { name: 'at', status: 'extra', earned: 0 },
          ],
        },
        {
          predicted: 1,
          name: 'send',
          gold: 0,
          similarity: 1 / 3,
          arguments: [
            { name: 'to', status: 'common', earned: 1 },
            { name: 'at', status: 'common', earned: 0 },
            { name: 'text', status: 'missing', earned: 0 },
          ],
        },
        { predicted: 2, name: 'send', gold: null, similarity: 0, arguments: [] },
      ],
      missing: [2],
      divisor: 4,
    });
  });

  test.each([
    ['<tool_call>{</tool_call>', { kind: 'format_error', fault: 'call_not_json' }],
    [
      call('fax', {}),
      { kind: 'format_error', fault: 'unknown_function', message: "No tool is named 'fax'." },
    ],
    [
      call('send', { too: 1 }),
      { kind: 'format_error', fault: 'unknown_argument', message: "send has no argument 'too'." },
    ],
    ['<tool_call>', { kind: 'wrong_mode', wanted: 'calls', got: 'unclosed_call' }],
    ['Hello.', { kind: 'wrong_mode', wanted: 'calls', got: 'reply' }],
    ['', { kind: 'wrong_mode', wanted: 'calls', got: 'empty_reply' }],
  ])('names the error of %s', (made, expected) => {
    expect(detailOf(call('ring', {}), made)).toMatchObject(expected);
  });

  test('gives the ROUGE-L of a reply, and names a call in its place', () => {
    expect(detailOf('one two', 'one')).toEqual({ kind: 'reply', rougeL: 2 / 3 });
    expect(detailOf('one two', call('ring', {}))).toEqual({
      kind: 'wrong_mode',
      wanted: 'reply',
      got: 'calls',
    });
  });
});

describe('Sim-RL on tasks that are at fault', () => {
  test('reports what is wrong with the prompt and the label, and still scores', () => {
    const prompt =
      '<tools>\n{"name": "ring", "parameters": {}}\nnot json\n{"parameters": {}}\n</tools><|im_start|>assistant\n<think>';
    const scorer = simrl.prepare({ prompt, label: 'no answer' });
    expect(scorer.problems).toEqual([
      "A line of the prompt's tools is no tool. Not JSON: a value is expected at character 1.",
      'A tool has no name.',
      'The label has 0 times </think>, and must have it once.',
    ]);
    expect(scorer.score(`</think>${call('ring', {})}`)).toMatchObject({
      reward: 0,
      format: 1,
      detail: { kind: 'unusable_label' },
    });
    expect(scorer.score('never ends')).toMatchObject({ reward: -1, format: -1 });
  });
});
