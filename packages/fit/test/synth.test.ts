/** Cases by construction: right by the schema, by the request, and by the split. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../../test/helpers/cli.ts';
import { Rng } from '../../../src/base/rng.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import { openProject } from '../src/project.ts';
import { settingsSchema } from '../src/settings.ts';
import { concepts } from '../src/synth/concepts.ts';
import { drawText, hasText, texts } from '../src/synth/lexicon.ts';
import { clockTimes, durations, measured } from '../src/synth/numbers.ts';
import { sampleOf } from '../src/synth/patterns.ts';
import type { Phrase } from '../src/synth/phrases.ts';
import { knowledgeOf } from '../src/synth/sources.ts';
import { divide } from '../src/synth/split.ts';
import { readCases } from '../src/synth/store.ts';
import { type Synthesis, synthesise } from '../src/synth/synthesise.ts';
import { topics } from '../src/synth/topics.ts';
import { type Case, type Example, type Project, SPLITS } from '../src/types.ts';
import { copyOfHome, HOME } from './helpers/home.ts';

const projectOf = (functions: readonly Tool[], examples: readonly Omit<Example, 'line'>[]): Project => ({
  folder: '.',
  functions,
  examples: examples.map((example, i) => ({ ...example, line: i + 1 })),
  settings: settingsSchema.parse({}),
  notes: [],
});

const object = (properties: Tool['parameters'], required: readonly string[]): Tool['parameters'] => ({
  type: 'object',
  properties,
  required,
});
const TIMER: Tool = {
  name: 'start_timer',
  description: 'Start a countdown',
  parameters: object({ minutes: { type: 'number', exclusiveMinimum: 0 }, label: { type: 'string' } }, [
    'minutes',
  ]),
};
const LAMP: Tool = {
  name: 'set_lamp',
  description: 'Switch a lamp',
  parameters: object(
    {
      room: { type: 'string', enum: ['kitchen', 'hall', 'attic', 'office'] },
      state: { type: 'string', enum: ['on', 'off'] },
    },
    ['room', 'state'],
  ),
};
const call = (name: string, args: Tool['parameters']): Omit<Example, 'line' | 'request'> => ({
  calls: [{ name, arguments: args }],
  reply: '',
});

let home: Project;
let made: Synthesis;
let all: readonly Case[];
beforeAll(() => {
  home = openProject(HOME);
  made = synthesise(home, { seed: 3, size: 1500 });
  all = SPLITS.flatMap((split) => made[split]);
});

describe('phrases for common jobs', () => {
  it('say an hour in the unit of the argument, and not at all where that is no whole number of it', () => {
    const timer = (name: string, schema: Tool['parameters']): Tool => ({
      name: 'start_timer',
      description: 'Start a timer',
      parameters: object({ [name]: schema }, [name]),
    });
    const lengths = (tool: Tool, words: RegExp): unknown[] => {
      const { train } = synthesise(projectOf([tool], []), { seed: 4, size: 1200 });
      const said = train.filter(({ request, calls }) => calls.length === 1 && words.test(request));
      return [...new Set(said.map(({ calls }) => Object.values(calls[0]?.arguments ?? {})[0]))];
    };
    const [hour, half] = [/\bhour timer/, /half[- ](an )?hour timer/];
    expect(lengths(timer('seconds', { type: 'integer' }), half)).toEqual([1800]);
    expect(lengths(timer('minutes', { type: 'integer', maximum: 90 }), half)).toEqual([30]);
    expect(lengths(timer('hours', { type: 'integer' }), half)).toEqual([]);
    expect(lengths(timer('minutes', { type: 'integer', maximum: 45 }), hour)).not.toContain(60);
  });
});

describe('sayings', () => {
  const texts = (sayings: readonly { readonly text: string }[]): string[] => sayings.map(({ text }) => text);
  it('says lengths of time in every usual unit', () => {
    expect(texts(durations(30, 'minute'))).toEqual(
      expect.arrayContaining(['half an hour', '30 minutes', 'thirty minutes']),
    );
    expect(texts(durations(1.5, 'minute'))).toEqual(
      expect.arrayContaining(['90 seconds', 'a minute and a half']),
    );
    expect(texts(durations(90, 'second'))).toEqual(
      expect.arrayContaining(['90 seconds', 'a minute and a half']),
    );
    expect(texts(durations(2, 'hour'))).toEqual(expect.arrayContaining(['120 minutes', 'two hours']));
  });
  it('says a time of day with its half of the day, or without where the morning is meant', () => {
    expect(texts(clockTimes('15:00', true))).toEqual(
      expect.arrayContaining(['3 pm', 'three in the afternoon', '15:00']),
    );
    expect(texts(clockTimes('15:00', true))).not.toContain('3');
    expect(texts(clockTimes('05:30', true))).toContain('half past five');
    expect(texts(clockTimes('05:30', false))).not.toContain('half past five');
    expect(texts(clockTimes('06:45', true))).toContain('quarter to seven');
    expect(texts(clockTimes('00:00', true))).toContain('midnight');
  });
  it('says numbers with their unit', () => {
    expect(texts(measured(50, 'percent'))).toEqual(expect.arrayContaining(['50%', 'fifty percent', 'half']));
    expect(texts(measured(21.5, 'degrees'))).toEqual(
      expect.arrayContaining(['21.5', '21 and a half degrees']),
    );
  });
  it('makes texts that match a simple pattern, and leaves others alone', () => {
    for (const pattern of ['^[A-Z]{2}-\\d{4}$', '^(north|south)\\d?$', '^#[0-9a-f]{6}$']) {
      const sample = sampleOf(pattern)!;
      for (let seed = 0; seed < 50; seed++) expect(sample(Rng.seeded(seed))).toMatch(new RegExp(pattern));
    }
    expect(sampleOf('^(?!x)[a-z]+$')).toBeUndefined();
  });
});

describe('lexicons', () => {
  it('have words for every slot of their phrases, so that any set of functions can be refused', () => {
    const slotsOf = (phrase: Phrase): string[] => phrase.template.slots.map((key) => key.split(':')[0]!);
    const unknown = [
      ...topics().flatMap(({ say }) => say.flatMap(slotsOf).filter((slot) => !hasText(slot))),
      ...concepts().flatMap(({ roles, phrases, beyond }) =>
        [...phrases, ...beyond].flatMap(({ say }) =>
          say.flatMap(slotsOf).filter((slot) => !hasText(roles[slot]?.like ?? slot)),
        ),
      ),
    ];
    expect(unknown).toEqual([]);
  });
  it('have words for everything that their patterns name', () => {
    for (const name of [...Object.keys(texts().kinds), ...Object.keys(texts().words)])
      for (let seed = 0; seed < 40; seed++) expect(drawText(Rng.seeded(seed), name)).toMatch(/^[^<>|()]*$/);
  });
});

describe('slots of examples', () => {
  const slotsOf = (tool: Tool, request: string, args: Tool['parameters']): string[] => {
    const [wording] = knowledgeOf(projectOf([tool], [{ request, ...call(tool.name, args) }])).wordings;
    return wording!.original!.map(({ said }) => said);
  };
  it('finds values as they are said', () => {
    expect(slotsOf(TIMER, 'count down half an hour', { minutes: 30 })).toEqual(['half an hour']);
    expect(slotsOf(TIMER, 'give me 90 seconds for the eggs', { minutes: 1.5, label: 'eggs' })).toEqual([
      '90 seconds',
      'eggs',
    ]);
    expect(slotsOf(LAMP, 'Kitchen lamp off', { room: 'kitchen', state: 'off' })).toEqual(['Kitchen', 'off']);
  });
  it('leaves alone what a word only implies, and "on" that is no state', () => {
    expect(slotsOf(LAMP, 'kill the attic lamp', { room: 'attic', state: 'off' })).toEqual(['attic']);
    expect(slotsOf(LAMP, 'light on the stairs to the attic', { room: 'attic', state: 'on' })).toContain(
      'attic',
    );
  });
});

describe('cases of the shipped example', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(synthesise(home, { seed: 3, size: 1500 })).toEqual(made);
    expect(synthesise(home, { seed: 4, size: 1500 }).train).not.toEqual(made.train);
  });

  it('call functions within their schemas', () => {
    const ajv = new Ajv2020({ strict: false });
    const checks = new Map(home.functions.map(({ name, parameters }) => [name, ajv.compile(parameters)]));
    const wrong = all.flatMap(({ calls }) =>
      calls.filter((one) => checks.get(one.name)?.(one.arguments) !== true),
    );
    expect(wrong).toEqual([]);
  });

  it('have either calls or words for an answer, and words where nothing is to be called', () => {
    const most: Readonly<Record<string, readonly number[]>> = {
      single: [1, 1],
      several: [2, 9],
      irrelevant: [0, 0],
      missing: [0, 0],
      hard: [0, 9],
    };
    const wrong = all.filter(({ calls, reply, kind }) => {
      const [least = 0, largest = 0] = most[kind]!;
      return calls.length > 0 !== (reply === '') || calls.length < least || calls.length > largest;
    });
    expect(wrong).toEqual([]);
  });

  it('say free text in the request as the call has it', () => {
    const isFree = (name: string, key: string): boolean => {
      const tool = home.functions.find((one) => one.name === name)!;
      const schema = (
        tool.parameters['properties'] as Readonly<Record<string, Readonly<Record<string, unknown>>>>
      )[key]!;
      return (
        schema['type'] === 'string' && !('enum' in schema) && !('pattern' in schema) && !('format' in schema)
      );
    };
    const unsaid = all.filter(({ request, calls }) =>
      calls.some(({ name, arguments: args }) =>
        Object.entries(args).some(([key, value]) => isFree(name, key) && !request.includes(value as string)),
      ),
    );
    expect(unsaid.filter(({ made: how }) => how !== 'example')).toEqual([]);
  });

  it('have every example of a person once, in one of the splits', () => {
    const requests = all.filter(({ made: how }) => how === 'example').map(({ request }) => request);
    expect(requests.toSorted()).toEqual([...new Set(home.examples.map(({ request }) => request))].toSorted());
  });

  it('share no wording between the splits', () => {
    expect(made.leaks).toMatchObject({ wordings: 0, requests: 0, templates: 0 });
    const plain = ({ request }: Case): string =>
      request
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, ' ')
        .trim();
    const train = new Set(made.train.map(plain));
    expect([...made.dev, ...made.test].filter((one) => train.has(plain(one)))).toEqual([]);
    const wordings = new Set(made.train.map(({ wording }) => wording));
    expect([...made.dev, ...made.test].filter(({ wording }) => wordings.has(wording))).toEqual([]);
  });

  it('are one in eight about nothing that can be called', () => {
    const share = made.train.filter(({ kind }) => kind === 'irrelevant').length / made.train.length;
    expect(share).toBeGreaterThan(0.09);
    expect(share).toBeLessThan(0.16);
  });

  it('never call what is forbidden or taken back', () => {
    const negated = all.filter(({ made: how }) => how === 'negation');
    expect(negated.length).toBeGreaterThan(5);
    expect(negated.filter(({ calls }) => calls.length > 0)).toEqual([]);
  });

  it("have no wording of a test of a person's own, which takes the place of the test split", () => {
    const [own, ...rest] = home.examples.filter(({ calls }) => calls.length === 1);
    const held = [own!, ...rest.slice(0, 9)];
    const left = synthesise(home, { seed: 3, size: 800, testShare: 0, held });
    const requests = new Set(held.map(({ request }) => request.toLowerCase()));
    expect(left.test).toEqual([]);
    expect(left.train).toHaveLength(800);
    expect([...left.train, ...left.dev].filter(({ request }) => requests.has(request.toLowerCase()))).toEqual(
      [],
    );
  });

  it('are more of what is focused on', () => {
    const focused = synthesise(home, { seed: 3, size: 1500, focus: { kinds: { hard: 5 } } });
    const hard = (cases: readonly Case[]): number => cases.filter(({ kind }) => kind === 'hard').length;
    expect(hard(focused.train)).toBeGreaterThan(2 * hard(made.train));
  });
});

describe('cases of other functions', () => {
  it('are made of names and descriptions where there is no example', () => {
    const tool: Tool = {
      name: 'rotate_antenna',
      description: 'Rotate the antenna to a bearing',
      parameters: object({ bearing: { type: 'integer', minimum: 0, maximum: 359 } }, ['bearing']),
    };
    const { train, notes } = synthesise(projectOf([tool], []), { seed: 1, size: 60 });
    const singles = train.filter(({ kind }) => kind === 'single');
    expect(singles.length).toBeGreaterThan(10);
    expect(singles.some(({ request }) => /rotate (the )?antenna/i.test(request))).toBe(true);
    expect(notes.map(({ where }) => where)).toContain('rotate_antenna');
  });

  it.each([
    ['tv_power', 'Turn the television on or off', /\b(tv|television)\b/i],
    ['ac_power', 'Turn the AC on or off', /\bac\b/i],
  ])('never refuse what a function does, such as %s', (name, description, words) => {
    const tv: Tool = { name, description, parameters: object({ on: { type: 'boolean' } }, ['on']) };
    const { train } = synthesise(projectOf([tv], []), { seed: 1, size: 500, irrelevantShare: 0.5 });
    const refused = train.filter(({ kind }) => kind === 'irrelevant');
    expect(refused.length).toBeGreaterThan(50);
    expect(refused.filter(({ request }) => words.test(request))).toEqual([]);
  });

  it('ask for what is missing by name', () => {
    const { train } = synthesise(projectOf([LAMP, TIMER], []), { seed: 1, size: 300, missingShare: 0.4 });
    const replies = new Set(train.filter(({ kind }) => kind === 'missing').map(({ reply }) => reply));
    expect([...replies].every((reply) => /room|long|on or off/i.test(reply))).toBe(true);
    expect(replies.size).toBeGreaterThan(1);
  });

  it('divide wordings alike in each group and leave a group at least half of its own', () => {
    const items = Array.from({ length: 40 }, (_, i) => ({ id: `w${i}`, group: `g${i % 4}` }));
    const split = divide(items, { dev: 0.1, test: 0.2 }, Rng.seeded(1));
    const count = (name: string): number => [...split.values()].filter((one) => one === name).length;
    expect([count('train'), count('dev'), count('test')]).toEqual([28, 4, 8]);
    expect(divide([{ id: 'only', group: 'g' }], { dev: 0.4, test: 0.4 }, Rng.seeded(1)).get('only')).toBe(
      'train',
    );
  });
});

describe('tinystar synth', () => {
  it('writes the cases, shows some of each kind with counts and the leak check, and keeps what was there', async () => {
    const folder = copyOfHome();
    const first = await runCli(['synth', folder, '--size', '300']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('stands in two splits');
    for (const kind of ['single', 'several', 'irrelevant', 'missing', 'hard'])
      expect(first.stdout).toContain(kind);
    expect(readCases(folder).train).toHaveLength(300);
    const before = readFileSync(join(folder, 'cases', 'train.jsonl'), 'utf8');
    await runCli(['synth', folder, '--size', '300']);
    expect(existsSync(join(folder, 'cases-1'))).toBe(false);
    await runCli(['synth', folder, '--size', '400']);
    expect(readFileSync(join(folder, 'cases-1', 'train.jsonl'), 'utf8')).toBe(before);
    expect(readCases(folder).train).toHaveLength(400);
  });
});
