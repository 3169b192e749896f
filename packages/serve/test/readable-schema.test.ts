/** Schemas that contradict themselves, as tools in the wild do. */
import { expect, test } from 'vitest';
import { readable } from '../src/readable-schema.ts';

test('values to choose from are read as those of the type that they are given for', () => {
  expect(readable({ type: 'integer', enum: ['1', '2', '2', 'x', '1.5'] })).toEqual({
    type: 'integer',
    enum: [1, 2],
  });
  expect(readable({ type: 'number', enum: ['0.5'] })).toEqual({ type: 'number', enum: [0.5] });
  expect(readable({ type: 'string', enum: [1, true] })).toEqual({ type: 'string', enum: ['1', 'true'] });
  expect(readable({ type: ['boolean', 'null'], enum: ['True', 'false'] })).toEqual({
    type: ['boolean', 'null'],
    enum: [true, false],
  });
});

test('values that say nothing of their type are no choice', () => {
  expect(readable({ type: 'integer', enum: ['low', 'high'] })).toEqual({ type: 'integer' });
});

test('a schema with one value that fits is left as it is, wherever it stands', () => {
  const schema = {
    type: 'object',
    properties: { enum: { type: 'integer', enum: ['1', 2] }, list: { items: { enum: ['a'] } } },
  };
  expect(readable(schema)).toEqual(schema);
  const inside = { anyOf: [{ type: 'array', items: { type: 'integer', enum: ['7'] } }] };
  expect(readable(inside)).toEqual({ anyOf: [{ type: 'array', items: { type: 'integer', enum: [7] } }] });
});
