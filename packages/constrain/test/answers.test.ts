/** Answers in every format: what grammars let pass, read by the formats' own readers and held against an independent validator. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { Rng } from '../../../src/base/rng.ts';
import { formats } from '../../../src/chat/formats/index.ts';
import type { ToolFormat } from '../../../src/chat/formats/format.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import { answers, type CallRules } from '../src/calls.ts';
import { bytesOf, type State, TAGS, type TextSymbol } from '../src/state.ts';
import { callsOfTurn } from '../../environments/src/turn.ts';
import { fromJson } from '../../../src/json/python.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import { randomText } from '../../../test/fuzz/schemas.ts';

const tools: readonly Tool[] = [
  {
    name: 'book',
    description: 'Books a table.',
    parameters: {
      type: 'object',
      properties: {
        day: { type: 'string', format: 'date' },
        guests: { type: 'integer', minimum: 1, maximum: 12 },
        note: { type: ['string', 'null'], maxLength: 30 },
        tags: { type: 'array', items: { enum: ['quiet', 'window', "cook's"] }, uniqueItems: true },
        place: {
          type: 'object',
          properties: { city: { type: 'string', minLength: 1 }, indoor: { type: 'boolean' } },
          required: ['city'],
        },
        code: { enum: ['1', 2, null, 'A<b>'] },
        free: { pattern: '^[a-z1]+$' },
      },
      required: ['day', 'guests'],
    },
  },
  { name: 'stop', description: 'Stops.', parameters: { type: 'object', properties: {} } },
];

const ALL: readonly ToolFormat[] = Object.values(formats);
/** Formats as they are where a thought needs not come first. */
const start = (format: ToolFormat, rules: Partial<CallRules>, symbols = bytesOf): State =>
  answers({ ...format, thinks: false }, symbols, { tools, ...rules });

function takes(state: State, symbols: readonly TextSymbol[]): boolean {
  let at: State | undefined = state;
  for (const symbol of symbols) at = at?.after(symbol);
  return at?.isEnd ?? false;
}

const read = (text: string, format: ToolFormat): { name: string; given: JsonObject }[] =>
  callsOfTurn(text, { format, prompt: '', tools }).map((call) => {
    if (call.kind !== 'call') throw new Error(`${format.name} cannot read ${text}: ${JSON.stringify(call)}`);
    return call;
  });

const sample: JsonObject = {
  day: '2026-02-28',
  guests: 4,
  note: 'by the "window", it\'s\\ fine',
  tags: ["cook's", 'quiet'],
  place: { city: 'Köln', indoor: true },
  code: 'A<b>',
};

test.each(ALL)('$name: random calls are read to arguments that obey their schemas', (format) => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const judges = new Map(tools.map(({ name, parameters }) => [name, ajv.compile(parameters)]));
  const rng = Rng.seeded(5, format.name);
  let [calls, several] = [0, 0];
  for (let i = 0; i < 20; i++) {
    const text = randomText(start(format, { choice: 'required' }), rng);
    if (text === undefined) continue;
    const found = read(text, format);
    expect([text, found.length > 0]).toEqual([text, true]);
    if (found.length > 1) several += 1;
    for (const { name, given } of found) {
      calls += 1;
      expect([text, given, judges.get(name)?.(given)]).toEqual([text, given, true]);
      expect(JSON.stringify(given['day'] ?? '2000-01-01')).toMatch(/^"\d{4}-\d\d-\d\d"$/);
    }
  }
  expect(calls).toBeGreaterThan(15);
  expect(several).toBeGreaterThan(0);
});

test.each(ALL)('$name: calls as its chat template writes them are let pass, words too', (format) => {
  const book = { name: 'book', arguments: fromJson(sample) };
  const stop = { name: 'stop', arguments: fromJson({}) };
  const texts = [
    format.render('', [book]),
    format.render('', [stop, book]),
    'No table is free; a < b, <tool_c',
    '',
  ];
  for (const text of texts) expect([text, takes(start(format, {}), bytesOf(text))]).toEqual([text, true]);
  for (const wrong of [
    { ...sample, guests: 13 },
    { ...sample, day: '2026-02-29' },
    { ...sample, tags: ['quiet', 'quiet'] },
    { guests: 3 },
  ]) {
    const text = format.render('', [{ ...book, arguments: fromJson(wrong) }]);
    expect([text, takes(start(format, {}), bytesOf(text))]).toEqual([text, false]);
  }
  const unknown = format.render('', [{ name: 'walk', arguments: fromJson({}) }]);
  expect(takes(start(format, {}), bytesOf(unknown))).toBe(false);
});

test.each(ALL)('$name: choices say whether there is a call, of what, and how many', (format) => {
  const [book, stop] = ['book', 'stop'].map((name) => ({
    name,
    arguments: fromJson(name === 'book' ? { day: '2026-02-28', guests: 4 } : {}),
  })) as [{ name: string; arguments: never }, { name: string; arguments: never }];
  const one = bytesOf(format.render('', [stop]));
  const two = bytesOf(format.render('', [stop, book]));
  const words = bytesOf('Good morning.');
  const let_ = (rules: Partial<CallRules>): boolean[] =>
    [words, one, two].map((symbols) => takes(start(format, rules), symbols));
  expect(let_({})).toEqual([true, true, true]);
  expect(let_({ parallel: false })).toEqual([true, true, false]);
  expect(let_({ choice: 'required' })).toEqual([false, true, true]);
  expect(let_({ choice: 'none' })).toEqual([true, false, false]);
  expect(let_({ choice: { name: 'stop' } })).toEqual([false, true, false]);
  expect(let_({ choice: { name: 'book' } })).toEqual([false, false, false]);
  expect(() => start(format, { choice: { name: 'walk' } })).toThrow(/no such function/);
});

test('a call that is due may come behind a thought, and words alone do not end', () => {
  const state = (): State => answers(formats.hermes, bytesOf, { tools, choice: 'required' });
  const call = formats.hermes.render('', [{ name: 'stop', arguments: fromJson({}) }]);
  expect(takes(state(), bytesOf(`<think>\nhm\n</think>\n\n${call}`))).toBe(true);
  expect(takes(state(), bytesOf('<think>\nhm\n</think>\n\n'))).toBe(false);
});

test('tags that are tokens of their own begin a call, and bytes that spell them are no words', () => {
  const [open, close] = [TAGS + 7, TAGS + 8];
  const symbols = (text: string): TextSymbol[] =>
    text
      .split(/(<\/?tool_call>)/)
      .flatMap((part) =>
        part === '<tool_call>' ? [open] : part === '</tool_call>' ? [close] : bytesOf(part),
      );
  const state = (): State => start(formats.hermes, {}, symbols);
  const call = formats.hermes.render('Yes.', [{ name: 'stop', arguments: fromJson({}) }]);
  expect(takes(state(), symbols(call))).toBe(true);
  expect(takes(state(), bytesOf('<tool_call'))).toBe(true);
  expect(takes(state(), bytesOf('<tool_call>'))).toBe(false);
  expect(takes(state(), symbols('</tool_call>'))).toBe(false);
});

test('an answer is one JSON value of a schema, at once or behind a thought, or any object', () => {
  const schema = {
    type: 'object',
    properties: { n: { type: 'integer', multipleOf: 3 } },
    required: ['n'],
  };
  const state = (of: JsonObject, isThinking = false): State =>
    answers(formats.hermes, bytesOf, { tools, response: { schema: of }, isThinking });
  expect(takes(state(schema), bytesOf('{"n": 9}'))).toBe(true);
  expect(takes(state(schema), bytesOf('<think>\n9 {"n": 8} or so</think>\n\n{"n": 9}'))).toBe(true);
  expect(takes(state(schema, true), bytesOf('hm</think>{"n": 9}'))).toBe(true);
  for (const wrong of ['{"n": 8}', 'Nine.', '{"n": 9} ', '<think>{"n": 9}', ''])
    expect([wrong, takes(state(schema), bytesOf(wrong))]).toEqual([wrong, false]);
  const any = { type: 'object', additionalProperties: true };
  expect(takes(state(any), bytesOf('{"a": [1, {"b": null}], "c": "</x>"}'))).toBe(true);
  expect(takes(state(any), bytesOf('[1]'))).toBe(false);
});

test('what a parameter has to avoid to be read back is left out of its values', () => {
  const parameters = {
    type: 'object',
    properties: { x: { type: ['string', 'null'] }, y: { type: 'string' }, z: { enum: ['5', 'five'] } },
  };
  const state = (): State =>
    answers(formats.qwen3_5, bytesOf, { tools: [{ name: 'f', description: '', parameters }] });
  const written = (key: string, value: string): boolean =>
    takes(
      state(),
      bytesOf(
        `<tool_call>\n<function=f>\n<parameter=${key}>\n${value}\n</parameter>\n</function>\n</tool_call>`,
      ),
    );
  expect(written('x', 'next week')).toBe(true);
  expect(written('x', 'None')).toBe(true);
  expect(written('y', 'null')).toBe(true);
  expect(written('y', 'a <parameter=b>')).toBe(false);
  expect(written('z', 'five')).toBe(true);
  expect(written('z', '5')).toBe(false);
});
