/** Rewards of answers in every tool-call format: equal answers earn what they earn in Hermes's. */
import { describe, expect, it } from 'vitest';
import type { ToolFormat } from '../../src/chat/formats/format.ts';
import { FORMAT_NAMES, formats } from '../../src/chat/formats/index.ts';
import type { PyDict, PyValue } from '../../src/json/python.ts';
import { exactMatch } from '../../src/rewards/exact.ts';
import * as rewards from '../../src/rewards/all.ts';
import { type AnyReward, scoresAnswers } from '../../src/rewards/reward.ts';

const tools = [
  {
    name: 'set_light',
    description: '',
    parameters: {
      type: 'object',
      properties: { room: { type: 'string' }, level: { type: 'number' }, on: { type: 'boolean' } },
    },
  },
];
const call = (given: Readonly<Record<string, PyValue>>, name = 'set_light') => ({
  name,
  arguments: new Map(Object.entries(given)) as PyDict,
});
const GOLD = [call({ room: 'Büro 2', level: 0.5, on: true }), call({ room: '5' })];
/** Answers by what is wrong with them; a text is an answer as it is. */
const ANSWERS = {
  right: GOLD,
  half: GOLD.slice(0, 1),
  value: [call({ room: 'Büro 3', level: 0.5, on: true }), call({ room: '5' })],
  type: [call({ room: 'Büro 2', level: true, on: true }), call({ room: '5' })],
  unknown: [call({ room: '5' }, 'set_lamp')],
  argument: [call({ rooms: '5' })],
  words: 'It is done.',
} as const;

type Name = keyof typeof ANSWERS;

const answered = Object.values<AnyReward>(rewards).flatMap((reward) =>
  scoresAnswers(reward) ? [reward] : [],
);

/** Text of a turn: an empty thought, an answer and its end. */
function turn(format: ToolFormat, name: Name): string {
  const answer = ANSWERS[name];
  const { turn: whole, callEnd = whole.close } = format;
  return typeof answer === 'string'
    ? `<think></think>${format.render(answer, [])}${whole.close}`
    : `<think></think>${format.render('', answer)}${callEnd}`;
}

const scored = (format: ToolFormat, name: Name) =>
  answered.map((reward) => {
    const scorer = reward.prepare({ prompt: format.assistant, label: turn(format, 'right'), tools, format });
    return [reward.name, scorer.problems.length, scorer.score(turn(format, name)).answer];
  });

const exact = (format: ToolFormat, name: Name) =>
  exactMatch({ kind: 'calls', calls: GOLD }, turn(format, name), format, tools);

describe.each(FORMAT_NAMES)('an answer of %s', (format) => {
  it.each(Object.keys(ANSWERS) as Name[])("earns what it earns in Hermes's: %s", (name) => {
    const own = { ...formats[format], thinks: true };
    expect(scored(own, name)).toEqual(scored(formats.hermes, name));
    expect(exact(own, name)).toEqual(exact(formats.hermes, name));
  });

  it('needs a thought only where every turn has one', () => {
    const own: ToolFormat = formats[format];
    const text = own.render('', GOLD);
    const label = (own.thinks ? '</think>' : '') + text;
    const scorer = rewards.simrl.prepare({ prompt: '', label, tools, format: own });
    expect(scorer.score(text).reward).toBe(own.thinks ? -1 : 1);
  });
});
