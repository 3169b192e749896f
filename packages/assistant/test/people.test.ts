/** People's requests under other names, and the vocabulary that grows with them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readPhrases } from '../../../src/base/phrases.ts';
import { extendVocabulary } from '../../../src/chat/bpe-trainer.ts';
import { readTokenizer } from '../../../src/chat/tokenizer-source.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { fromJson } from '../../../src/json/python.ts';
import { JsonSchema } from '../../../src/json/schema.ts';
import { NO_FUNCTION, peopleGroup, readSets } from '../src/index.ts';
import { spokenInteger, spokenTime } from '../src/people/values.ts';

const folder = mkdtempSync(join(tmpdir(), 'people-'));
afterAll(() => rmSync(folder, { recursive: true }));

const REQUESTS = [
  { request: 'wake me at seven am', calls: [{ name: 'alarm_set', arguments: { time: 'seven am' } }] },
  { request: 'alarm for 6:30 pm please', calls: [{ name: 'alarm_set', arguments: { time: '6:30 pm' } }] },
  { request: 'set an alarm', calls: [{ name: 'alarm_set', arguments: {} }] },
  {
    request: 'make it red in the den',
    calls: [{ name: 'iot_hue_lightchange', arguments: { color_type: 'red', house_place: 'den' } }],
  },
  { request: 'blue light', calls: [{ name: 'iot_hue_lightchange', arguments: { color_type: 'blue' } }] },
  { request: 'you are great', calls: [] },
];
const functionOf = (name: string, ...parameters: string[]) => ({
  name,
  description: name,
  parameters: {
    type: 'object',
    properties: Object.fromEntries(parameters.map((key) => [key, { type: 'string' }])),
  },
});
mkdirSync(join(folder, 'home'));
writeFileSync(
  join(folder, 'home', 'functions.json'),
  JSON.stringify([
    functionOf('alarm_set', 'time'),
    functionOf('iot_hue_lightchange', 'color_type', 'house_place'),
  ]),
);
// Each twice, as values that come but once are not offered to choose from.
writeFileSync(
  join(folder, 'home', 'train.jsonl'),
  [...REQUESTS, ...REQUESTS].map((line) => `${JSON.stringify(line)}\n`).join(''),
);

const sets = readSets(folder);
const groups = Array.from({ length: 60 }, (_, i) => peopleGroup(sets, 1, i, 8));
const dialogues = groups.flat();

describe('a group of requests', () => {
  it('is the same each time it is made', () => {
    expect(peopleGroup(sets, 1, 3, 8)).toEqual(groups[3]);
    expect(peopleGroup(sets, 2, 3, 8)).not.toEqual(groups[3]);
  });

  it('calls only functions that are shown, with arguments that their schemas allow', () => {
    for (const { tools, messages } of dialogues) {
      for (const { name, arguments: given } of messages[1]?.toolCalls ?? []) {
        const tool = tools.find((one) => one.name === name);
        expect(tool).toBeDefined();
        const fault = new JsonSchema(tool!.parameters).fault(fromJson(given));
        expect(fault).toBeUndefined();
      }
    }
  });

  it('shows functions under their own and under other names', () => {
    const names = new Set(dialogues.flatMap(({ tools }) => tools.map(({ name }) => name)));
    expect(names).toContain('alarm_set');
    expect(names).toContain('wake_me');
  });

  it('asks for what is needed and not said, and answers what no function does in words', () => {
    const answers = new Map(dialogues.map(({ messages, category }) => [messages[1]?.content, category]));
    expect(answers.get(NO_FUNCTION)).toBe('irrelevant');
    expect(
      [...answers].some(
        ([text, category]) => category === 'missing' && (text ?? '').startsWith('Please tell me the '),
      ),
    ).toBe(true);
    const idle = dialogues.filter(({ messages }) => messages[0]?.content === 'you are great');
    expect(idle.length).toBeGreaterThan(5);
    expect(idle.every(({ category }) => category === 'irrelevant')).toBe(true);
  });

  it('asks for two things in one sentence', () => {
    const several = dialogues.filter(({ category }) => category === 'several');
    expect(several.length).toBeGreaterThan(5);
    expect(several.every(({ messages }) => messages[1]?.toolCalls?.length === 2)).toBe(true);
  });

  it('needs a folder with requests', () => {
    expect(() => readSets(join(folder, 'home'))).toThrow(/has no set of requests; put folders/);
  });
});

describe('values as people say them', () => {
  it.each([
    ['seven', 7],
    ['7', 7],
    ['twenty five', 25],
    ['ninety-nine', 99],
    ['seven eight', undefined],
    ['a few', undefined],
    ['twenty five hundred', undefined],
  ])('%s is %s', (said, value) => expect(spokenInteger(said)).toBe(value));

  it.each([
    ['seven am', '07:00'],
    ['12 a.m.', '00:00'],
    ['12:15 pm', '12:15'],
    ['five thirty in the evening', '17:30'],
    ['seven', undefined],
    ['twenty am', undefined],
  ])('%s is %s o’clock', (said, value) => expect(spokenTime(said)).toBe(value));
});

describe('a vocabulary that grows', () => {
  const base = join(import.meta.dirname, '../../../bases/student');
  const phrases = readPhrases(
    new URL('../src/people/group.ts', import.meta.url).href,
    'scaffold',
    z.array(z.string()),
  );
  const known = Tokenizer.load(base);
  const texts = dialogues.map(({ messages }) => messages[0]?.content ?? '');
  const size = known.vocabSize + phrases.length + 3;
  const grown = extendVocabulary(readTokenizer(base), texts, { size, phrases });

  it('keeps the tokens that it had, and joins those of words that come often', () => {
    expect(grown.vocabSize).toBe(size);
    for (let id = 0; id < known.vocabSize; id++) expect(grown.decode([id])).toBe(known.decode([id]));
    const word = 'alarm for seven please';
    expect(grown.decode(grown.encode(word))).toBe(word);
    expect(grown.encode(texts.join(' ')).length).toBeLessThan(known.encode(texts.join(' ')).length);
  });

  /** Tokens found as llama.cpp finds them: one after the other, the longest first, wherever they stand. */
  const longestFirst = (text: string): string[] => {
    let parts = [{ text, isToken: false }];
    for (const phrase of phrases.toSorted((a, b) => b.length - a.length))
      parts = parts.flatMap((part) =>
        part.isToken
          ? [part]
          : part.text
              .split(phrase)
              .flatMap((rest, i) => [
                ...(i > 0 ? [{ text: phrase, isToken: true }] : []),
                { text: rest, isToken: false },
              ]),
      );
    return parts.filter((part) => part.text !== '').map((part) => part.text);
  };

  it('cuts definitions and calls as llama.cpp does, which looks for the longest token first', () => {
    const written = dialogues.flatMap(({ tools, messages }) => [
      ...tools.map((tool) => `\n${JSON.stringify(tool)}`),
      ...(messages[1]?.toolCalls ?? []).map((call) => `\n${JSON.stringify(call)}\n`),
    ]);
    const spaced = [...new Set(written)].map((text) => text.replaceAll('":', '": ').replaceAll(',"', ', "'));
    expect(spaced.length).toBeGreaterThan(100);
    for (const text of spaced) {
      const pieces = longestFirst(text).flatMap((part) => [...grown.encode(part)]);
      expect([...grown.encode(text)]).toEqual(pieces);
    }
  });
});
