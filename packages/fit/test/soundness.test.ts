/** Normal form against an independent validator and against nonsense. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromJson } from '../../../src/json/python.ts';
import type { JsonObject, JsonValue } from '../../../src/json/value.ts';
import { UserError } from '../../../src/base/errors.ts';
import { CallCheck } from '../src/calls.ts';
import { functionsOfJson } from '../src/tools/functions.ts';

const text = fc.constantFrom('a', 'b', 'cc', '1');
const number = fc.constantFrom(-1, 0, 1, 2, 2.5, 7);
const scalar = fc.oneof(text, number, fc.boolean());

const leaf: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constant({ type: 'string' }),
  fc.record({ type: fc.constant('string'), minLength: fc.constantFrom(1, 2) }),
  fc.record({ type: fc.constant('string'), enum: fc.uniqueArray(text, { minLength: 1 }) }),
  fc.record({ enum: fc.uniqueArray(fc.oneof(text, number), { minLength: 1 }) }),
  fc.record({ const: scalar }),
  fc.record({ type: fc.constantFrom('integer', 'number'), minimum: fc.constantFrom(0, 1) }),
  fc.record({ type: fc.constantFrom('integer', 'number'), exclusiveMaximum: fc.constantFrom(2, 3) }),
  fc.record({ type: fc.constantFrom(['string', 'integer'], ['number', 'integer'], ['boolean', 'string']) }),
  fc.constant({ type: 'boolean' }),
);

const { schema } = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.constant({ $ref: '#/$defs/A' }),
    fc.record({ allOf: fc.tuple(leaf, leaf) }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ type: fc.constant('array'), items: tie('schema'), maxItems: fc.constantFrom(1, 2) }),
    fc.record({ a: tie('schema'), b: tie('schema') }, { requiredKeys: [] }).chain((properties) =>
      fc.record({
        type: fc.constant('object'),
        properties: fc.constant(properties),
        required: fc.subarray(Object.keys(properties)),
        additionalProperties: fc.constant(false),
      }),
    ),
  ),
}));

const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 2 }),
    fc.record({ a: tie('value'), b: tie('value') }, { requiredKeys: [] }),
  ),
}));

test('what the normal form of any schema takes and refuses, ajv takes and refuses as well', () => {
  const ajv = new Ajv2020({ strict: false });
  let taken = 0;
  const property = fc.property(schema, schema, fc.array(value, { minLength: 20 }), (own, shared, values) => {
    fc.pre(!JSON.stringify(shared).includes('$ref'));
    const parameters: JsonObject = {
      type: 'object',
      properties: { x: own },
      required: ['x'],
      $defs: { A: shared },
    };
    const judge = ajv.compile(parameters);
    let check: CallCheck | undefined;
    try {
      check = new CallCheck(functionsOfJson(fromJson([{ name: 'f', parameters }]), 'x').functions);
    } catch {
      // A schema that no value fits makes a function that can never be called.
    }
    for (const x of values) {
      const isRight = check?.faults({ name: 'f', arguments: { x } }).length === 0;
      if (isRight) taken += 1;
      const text = JSON.stringify(x);
      // A field that can only be an empty list, as no item is possible, is left out where it may be.
      if (!isRight && text.includes('[]')) continue;
      expect([text, isRight]).toEqual([text, judge({ x })]);
    }
  });
  fc.assert(property, { numRuns: 400, seed: 5 });
  expect(taken).toBeGreaterThan(500);
});

/** Words of schemas with values of any kind, right or not. */
const nonsense = fc.letrec<{ any: JsonValue }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5, depthSize: 'medium' },
    fc.constantFrom<JsonValue>(null, true, false, 0, -1.5, '', 'string', 'object', '#', '#/$defs/A', '['),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        ...'type properties required items anyOf oneOf allOf $ref $defs A enum const nullable minimum'.split(
          ' ',
        ),
        ...'exclusiveMinimum pattern format additionalProperties description title default not if'.split(' '),
        ...'name parameters function prefixItems examples __proto__'.split(' '),
      ),
      tie('any'),
      { maxKeys: 4 },
    ),
  ),
})).any;

test('nonsense is read as functions, or refused in a sentence; calls of those can be checked', () => {
  let read = 0;
  const property = fc.property(nonsense, nonsense, (parameters, given) => {
    try {
      const tools = [{ name: 'f', description: 'd', parameters }];
      const { functions } = functionsOfJson(fromJson(tools), 'x');
      const call = { name: 'f', arguments: { a: given, type: given } };
      expect(
        new CallCheck(functions).faults(call).every((fault) => fault.endsWith('.') || fault.endsWith('?')),
      ).toBe(true);
      expect(functionsOfJson(fromJson(functions as unknown as JsonValue), 'x').functions).toEqual(functions);
      read += 1;
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
    }
  });
  fc.assert(property, { numRuns: 1500, seed: 3 });
  expect(read).toBeGreaterThan(100);
});
