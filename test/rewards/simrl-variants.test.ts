import { describe, expect, test } from 'vitest';
import { FREE, FULL, simrlLength } from '../../src/rewards/simrl-length.ts';
import { simrlStrict } from '../../src/rewards/simrl-strict.ts';
import { simrlUnicode } from '../../src/rewards/simrl-unicode.ts';
import { simrl } from '../../src/rewards/simrl.ts';
import { casesOfFixture } from '../helpers/reward-cases.ts';

function call(name: string, values: string): string {
  return `<tool_call>\n{"name": "${name}", "arguments": ${values}}\n</tool_call>`;
}

function promptOf(...tools: string[]): string {
  return `<tools>\n${tools.join('\n')}\n</tools><|im_start|>assistant\n<think>`;
}

describe('Sim-RL by length', () => {
  const label = `</think>${call('f', '{}')}`;
  const task = { prompt: promptOf('{"name": "f"}'), label };

  test.each([
    [0, 1],
    [FREE, 1],
    [FREE + 1, 1 - 0.5 / (FULL - FREE)],
    [(FREE + FULL) / 2, 0.75],
    [FULL, 0.5],
    [100 * FULL, 0.5],
  ])('%d characters beyond the answer leave a factor of %d', (surplus, factor) => {
    const score = simrlLength.prepare(task).score('x'.repeat(surplus) + label);
    expect(score.reward).toBeCloseTo(factor, 12);
    expect(score.detail).toMatchObject({ surplus, simrl: { kind: 'calls' } });
  });

  test('counts text around calls like thoughts', () => {
    const scorer = simrlLength.prepare(task);
    const [before, after] = [scorer.score('y'.repeat(2000) + label), scorer.score(label + 'y'.repeat(2000))];
    expect(after.reward).toBe(before.reward);
    expect(after.reward).toBeLessThan(1);
  });

  test('leaves a wrong form at -1, however long', () => {
    expect(simrlLength.prepare(task).score('z'.repeat(9000))).toMatchObject({
      reward: -1,
      format: -1,
      answer: 0,
    });
  });
});

const schema = {
  type: 'object',
  properties: {
    at: { type: 'integer', minimum: 0 },
    mode: { enum: ['loud', 1, null] },
    tags: { type: 'array', items: { type: 'string' } },
    place: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] },
    constructor: { type: 'string' },
  },
  required: ['at'],
};
const strictTask = {
  prompt: promptOf(JSON.stringify({ name: 'ring', parameters: schema })),
  label: `</think>${call('ring', '{"at": 7}')}`,
};

describe('Sim-RL with schemas', () => {
  test.each([
    ['{"at": 7}', true],
    ['{"at": 7.0}', true],
    ['{"at": 7.5}', false],
    ['{"at": "7"}', false],
    ['{"at": true}', false],
    ['{"at": -1}', false],
    ['{"at": null}', false],
    ['{}', false],
    ['{"at": 7, "mode": "loud"}', true],
    ['{"at": 7, "mode": "LOUD"}', false],
    ['{"at": 7, "mode": true}', false],
    ['{"at": 7, "mode": null}', true],
    ['{"at": 7, "tags": ["a", "b"]}', true],
    ['{"at": 7, "tags": ["a", 1]}', false],
    ['{"at": 7, "place": {"x": 1, "y": 2}}', true],
    ['{"at": 7, "place": {}}', false],
    ['{"at": 7, "constructor": "a"}', true],
    ['{"at": 7, "constructor": 1}', false],
    ['""', false],
    ['[]', false],
  ])('%s is of the required form: %s', (values, valid) => {
    const score = simrlStrict.prepare(strictTask).score(`</think>${call('ring', values)}`);
    expect(score.format).toBe(valid ? 1 : -1);
    const violation = { reward: -1, answer: 0, detail: { fault: 'schema_violation' } };
    expect(score).toMatchObject(valid ? { format: 1 } : violation);
  });

  test('says which argument is wrong', () => {
    const { detail } = simrlStrict
      .prepare(strictTask)
      .score(`</think>${call('ring', '{"at": 7, "tags": [1]}')}`);
    expect(detail).toMatchObject({
      message:
        'The arguments of ring are not what its schema asks for. tags/0: Instance type "number" is invalid. Expected "string".',
    });
  });

  test('reads the types of xLAM, where what is not optional is required', () => {
    const tool = '{"name": "f", "parameters": {"n": {"type": "int"}, "of": {"type": "List[str], optional"}}}';
    const scorer = simrlStrict.prepare({ prompt: promptOf(tool), label: `</think>${call('f', '{"n": 1}')}` });
    const format = (values: string): number => scorer.score(`</think>${call('f', values)}`).format;
    expect(
      ['{"n": 2}', '{"n": 2, "of": ["a"]}', '{"of": ["a"]}', '{"n": "2"}', '{"n": 2, "of": [1]}'].map(format),
    ).toEqual([1, 1, -1, -1, -1]);
  });

  test('does not hold against generations what the label itself does, and says so', () => {
    const scorer = simrlStrict.prepare({ ...strictTask, label: `</think>${call('ring', '{"at": "7"}')}` });
    expect(scorer.problems).toEqual([expect.stringContaining('so ring is not checked')]);
    expect(scorer.score(`</think>${call('ring', '{"at": "7"}')}`).reward).toBe(1);
  });

  test('takes any value where a schema is malformed, refers elsewhere or is endlessly deep', () => {
    let deep = '{"type": "integer"}';
    for (let depth = 0; depth < 400; depth++) deep = `{"anyOf": [${deep}]}`;
    for (const inner of ['{"type": 5}', '{"type": []}', '{"anyOf": 3}', '{"$ref": "#/nowhere"}', '7', deep]) {
      const tool = `{"name": "f", "parameters": {"type": "object", "properties": {"x": ${inner}}, "required": 3}}`;
      const scorer = simrlStrict.prepare({ prompt: promptOf(tool), label: `</think>${call('f', '{}')}` });
      expect(scorer.score(`</think>${call('f', '{"x": "a"}')}`).format, inner.slice(0, 40)).toBe(1);
    }
  });

  test('differs from Sim-RL only where it finds a violation', () => {
    const differing = casesOfFixture().filter((item) => {
      const [strict, plain] = [simrlStrict.prepare(item), simrl.prepare(item)];
      const [a, b] = [strict.score(item.generation), plain.score(item.generation)];
      const violation = a.detail.kind === 'format_error' && a.detail.fault === 'schema_violation';
      return !violation && JSON.stringify(a) !== JSON.stringify(b);
    });
    expect(differing).toEqual([]);
  });
});

describe('Sim-RL for every script', () => {
  const prompt = promptOf('{"name": "f", "parameters": {"x": {}}}');
  const earned = (gold: string, written: string): readonly [unicode: number, reference: number] => {
    const [label, generation] = [gold, written].map((x) => `</think>${call('f', JSON.stringify({ x }))}`);
    const [unicode, reference] = [simrlUnicode, simrl].map(
      (reward) => reward.prepare({ prompt, label: label ?? '' }).score(generation ?? '').reward,
    );
    return [unicode ?? NaN, reference ?? NaN];
  };

  test.each([
    ['北京的天气', '北京天气', 8 / 9, 0],
    ['東京タワー', '東京タワー。', 1, 0],
    ['กรุงเทพ', 'กรุงไทย', 2 / 3, 0],
    ['Moscow, Москва', 'moscow москва', 1, 1],
    ['Москва река', 'Москва', 2 / 3, 0],
    ['Book 北京 hotels', 'book hotel', 2 / 3, 1],
    ['running dogs', 'run the dog', 0.8, 0.8],
  ])('%s for %s earns %d, where the reference gives %d', (gold, written, unicode, reference) => {
    const [own, plain] = earned(gold, written);
    expect(own).toBeCloseTo(unicode, 12);
    expect(plain).toBeCloseTo(reference, 12);
  });

  test('scores cases in ASCII as the reference does', () => {
    const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text) && !text.includes('\\u');
    const cases = casesOfFixture().filter((item) => isAscii(item.label + item.generation));
    expect(cases.length).toBeGreaterThan(300);
    for (const item of cases)
      expect(simrlUnicode.prepare(item).score(item.generation)).toEqual(
        simrl.prepare(item).score(item.generation),
      );
  });
});
