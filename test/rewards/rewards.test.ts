import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { hermes } from '../../src/chat/formats/hermes.ts';
import { assistantTurn, parseLabel } from '../../src/chat/generation.ts';
import { exactMatch, goldOfLabel } from '../../src/rewards/exact.ts';
import { binary } from '../../src/rewards/binary.ts';
import { ANSWER_REWARDS, loadReward, rewards } from '../../src/rewards/index.ts';

const prompt = `<|im_start|>system
<tools>
{"name": "send", "parameters": {"type": "object", "properties": {"to": {}, "text": {}, "n": {}}}}
{"name": "ring", "parameters": {"at": {}}}
</tools><|im_end|>
<|im_start|>assistant
<think>`;

function call(name: string, values: string): string {
  return `<tool_call>\n{"name": "${name}", "arguments": ${values}}\n</tool_call>`;
}

const answers = [
  call('send', '{"to": "Ann Lee", "text": "I am running late, sorry!", "n": 5}'),
  call('send', '{"to": "Bob", "n": [1.0, null, {"x": "y"}]}') +
    call('ring', '{"at": 7.5}') +
    call('send', '{}'),
  'Which of your contacts do you mean?',
];
const labels = answers.map((answer) => `</think>${answer}<|im_end|>\n`);
const all = await Promise.all(ANSWER_REWARDS.map(loadReward));

/** Checks what holds of every score, and returns it. */
function scored(reward: (typeof all)[number], label: string, generation: string): number {
  const { reward: value, format, answer } = reward.prepare({ prompt, label }).score(generation);
  expect(value).toBeGreaterThanOrEqual(-1);
  expect(value).toBeLessThanOrEqual(1);
  expect(answer).toBeGreaterThanOrEqual(0);
  expect(answer).toBeLessThanOrEqual(1);
  // ToolRL adds what it gives for the form and for the answer.
  const whole = format === -1 ? -1 : answer;
  expect(value).toBe(reward.name === 'toolrl' ? value : whole);
  return value;
}

describe.each(all)('$name', (reward) => {
  test.each(labels)('gives its best score to the label itself: %j', (label) => {
    const isReply = !label.includes('<tool_call>');
    expect(scored(reward, label, label)).toBeCloseTo(reward.name === 'toolrl' && isReply ? 1 / 7 : 1, 12);
  });

  test('never throws and stays within its bounds, whatever the text, the label and the prompt', () => {
    const tags =
      '<think> </think> <tool_call> </tool_call> <tools> </tools> <|im_start|>assistant\n <|im_end|>'.split(
        ' ',
      );
    const parts = ['{"name": "ring", "arguments": ', '{"at": 1}', '"at"', '["at"]', '}', 'null', '\n'];
    const pieces = fc.constantFrom(...tags, ...parts, ...answers);
    const text = fc
      .array(fc.oneof(pieces, fc.string({ unit: 'binary' })), { maxLength: 12 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        text,
        fc.oneof(fc.constantFrom(...labels), text),
        fc.oneof(fc.constant(prompt), text),
        (generation, label, before) => {
          const scorer = reward.prepare({ prompt: before, label });
          const { reward: value, answer } = scorer.score(generation);
          expect(Math.abs(value)).toBeLessThanOrEqual(1);
          expect(answer >= 0 && answer <= 1).toBe(true);
          expect(scorer.score(generation)).toEqual(scorer.score(generation));
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('scores 6,000 mutated generations within their bounds, each in a few milliseconds', () => {
    const rng = Rng.seeded(7, 'mutations');
    const scorers = labels.map((label) => reward.prepare({ prompt, label }));
    const seen = new Set<number>();
    let slowest = 0;
    for (let n = 0; n < 6000; n++) {
      const generation = mutate(rng, rng.pick(labels));
      const scorer = rng.pick(scorers);
      // Other work may pause this process at any moment, so a slow case is timed again: its fastest run counts.
      let fastest = Infinity;
      for (let run = 0; run === 0 || (run < 10 && fastest > 5); run++) {
        const start = performance.now();
        const score = scorer.score(generation);
        fastest = Math.min(fastest, performance.now() - start);
        seen.add(score.reward);
        expect(Math.abs(score.reward)).toBeLessThanOrEqual(1);
      }
      slowest = Math.max(slowest, fastest);
    }
    expect(slowest).toBeLessThan(10);
    expect(seen.has(-1) && seen.has(1) && seen.size > 2).toBe(true);
  });

  test.each([
    ['<tool_call>', 100_000],
    ['<think>', 150_000],
    ['</think>', 150_000],
    ['</think><tool_call>', 50_000],
    [call('send', '{"to": "Ann"}'), 15_000],
    ['[', 1_000_000],
    ['a ', 500_000],
    ['y', 1_000_000],
    [' ', 1_000_000],
    ['<|im_end|>', 100_000],
    ['|>', 500_000],
  ])('takes a megabyte of %j in its stride', (piece, times) => {
    const huge = piece.repeat(times);
    const text = JSON.stringify(huge);
    for (const generation of [
      huge,
      `</think>${huge}`,
      `</think>${call('send', `{"text": ${text}}`)}`,
      `</think>${call(huge, '{}')}`,
    ]) {
      for (const label of labels) {
        const scorer = reward.prepare({ prompt, label });
        const start = performance.now();
        scorer.score(generation);
        expect(performance.now() - start).toBeLessThan(1500);
      }
    }
  });
});

const PIECES = ['<tool_call>', '</tool_call>', '</think>', '{', '}', '"', ',', '0', ' ', 'Ann', '\\', 'é'];

function mutate(rng: Rng, text: string): string {
  let mutated = text;
  for (let n = rng.below(4); n > 0; n--) {
    const at = rng.below(mutated.length + 1);
    const to = rng.chance(0.5) ? at + rng.below(12) : at;
    const inserted = rng.chance(0.5) ? rng.pick(PIECES) : mutated.slice(at, at + rng.below(200));
    mutated = mutated.slice(0, at) + inserted + mutated.slice(to);
  }
  return mutated;
}

describe('binary', () => {
  const [single, several, reply] = labels.map((label) => binary.prepare({ prompt, label })) as [
    Scorer,
    Scorer,
    Scorer,
  ];
  type Scorer = ReturnType<typeof binary.prepare>;

  test('is 1 for the same calls in another order and notation, and 0 for a single wrong value', () => {
    const right =
      call('ring', '{"at": 7.50}') +
      call('send', '{}') +
      call('send', '{"n": [1, null, {"x": "y"}], "to": "Bob "}');
    expect(several.score(`</think>${right}`)).toEqual({
      reward: 1,
      format: 1,
      answer: 1,
      detail: { kind: 'right' },
    });
    expect(several.score(`</think>${right.replace('Bob', 'bob')}`)).toMatchObject({
      reward: 0,
      detail: { kind: 'wrong', error: 'wrong_value' },
    });
  });

  test('is -1 exactly where Sim-RL is', () => {
    expect(single.score(`</think>${call('fax', '{}')}`)).toMatchObject({ reward: -1, format: -1, answer: 0 });
    expect(single.score(`</think>${call('send', '{"zip": 1}')}`)).toMatchObject({ reward: -1 });
    expect(single.score('</think><tool_call>')).toMatchObject({ reward: 0, detail: { error: 'unparsable' } });
    expect(single.score(`</think>${call('send', '""')}`)).toMatchObject({
      reward: 0,
      detail: { error: 'unparsable' },
    });
  });

  test('takes any reply where a reply is wanted, and no call', () => {
    expect(reply.score('</think>Who?').reward).toBe(1);
    expect(reply.score('</think>').detail).toEqual({ kind: 'wrong', error: 'wrong_reply' });
    expect(reply.score(`</think>${call('ring', '{}')}`).detail).toEqual({
      kind: 'wrong',
      error: 'called_instead_of_answering',
    });
  });

  test('is 0 for any well-formed generation if the label cannot be read', () => {
    const scorer = binary.prepare({ prompt, label: 'nothing' });
    expect(scorer.problems).toHaveLength(1);
    expect(scorer.score('</think>Who?')).toMatchObject({ reward: 0, detail: { kind: 'unusable_label' } });
  });

  test('agrees with exactMatch on valid calls', () => {
    const rng = Rng.seeded(11, 'agreement');
    const disagreements: string[] = [];
    for (let n = 0; n < 2000; n++) {
      const label = rng.pick(labels);
      const generation = mutate(rng, rng.pick(labels));
      const { format, answer } = binary.prepare({ prompt, label }).score(generation);
      const { correct } = exactMatch(
        goldOfLabel(parseLabel(label, hermes))!,
        assistantTurn(prompt, generation, hermes),
        hermes,
      );
      if (format === 1 && correct !== (answer === 1)) disagreements.push(generation);
    }
    expect(disagreements).toEqual([]);
  });
});

describe('rewards by name', () => {
  test('are found under the names that they carry', () => {
    for (const [name, reward] of Object.entries(rewards)) expect(reward.name).toBe(name);
    expect(all.map(({ name }) => name)).toEqual(ANSWER_REWARDS);
  });

  test('that do not exist are an error that lists those that do', async () => {
    await expect(loadReward('toString')).rejects.toThrow('There is no reward "toString"');
    await expect(loadReward('sim')).rejects.toThrow(
      'There is no reward "sim"; choose one of binary, mentor, simrl, simrl_length, simrl_strict, simrl_unicode, toolrl, or give the path of a module.',
    );
  });
});
