import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { categoriesNamed } from '../../src/bfcl/categories.ts';
import { type Entry, readEntries } from '../../src/bfcl/entries.ts';
import { categoriesIn } from '../../src/bfcl/evaluation.ts';
import { lacksLongContext } from '../../src/bfcl/long-context-file.ts';
import { judge } from '../../src/bfcl/verdicts.ts';
import { sampleEntries } from '../../src/benchmark.ts';
import { parseJson } from '../../../../src/json/parse.ts';
import { fromJson, type PyDict, type PyValue } from '../../../../src/json/python.ts';
import { pyRepr } from '../../../../src/json/repr.ts';
import type { JsonValue } from '../../../../src/json/value.ts';
import { call, makeBfcl } from './made.ts';
import { MADE_CONSTANTS } from './multi-turn/made.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-bfcl-verdicts-'));
const data = join(folder, 'data');
let entries: readonly Entry[] = [];

beforeAll(() => {
  makeBfcl(data);
  const types = {
    java: ['integer', 'HashMap', 'Array', 'ArrayList'],
    javascript: ['dict', 'array', 'String', 'float'],
  };
  for (const [language, [a, b, c, d]] of Object.entries(types)) {
    const items = { items: { type: 'integer' } };
    const properties = {
      a: { type: a },
      b: { type: b, ...items },
      c: { type: c, ...items },
      d: { type: d, ...items },
    };
    const document = {
      name: 'f',
      description: '',
      parameters: { type: 'dict', properties, required: ['a'] },
    };
    const id = `${language}_0`;
    const question = [[{ role: 'user', content: 'Do it.' }]];
    writeFileSync(
      join(data, `BFCL_v3_${language}.json`),
      JSON.stringify({ id, question, function: [document] }),
    );
    const accepted = { a: [3, ''], b: [{ x: [1] }], c: [[1, 2]], d: ['x', ''] };
    writeFileSync(
      join(data, 'possible_answer', `BFCL_v3_${language}.json`),
      JSON.stringify({ id, ground_truth: [{ f: accepted }] }),
    );
  }
  entries = readEntries(data, categoriesIn(data));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Text that is nearly a literal of Java or JavaScript. */
const pieces = [
  ...Array.from('{}[]()<>"\':;, \n'),
  'new ',
  'HashMap<>()',
  'ArrayList<>()',
  'put("x", 1)',
  'add(1)',
  'x: 1',
  '3',
  '2.5',
];
const literal = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(''));
const written = fc.oneof(
  fc.string(),
  fc
    .record({
      name: fc.constantFrom('f', 'set_timer', 'mkdir', 'cd', 'exit', ''),
      args: fc.dictionary(
        fc.constantFrom('a', 'b', 'c', 'd', 'minutes', 'dir_name', '__proto__'),
        fc.oneof(literal, fc.jsonValue()),
      ),
    })
    .map(({ name, args }) => call(name, args)),
);
const response = fc.oneof(
  written,
  fc.array(written, { maxLength: 3 }).map((parts) => parts.join('\n')),
  fc.array(fc.array(written, { maxLength: 3 }), { maxLength: 3 }),
  fc.array(fc.jsonValue(), { maxLength: 3 }),
);

test('whatever a model writes gets a verdict', () => {
  fc.assert(
    fc.property(response, fc.constantFrom('v3', 'head'), (result, rule) => {
      const value = fromJson(result as JsonValue) as string | readonly PyValue[];
      for (const entry of entries) {
        const { id, error } = judge(entry, value, rule);
        expect(id).toBe(entry.id);
        expect(error === null || /^[a-z_]+(?::[a-z_/]+)?$/.test(error)).toBe(true);
      }
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('entries come in the order of the files, with their language’s types', () => {
  expect(entries.map(({ id }) => id)).toEqual([
    'simple_0',
    'simple_1',
    'simple_2',
    'simple_3',
    'java_0',
    'javascript_0',
    'irrelevance_0',
    'irrelevance_1',
    'multi_turn_base_0',
  ]);
});

test('a sample has at most as many entries of each category, in their order', () => {
  const of = { category: (entry: Entry) => entry.category, unit: (entry: Entry) => entry };
  const two = sampleEntries(entries, 2, of);
  expect(two).toHaveLength(2 + 1 + 1 + 2 + 1);
  expect(entries.filter((entry) => two.includes(entry))).toEqual(two);
  expect(sampleEntries(entries, 100, of)).toEqual(entries);
});

test('groups name their categories; the table’s order is kept', () => {
  expect(categoriesNamed(['live', 'simple'])).toEqual([
    'simple',
    'live_simple',
    'live_multiple',
    'live_parallel',
    'live_parallel_multiple',
    'live_irrelevance',
    'live_relevance',
  ]);
  expect(categoriesNamed(['all'])).toHaveLength(17);
});

test('the long context is left out without its constants, and missed where it is asked for', () => {
  const entry = {
    id: 'multi_turn_long_context_0',
    question: [[{ role: 'user', content: 'Go.' }]],
    initial_config: {},
    involved_classes: ['GorillaFileSystem'],
  };
  writeFileSync(join(data, 'BFCL_v3_multi_turn_long_context.json'), JSON.stringify(entry));
  const answer = { id: entry.id, ground_truth: [["mkdir(dir_name='a')"]] };
  writeFileSync(
    join(data, 'possible_answer', 'BFCL_v3_multi_turn_long_context.json'),
    JSON.stringify(answer),
  );
  expect(categoriesIn(data)).not.toContain('multi_turn_long_context');
  expect(lacksLongContext(data)).toBe(true);
  expect(() => readEntries(data, ['multi_turn_long_context'])).toThrow(
    /needs the benchmark's long-context constants/,
  );

  // Places: where the official repository has them, and beside the data.
  const program = join(data, '..', 'eval_checker', 'multi_turn_eval', 'func_source_code');
  const constants = parseJson(MADE_CONSTANTS) as PyDict;
  const module = [...constants].map(([name, value]) => `${name} = ${pyRepr(value)}`).join('\n');
  mkdirSync(program, { recursive: true });
  writeFileSync(join(program, 'long_context.py'), `${module}\n`);
  expect(categoriesIn(data)).toContain('multi_turn_long_context');
  const [long] = readEntries(data, ['multi_turn_long_context']);
  expect(long?.kind === 'multi' && long.simulated.longContext?.text('FILE_CONTENT_EXTENSION')).toBe(
    ' And so on.',
  );
  writeFileSync(join(data, 'long_context.py'), module.replace('MA_5_EXTENSION', 'MA_6_EXTENSION'));
  expect(() => readEntries(data, ['multi_turn_long_context'])).toThrow(
    /long_context.py has no list named MA_5_EXTENSION/,
  );
  writeFileSync(join(data, 'long_context.json'), MADE_CONSTANTS);
  expect(readEntries(data, ['multi_turn_long_context'])).toHaveLength(1);
});

test.each([
  ['{"id": "simple_0"', 'Line 1 of DATA/BFCL_v3_simple.json is no JSON object'],
  ['{"id": 3}', 'Line 1 of DATA/BFCL_v3_simple.json has no text "id"'],
  ['{"id": "simple_9"}', 'Line 1 of DATA/BFCL_v3_simple.json has no answer in possible_answer'],
  ['{"id": "simple_0"}', 'Line 1 of DATA/BFCL_v3_simple.json has no list "question"'],
  [
    '{"id": "simple_0", "question": [[{"role": "user"}]]}',
    'has a message without a known role or without text',
  ],
])('data that are not as they should be are told: %s', (line, message) => {
  const broken = mkdtempSync(join(folder, 'broken-'));
  rmSync(broken, { recursive: true });
  makeBfcl(broken);
  writeFileSync(join(broken, 'BFCL_v3_simple.json'), line);
  expect(() => readEntries(broken, ['simple'])).toThrow(message.replace('DATA', broken));
});
