/** Texts that states allow, against an independent JSON reader and an independent validator. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UserError } from '../../../src/base/errors.ts';
import { Rng } from '../../../src/base/rng.ts';
import { END, type State } from '../src/state.ts';
import { someWords, wordsOf } from '../src/strings.ts';
import { value } from '../src/values.ts';
import type { JsonObject } from '../../../src/json/value.ts';

/** Tells whether bytes may be written and end there. */
function takes(state: State, text: string): boolean {
  let at: State | undefined = state;
  for (const byte of Buffer.from(text)) at = at?.after(byte);
  return at?.isEnd ?? false;
}

/** A text that a random walk writes; longer walks go where fewer bytes are left to choose from. */
function walk(start: State, rng: Rng): string {
  const bytes: number[] = [];
  let state = start;
  while (bytes.length < 4000) {
    const open = Array.from({ length: 256 }, (_, byte) => byte).filter(
      (byte) => state.after(byte) !== undefined,
    );
    if (state.isEnd && (open.length === 0 || rng.chance(0.5))) return Buffer.from(bytes).toString('utf8');
    if (open.length === 0) throw new Error(`dead end behind ${Buffer.from(bytes).toString('utf8')}`);
    const closing = open.filter((byte) => '"}],'.includes(String.fromCharCode(byte)));
    const byte = rng.pick(closing.length > 0 && rng.chance(0.3) ? closing : open);
    bytes.push(byte);
    state = state.after(byte) ?? END;
  }
  throw new Error('a walk without an end');
}

const bound = fc
  .double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true })
  .map((x) => Number(x.toPrecision(4)));
const numbers = fc
  .tuple(fc.constantFrom('integer', 'number'), bound, fc.double({ min: 1, max: 1000, noNaN: true }))
  .chain(([type, low, size]) =>
    fc.constantFrom<JsonObject>(
      { type },
      { type, minimum: low },
      { type, maximum: low },
      { type, minimum: low, maximum: Math.ceil(low + size) + 1 },
      { type, exclusiveMinimum: low, exclusiveMaximum: Math.ceil(low + size) + 2 },
    ),
  );
const leaf: fc.Arbitrary<JsonObject> = fc.oneof(
  numbers,
  fc.constantFrom<JsonObject>(
    { type: 'string' },
    { type: 'string', minLength: 2, maxLength: 3 },
    { type: 'string', enum: ['a', 'ab', 'é"\\'] },
    { enum: [1, 'x', null, { a: [1] }] },
    { const: { deep: [true] } },
    { type: 'boolean' },
    { type: ['null', 'integer'] },
  ),
);
const { schema } = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.constant({ $ref: '#/$defs/A' }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.record({
      type: fc.constant('array'),
      items: tie('schema'),
      minItems: fc.constantFrom(0, 1),
      maxItems: fc.constantFrom(1, 3),
    }),
    fc.record({ type: fc.constant('object'), additionalProperties: leaf }),
    fc
      .record({ a: tie('schema'), b: tie('schema'), 'c d"': tie('schema') }, { requiredKeys: [] })
      .chain((properties) =>
        fc.record({
          type: fc.constant('object'),
          properties: fc.constant(properties),
          required: fc.subarray(Object.keys(properties)),
          additionalProperties: fc.constant(false),
        }),
      ),
  ),
}));

test('whatever is written by a random schema parses, and an independent validator finds it right', () => {
  const ajv = new Ajv2020({ strict: false });
  let written = 0;
  const property = fc.property(schema, leaf, fc.nat(), (own, shared, seed) => {
    const root: JsonObject = { ...own, $defs: { A: shared } };
    const judge = ajv.compile(root);
    const rng = Rng.seeded(seed, 'walk');
    for (let i = 0; i < 5; i++) {
      const text = walk(
        value(root, () => END),
        rng,
      );
      expect([text, judge(JSON.parse(text) as unknown)]).toEqual([text, true]);
      written += 1;
    }
  });
  fc.assert(property, { numRuns: 100, seed: 11 });
  expect(written).toBe(500);
});

test('values that obey a schema are taken as programs write them', () => {
  const root = {
    type: 'object',
    properties: {
      at: { type: 'string' },
      level: { type: 'integer', minimum: 5, maximum: 120 },
      share: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
      tags: { type: 'array', items: { enum: ['x', 'y'] } },
    },
    required: ['level'],
  };
  const state = (): State => value(root, () => END);
  for (const right of [
    { level: 5 },
    { level: 120, at: 'Zürich, 12 “o’clock” \n\u0001' },
    { tags: ['x', 'y'], share: 0.25, level: 64 },
    { share: 1, level: 17, tags: [] },
  ]) {
    expect(takes(state(), JSON.stringify(right))).toBe(true);
    expect(takes(state(), JSON.stringify(right).replaceAll(',"', ', "').replaceAll('":', '": '))).toBe(true);
  }
  for (const wrong of [
    '{}',
    '{"level": 4}',
    '{"level": 121}',
    '{"level": 5.0}',
    '{"level": 05}',
    '{"level": 6, "level": 7}',
    '{"level": 6, "share": 0}',
    '{"level": 6, "share": 1.01}',
    '{"level": 6, "other": 1}',
    '{"level": 6, "tags": ["z"]}',
    '{"level": 6,}',
  ])
    expect([wrong, takes(state(), wrong)]).toEqual([wrong, false]);
});

test('a schema that nothing can be written by is refused in a sentence', () => {
  const endless = {
    type: 'object',
    properties: { x: { $ref: '#/$defs/X' } },
    required: ['x'],
    $defs: { X: { $ref: '#/$defs/X' } },
  };
  const go = (root: JsonObject): string =>
    walk(
      value(root, () => END),
      Rng.seeded(3, 'walk'),
    );
  expect(() => go(endless)).toThrow(UserError);
  expect(() => go({ type: 'integer', minimum: 0.2, maximum: 0.8 })).toThrow(/allows no value/);
  const none = { type: 'object', properties: { x: { $ref: '#/$defs/Y' } }, required: ['x'] };
  expect(() => go(none)).toThrow(/is not in it/);
});

test('words of a request are whole ones, in their order, escaped as JSON has them', () => {
  const words = wordsOf('Play "Déjà vu" by Beyoncé at $5, twice.');
  const state = (): State => someWords(words, () => END);
  const inner = (text: string): string => JSON.stringify(text).slice(1);
  for (const said of [
    'Play',
    'Déjà vu',
    '"Déjà vu"',
    'Beyoncé at $5',
    '$5',
    '5',
    'twice',
    'twice.',
    '5, twice',
  ])
    expect([said, takes(state(), inner(said))]).toEqual([said, true]);
  for (const other of ['Pla', 'lay', 'Déjà v', 'by at', 'play', '', ' by', 'by '])
    expect([other, takes(state(), inner(other))]).toEqual([other, false]);
});

test('keywords and patterns that cannot be held are refused by their name', () => {
  const refusal = (schema: JsonObject): string => {
    try {
      value(schema, () => END);
    } catch (thrown) {
      if (thrown instanceof UserError && thrown.code === 'SCHEMA') return thrown.message;
      throw thrown;
    }
    return '';
  };
  for (const keyword of [
    'if',
    'patternProperties',
    'propertyNames',
    'dependentRequired',
    'contains',
    'prefixItems',
  ])
    expect(refusal({ type: 'object', [keyword]: {} })).toContain(keyword);
  expect(refusal({ pattern: '(?=a)b' })).toContain('a lookahead');
  expect(refusal({ pattern: '(a)\\1' })).toContain('a reference back');
  expect(refusal({ pattern: '\\bword' })).toContain('an edge of a word');
  expect(refusal({ pattern: '(' })).toContain('is no regular expression');
  expect(refusal({ type: 'array', items: { type: 'array' }, uniqueItems: true, minItems: 2 })).toContain(
    'uniqueItems',
  );
  expect(refusal({ type: 'integer', oneOf: [{ minimum: 1 }, { minimum: 2 }] })).toContain('oneOf');
  expect(refusal({ type: 'array', items: { enum: ['a', 'b'] }, uniqueItems: true, minItems: 3 })).toContain(
    'allows no value',
  );
  expect(refusal({ allOf: [{ type: 'string' }, { maxLength: 3 }, { pattern: '^a*$' }] })).toBe('');
});
