/** Schemas of a user's own tools: what is wrong with a value, and with a schema. */
import { expect, test } from 'vitest';
import { argumentCheck } from '../../packages/environments/src/arguments.ts';
import type { JsonObject } from '../../src/json/value.ts';

const check = (parameters: JsonObject, given: JsonObject): string | undefined =>
  argumentCheck({ name: 'f', description: '', parameters })(given);

const properties: JsonObject = {
  by: { type: 'integer' },
  unit: { enum: ['km', 'mi'] },
  legs: { type: 'array', items: { $ref: '#/$defs/leg' } },
  note: { type: ['string', 'null'] },
  size: { anyOf: [{ type: 'number' }, { type: 'string' }] },
};
const schema: JsonObject = {
  type: 'object',
  properties,
  required: ['by'],
  $defs: { leg: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] } },
};

test.each<[JsonObject, string | undefined]>([
  [{ by: 1, unit: 'km', legs: [{ a: 'x' }], note: null, size: 1.5 }, undefined],
  [{}, 'f needs the argument by'],
  [{ by: 1.5 }, 'by of f must be of type integer'],
  [{ by: 1, bye: 2 }, 'f has no argument bye'],
  [{ by: 1, unit: 'yd' }, 'unit of f must be one of "km","mi"'],
  [{ by: 1, legs: [{ a: 'x' }, {}] }, 'f needs the argument legs[1].a'],
  [{ by: 1, legs: [{ a: 5 }] }, 'legs[0].a of f must be of type string'],
  [{ by: 1, note: 2 }, 'note of f must be of type string or null'],
  [{ by: 1, size: true }, 'size of f: Instance does not match any subschemas.'],
])('of %j it is said: %s', (given, said) => {
  expect(check(schema, given)).toBe(said);
});

test('an argument that is not named is refused unless the schema says otherwise', () => {
  expect(check({ type: 'object' }, { a: 1 })).toBe('f has no argument a');
  expect(check({ type: 'object', additionalProperties: true }, { a: 1 })).toBeUndefined();
});

test.each<[JsonObject, string]>([
  [{ type: 'objekt' }, '"objekt" is no type'],
  [{ type: 'object', properties: { a: { type: ['string', 'str'] } } }, '["string", "str"] is no type'],
  [{ anyOf: [{ $ref: '#/$defs/b' }], $defs: { a: {} } }, '#/$defs/b leads nowhere'],
  [{ items: { $ref: 'https://example.com/schema' } }, 'https://example.com/schema leads nowhere'],
])('%j is no schema that can be read', (parameters, why) => {
  expect(() => check(parameters, {})).toThrow(
    `The parameters of the tool f are no JSON Schema that can be read (${why}); correct them.`,
  );
});
