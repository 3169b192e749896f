/** Parameters as JSON Schema: nothing of a schema is lost. */
import { describe, expect, it } from 'vitest';
import { withJsonSchema } from '../../src/json/schema-dialects.ts';
import { parseJson } from '../../src/json/parse.ts';
import { isDict, toJson } from '../../src/json/python.ts';

function converted(parameters: string): unknown {
  const tool = parseJson(`{"name": "f", "parameters": ${parameters}}`);
  return toJson((isDict(tool) ? withJsonSchema(tool).get('parameters') : null) ?? null);
}

describe('withJsonSchema', () => {
  it('keeps every key of a schema', () => {
    const whole = {
      type: 'object',
      properties: {
        colour: { $ref: '#/$defs/Colour' },
        size: {
          type: ['integer', 'null'],
          enum: [1, 2, null],
          nullable: true,
          examples: [1],
          'x-unit': 'cm',
        },
        when: { anyOf: [{ type: 'string', format: 'date' }, { type: 'integer' }], default: 'now' },
        kind: { const: 'paint' },
        tags: { type: 'array', items: { type: 'string', minLength: 1 }, prefixItems: [{ type: 'string' }] },
        more: { type: 'object', additionalProperties: { type: 'number' }, patternProperties: { '^x': true } },
      },
      required: ['colour'],
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Paint',
      $defs: { Colour: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
      definitions: { Old: { oneOf: [{ type: 'string' }, { not: { type: 'null' } }] } },
      additionalProperties: false,
      dependentRequired: { size: ['kind'] },
      if: { properties: { kind: { const: 'x' } } },
      else: { required: ['size'] },
    };
    expect(converted(JSON.stringify(whole))).toEqual(whole);
  });

  it('keeps schemas without properties, which are no tables of arguments', () => {
    const properties = { type: 'object', properties: {}, required: [] };
    expect(converted('{"type": "object", "additionalProperties": {"type": "string"}}')).toEqual({
      ...properties,
      additionalProperties: { type: 'string' },
    });
    expect(converted('{"$ref": "#/$defs/X", "$defs": {"X": {"type": "object"}}}')).toEqual({
      ...properties,
      $ref: '#/$defs/X',
      $defs: { X: { type: 'object' } },
    });
  });

  it('moves `required: true` of a property into the list, at every depth, and drops `required: false`', () => {
    const inner =
      '{"type": "dict", "properties": {"a": {"type": "str", "required": true}, "b": {"required": false}}}';
    const object = { type: 'object', properties: { a: { type: 'string' }, b: {} }, required: ['a'] };
    const given = `{"type": "object", "properties": {"one": ${inner}, "many": {"type": "list", "items": ${inner}},
      "either": {"anyOf": [${inner}, {"type": "null"}], "required": true}}, "required": ["one"],
      "$defs": {"D": ${inner}}}`;
    expect(converted(given)).toEqual({
      type: 'object',
      properties: {
        one: object,
        many: { type: 'array', items: object },
        either: { anyOf: [object, { type: 'null' }] },
      },
      required: ['one', 'either'],
      $defs: { D: object },
    });
  });

  it('takes the word of a table of arguments on what is required', () => {
    const table = `{"a": {"type": "int"}, "b": {"type": "int, optional"}, "c": {"type": "int", "default": 5},
      "d": {"type": "int", "required": false}, "e": {"type": "int", "default": 5, "required": true}}`;
    expect(converted(table)).toMatchObject({ type: 'object', required: ['a', 'e'] });
  });

  it('leaves properties alone whose names are those of keywords', () => {
    const properties = {
      items: { type: 'string' },
      required: { type: 'boolean' },
      $defs: { type: 'string' },
    };
    expect(converted(JSON.stringify({ type: 'object', properties, required: ['required'] }))).toEqual({
      type: 'object',
      properties,
      required: ['required'],
    });
  });
});
