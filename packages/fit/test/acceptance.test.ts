/** The answer about a student: what counts as right, what is confused, when it is ready, how sure it is. */
import { describe, expect, test } from 'vitest';
import { hermes } from '../../../src/chat/formats/hermes.ts';
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';
import { Rng } from '../../../src/base/rng.ts';
import { abstaining } from '../src/acceptance/abstain.ts';
import { answerReader } from '../src/acceptance/answers.ts';
import { calibrate, confidenceOf, riskCoverage } from '../src/acceptance/confidence.ts';
import type { Measured } from '../src/acceptance/measure.ts';
import { likenessOf, scoresOf, worstOf } from '../src/acceptance/scores.ts';
import { verdictOf, verdictText } from '../src/acceptance/verdict.ts';
import { kindOfExample } from '../src/fit/dialogues.ts';
import type { Case, CaseKind } from '../src/types.ts';

const tools: Tool[] = ['lamp', 'heat'].map((name) => ({
  name,
  description: '',
  parameters: { type: 'object', properties: { room: { type: 'string' }, n: { type: 'number' } } },
}));
const lamp = (room: string): ToolCall => ({ name: 'lamp', arguments: { room } });
const heat = (n: number): ToolCall => ({ name: 'heat', arguments: { n } });
const caseOf = (id: string, kind: CaseKind, ...calls: ToolCall[]): Case => ({
  id,
  request: id,
  calls,
  reply: '',
  kind,
  wording: id,
  made: 'example',
});
const written = (...calls: ToolCall[]): string =>
  hermes.render(
    '',
    calls.map(({ name, arguments: given }) => ({ name, arguments: JSON.stringify(given) })),
  );
const read = answerReader(tools, hermes);

describe('an answer is right', () => {
  test('where exactly the calls that are due are made, in any order, numbers by their value', () => {
    const due = caseOf('both', 'several', lamp('hall'), heat(19));
    expect(read(due, written(heat(19), lamp('hall')))).toMatchObject({ correct: true, confusions: [] });
    expect(read(due, written(lamp('hall'), heat(19)).replace('19', '19.0')).correct).toBe(true);
    expect(read(due, written(lamp('hall')))).toMatchObject({
      correct: false,
      error: 'missing_call',
      due: [
        { name: 'lamp', isMade: true },
        { name: 'heat', isMade: false },
      ],
      confusions: [{ wanted: 'heat', made: '' }],
    });
    expect(read(due, written(lamp('hall'), heat(19), heat(19))).correct).toBe(false);
  });

  test('where words are due and any are said, and no call is made', () => {
    const none = caseOf('chat', 'irrelevant');
    expect(read(none, 'Sorry?').correct).toBe(true);
    expect(read(none, '').correct).toBe(false);
    expect(read(none, written(lamp('hall')))).toMatchObject({
      error: 'called_instead_of_answering',
      confusions: [{ wanted: '', made: 'lamp' }],
    });
  });

  test('never where a call is cut off', () => {
    const one = caseOf('cut', 'single', lamp('hall'));
    expect(read(one, written(lamp('hall')).slice(0, -5))).toMatchObject({ error: 'unparsable', calls: [] });
  });
});

const answers = [
  read(caseOf('a', 'single', lamp('hall')), written(lamp('hall'))),
  read(caseOf('b', 'single', lamp('hall')), written(lamp('bath'))),
  read(caseOf('c', 'single', lamp('hall')), written(heat(3))),
  read(caseOf('d', 'single', heat(3)), 'In which room?'),
  read(caseOf('e', 'irrelevant'), written(heat(3))),
  read(caseOf('f', 'missing'), 'In which room?'),
];

test('scores tell willing from right, and count strays and confusions by function', () => {
  expect(scoresOf(answers, ['lamp', 'heat'])).toMatchObject({
    all: { correct: 2, total: 6 },
    kinds: [
      { kind: 'single', correct: 1, total: 4 },
      { kind: 'irrelevant', correct: 0, total: 1 },
      { kind: 'missing', correct: 1, total: 1 },
    ],
    functions: [
      { name: 'lamp', correct: 1, total: 3, stray: 0, instead: 'heat' },
      { name: 'heat', correct: 0, total: 1, stray: 2, instead: '' },
    ],
    willing: { correct: 3, total: 4 },
    rightOfWilling: { correct: 1, total: 3 },
    restrained: { correct: 1, total: 2 },
    errors: { wrong_value: 1, wrong_function: 1, no_call: 1, called_instead_of_answering: 1 },
    confusions: [
      { wanted: 'lamp', made: 'heat', count: 1 },
      { wanted: 'heat', made: '', count: 1 },
      { wanted: '', made: 'heat', count: 1 },
    ],
  });
});

test('a model that only talks has learned as little as one that only calls', () => {
  const [called, , , talked, calledForWords, words] = answers;
  expect(likenessOf([talked!, words!])).toBe(0);
  expect(likenessOf([called!, calledForWords!])).toBe(0);
  expect(likenessOf([called!, answers[1]!, words!])).toBeCloseTo(Math.sqrt(0.5));
});

test('the worst answers are those that act when nobody asked', () => {
  expect(worstOf(answers, 2).map(({ case: { id } }) => id)).toEqual(['e', 'c']);
});

test('a student is ready when enough requests are right for the interval to say so, and says why not', () => {
  const many = (right: number, wrong: number) =>
    scoresOf(
      [
        ...Array.from({ length: right }, () => answers.slice(0, 1)).flat(),
        ...Array.from({ length: wrong }, () => answers.slice(2, 3)).flat(),
      ],
      ['lamp'],
    );
  expect(verdictText(verdictOf(many(100, 2)))).toBe('ready');
  expect(verdictText(verdictOf(many(30, 0)))).toBe(
    'not yet, because 30 test requests are too few to tell; write more examples (50 test requests at least)',
  );
  expect(verdictText(verdictOf(many(70, 30)))).toBe(
    'not yet, because 70 of 100 (70.0%) of the requests are right, and 90.0% cannot be told from that (at least 60.4%); lamp is right in 70 of 100 (70.0%), heat is called in its place: write more examples of it',
  );
  expect(verdictText(verdictOf(scoresOf(answers.slice(0, 1), ['lamp', 'heat'])))).toContain(
    'no test request calls heat',
  );
});

test('a request of a person is of the kind that its answer is of', () => {
  expect(kindOfExample({ calls: [], reply: 'In which room?' })).toBe('missing');
  expect(kindOfExample({ calls: [], reply: '' })).toBe('irrelevant');
  expect(kindOfExample({ calls: [lamp('a')], reply: '' })).toBe('single');
  expect(kindOfExample({ calls: [lamp('a'), lamp('b')], reply: '' })).toBe('several');
});

describe('a call that its schema forced on the model', () => {
  const measured = (
    id: string,
    due: Parameters<typeof caseOf>[2] | undefined,
    logprob: number,
  ): Measured => ({
    ...read(due === undefined ? caseOf(id, 'irrelevant') : caseOf(id, 'single', due), written(lamp('hall'))),
    logprob,
    tokens: 9,
    seconds: 1,
  });
  const of = (count: number, due: Parameters<typeof caseOf>[2] | undefined, p: number): Measured[] =>
    Array.from({ length: count }, (_, i) =>
      measured(`${due === undefined ? 'none' : 'call'}-${p}-${i}`, due, Math.log(p)),
    );
  const sure = of(20, lamp('hall'), 0.9);
  const forced = of(3, undefined, 1e-4);

  test('is known by its probability, as far as right calls have more', () => {
    expect(calibrate([...sure, ...forced])?.forcedBelow).toBe(3e-3);
    // Four right calls would be lost for three wrong ones.
    expect(calibrate([...sure, ...forced, ...of(4, lamp('hall'), 2e-3)])?.forcedBelow).toBe(1e-3);
    expect(calibrate([...sure, ...forced, ...of(4, lamp('hall'), 1e-5)])).not.toHaveProperty('forcedBelow');
  });

  test("is the model's own where it has texts of the request, which are forced rightly", () => {
    expect(calibrate([...sure, ...forced], { heat: ['place'] })?.forcedBelow).toBe(3e-3);
    const calibration = calibrate([...sure, ...forced])!;
    const held = abstaining(forced, calibration, { lamp: ['room'] }, 0, read);
    expect(held.map(({ calls }) => calls.length)).toEqual([1, 1, 1]);
  });

  test('becomes words, whatever else is asked for', () => {
    const calibration = calibrate([...sure, ...forced])!;
    const held = abstaining([...sure, ...forced], calibration, {}, 0, read);
    expect(held.map(({ calls }) => calls.length)).toEqual([...sure.map(() => 1), 0, 0, 0]);
    expect(held.every(({ correct }) => correct)).toBe(true);
  });
});

describe('confidence', () => {
  /** Answers whose call is right with a probability that is known. */
  function drawn(count: number, seed: number): (Measured & { readonly p: number })[] {
    const rng = Rng.seeded(seed);
    return Array.from({ length: count }, (_, i) => {
      const said = 0.05 + 0.9 * rng.uniform();
      // The model is too sure of itself, and more so with heat.
      const logit = 0.5 * Math.log(said / (1 - said)) - (i % 2 === 0 ? 0 : 1);
      const p = 1 / (1 + Math.exp(-logit));
      const call = i % 2 === 0 ? lamp('hall') : heat(1);
      const wrong = i % 2 === 0 ? lamp('bath') : heat(2);
      const answer = read(caseOf(`c${i}`, 'single', call), written(rng.chance(p) ? call : wrong));
      return { ...answer, logprob: Math.log(said), tokens: 9, seconds: 1, p };
    });
  }

  test('is the probability of being right, by function, on answers that it was not fitted to', () => {
    const calibration = calibrate(drawn(3000, 1));
    expect(Math.abs((calibration?.slope ?? 9) - 0.5)).toBeLessThan(0.1);
    const errors = drawn(400, 2).map(({ p, ...answer }) =>
      calibration === undefined ? 1 : Math.abs((confidenceOf(calibration, answer) ?? 1) - p),
    );
    expect(errors.reduce((a, b) => a + b, 0) / errors.length).toBeLessThan(0.03);
  });

  test('of a function with few answers stays near that of the others', () => {
    const few = [...drawn(400, 3).filter(({ due: [call] }) => call?.name === 'lamp'), ...drawn(2, 4)];
    expect(Math.abs(calibrate(few)?.offsets['heat'] ?? 9)).toBeLessThan(0.5);
  });

  test('is unknown where an engine tells no log-probabilities', () => {
    expect(calibrate([{ ...answers[0]!, logprob: null, tokens: 3, seconds: 1 }])).toBeUndefined();
  });

  test('trades coverage for risk', () => {
    const made = drawn(2000, 5);
    const calibration = calibrate(made)!;
    const points = riskCoverage(calibration, made);
    expect(points[0]).toMatchObject({ threshold: 0, coverage: 1, kept: 2000 });
    for (const [i, point] of points.slice(1).entries())
      expect(point.coverage).toBeLessThanOrEqual(points[i]!.coverage);
    const half = points.find(({ threshold }) => threshold === 0.5)!;
    expect(half.risk).toBeLessThan(points[0]!.risk);
  });

  test('below the threshold becomes words', () => {
    const made = drawn(200, 6);
    const calibration = calibrate(made)!;
    const held = abstaining(made, calibration, {}, 0.7, read);
    for (const [i, answer] of held.entries()) {
      const isSure = (confidenceOf(calibration, made[i]!) ?? 0) >= 0.7;
      expect(answer.calls.length).toBe(isSure ? 1 : 0);
      expect(answer.correct).toBe(isSure && made[i]!.correct);
    }
  });
});
