/** Functions in their normal form: what schemas of all kinds become, and what is told of them. */
import { expect, test } from 'vitest';
import { fromJson } from '../../../src/json/python.ts';
import type { JsonObject, JsonValue } from '../../../src/json/value.ts';
import { functionsOfJson } from '../src/tools/functions.ts';

/** The normal form of parameters with these properties, all of them required. */
function read(properties: JsonObject, more: JsonObject = {}): { properties: JsonObject; notes: string[] } {
  const parameters = { type: 'object', properties, required: Object.keys(properties), ...more };
  const { functions, notes } = functionsOfJson(fromJson([{ name: 'f', description: 'd', parameters }]), 'x');
  const [{ parameters: { properties: found = {} } = {} } = {}] = functions as { parameters?: JsonObject }[];
  return { properties: found as JsonObject, notes: notes.map(({ where, text }) => `${where} ${text}`) };
}

function faultOf(value: JsonValue): string {
  try {
    functionsOfJson(fromJson(value), 'functions.json');
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return '';
}

test.each<[string, JsonObject, JsonObject, JsonObject?]>([
  [
    'a reference is written out',
    { a: { $ref: '#/$defs/C' } },
    { a: { type: 'string', enum: ['x'] } },
    { $defs: { C: { enum: ['x'] } } },
  ],
  [
    'words beside a reference count',
    { a: { $ref: '#/definitions/C', description: 'own' } },
    { a: { type: 'string', description: 'own' } },
    { definitions: { C: { type: 'string', description: 'shared' } } },
  ],
  [
    'parts of allOf are joined',
    {
      a: {
        allOf: [
          { type: 'integer', minimum: 1 },
          { minimum: 3, maximum: 9 },
        ],
      },
    },
    { a: { type: 'integer', minimum: 3, maximum: 9 } },
  ],
  ['a constant is a list of one', { a: { const: 'x' } }, { a: { type: 'string', enum: ['x'] } }],
  [
    'alternatives that are words are one list',
    {
      a: {
        oneOf: [
          { const: 'on', title: 'Lights' },
          { const: 'off', description: 'Dark' },
        ],
      },
    },
    { a: { type: 'string', enum: ['on', 'off'], description: 'on: Lights; off: Dark' } },
  ],
  ['whole and other numbers are numbers', { a: { type: ['integer', 'number'] } }, { a: { type: 'number' } }],
  [
    'a needed value may be null',
    { a: { type: ['string', 'null'], maxLength: 3 } },
    { a: { anyOf: [{ type: 'string', maxLength: 3 }, { type: 'null' }] } },
  ],
  ['a list of numbers is one', { a: { enum: [1, 2, 3] } }, { a: { type: 'integer', enum: [1, 2, 3] } }],
  [
    "OpenAPI's limits beside exclusiveMinimum are outside",
    { a: { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 5 } },
    { a: { type: 'number', maximum: 5, exclusiveMinimum: 0 } },
  ],
  [
    'objects in lists stay',
    { a: { type: 'array', items: { type: 'object', properties: { b: { type: 'boolean' } } } } },
    { a: { type: 'array', items: { type: 'object', properties: { b: { type: 'boolean' } } } } },
  ],
  [
    'text with a form keeps it',
    { a: { type: 'string', format: 'date' }, b: { type: 'string', pattern: '^x+$' } },
    { a: { type: 'string', format: 'date' }, b: { type: 'string', pattern: '^x+$' } },
  ],
  [
    'a type is that of the values',
    { a: { type: 'integer', enum: ['1', '2'] } },
    { a: { type: 'integer', enum: [1, 2] } },
  ],
  [
    'a union that is one is none',
    { a: { anyOf: [{ type: 'string' }, { type: 'string', enum: ['x'] }] } },
    { a: { type: 'string' } },
  ],
  [
    "Python's names of types are JSON Schema's",
    { a: { type: 'List[int]' } },
    { a: { type: 'array', items: { type: 'integer' } } },
  ],
])('%s', (_, properties, expected, more) => {
  expect(read(properties, more).properties).toEqual(expected);
});

test('an argument that may be left out is not null', () => {
  const { properties } = read(
    {
      a: { type: ['string', 'null'] },
      b: { anyOf: [{ type: 'integer' }, { type: 'null' }], default: null },
      c: { type: 'null' },
      d: { enum: ['x', null] },
    },
    { required: [] },
  );
  expect(properties).toEqual({
    a: { type: 'string' },
    b: { type: 'integer' },
    d: { type: 'string', enum: ['x'] },
  });
});

test('a schema that refers to itself ends, and this is told', () => {
  const { properties, notes } = read(
    { tree: { $ref: '#/$defs/Node' } },
    {
      $defs: {
        Node: {
          type: 'object',
          properties: {
            name: { type: 'string' },
            children: { type: 'array', items: { $ref: '#/$defs/Node' } },
          },
          required: ['name', 'children'],
        },
      },
    },
  );
  const leaf = { type: 'array', maxItems: 0 };
  const node = (children: JsonObject): JsonObject => ({
    type: 'object',
    properties: { name: { type: 'string' }, children },
    required: ['name', 'children'],
  });
  expect(properties).toEqual({ tree: node({ type: 'array', items: node(leaf) }) });
  expect(notes.join()).toContain('f.tree.children[].children[] refers back to itself');
});

test('a function that can never be called is a fault, and so is a reference that leads nowhere', () => {
  const looped = {
    type: 'object',
    properties: { next: { $ref: '#' } },
    required: ['next'],
  };
  const lost = { type: 'object', properties: { a: { $ref: '#/$defs/Room' } } };
  expect(
    faultOf([
      { name: 'f', parameters: looped },
      { name: 'g', parameters: lost },
    ]),
  ).toBe(
    'functions.json has 2 faults:\n' +
      '  functions.json: f can never be called, as an argument that it needs has no value that ends; make it optional.\n' +
      '  functions.json: g.a refers to #/$defs/Room, which is not there; add it, or write the schema out.',
  );
});

test('all faults of a list are told at once', () => {
  expect(faultOf([{ name: 'a' }, 5, { description: 'nameless' }, { name: 'a' }])).toBe(
    'functions.json has 3 faults:\n' +
      '  functions.json: Tool 2 is a number, not an object; correct it.\n' +
      '  functions.json: Tool 3 has no name; correct it.\n' +
      '  functions.json: 2 functions are called a (numbers 1, 2); give each a name of its own.',
  );
});

test.each([
  ['an empty list', []],
  ['an empty object', {}],
  ['a list under its key', { tools: [] }],
])('%s holds no function, and this is told', (_, value) => {
  expect(faultOf(value)).toContain('functions.json holds no function; give at least one');
});

test('a function without parameters is one, whichever way it says so', () => {
  const { functions } = functionsOfJson(
    fromJson([
      { name: 'a', description: 'A' },
      { name: 'b', description: 'B', parameters: null },
      { name: 'c', description: 'C', parameters: {} },
      { name: 'd', description: 'D', input_schema: { type: 'object' } },
    ]),
    'x',
  );
  const none = { type: 'object', properties: {}, required: [] };
  expect(functions.map(({ parameters }) => parameters)).toEqual([none, none, none, none]);
});

test('descriptions of a megabyte are cut at a sentence, and this is told', () => {
  const long = `Turns it on. ${'More words follow here. '.repeat(50_000)}`;
  const { functions, notes } = functionsOfJson(fromJson([{ name: 'f', description: long }]), 'x');
  expect(functions[0]?.description).toMatch(
    /^Turns it on\. (More words follow here\. )+More words follow here\.$/,
  );
  expect(functions[0]?.description.length).toBeLessThanOrEqual(500);
  expect(notes.map(({ text }) => text).join()).toContain('has a description of 1200012 characters');
});

test('two hundred functions are read, and it is told that they are many', () => {
  const many = Array.from({ length: 200 }, (_, i) => ({ name: `f${i}`, description: `does ${i}` }));
  const { functions, notes } = functionsOfJson(fromJson(many), 'functions.json');
  expect(functions).toHaveLength(200);
  expect(notes[0]?.text).toContain('holds 200 functions');
});

test.each<[string, JsonObject, string]>([
  ['objects without fields', { type: 'object' }, 'takes any object'],
  ['values without a type', {}, 'takes any value'],
  ['fields of any name', { type: 'object', additionalProperties: { type: 'number' } }, 'fields of any name'],
  ['text or a number', { type: ['string', 'number'] }, 'takes string or number'],
  [
    'kinds of objects',
    {
      anyOf: [
        { type: 'object', properties: { a: {} } },
        { type: 'object', properties: { b: {} } },
      ],
    },
    'takes one of 2 kinds of objects',
  ],
  ['files', { type: 'string', format: 'binary' }, 'wants the contents of a file'],
  ['conditions', { type: 'object', properties: { a: {} }, if: {} }, 'has the condition "if"'],
  ['a pattern of another language', { type: 'string', pattern: '(?P<a>x)' }, 'JavaScript cannot read'],
  ['tuples', { type: 'array', prefixItems: [{ type: 'number' }] }, 'places mean different things'],
  ['unknown types', { type: 'date' }, 'of type "date"'],
])('what a tiny model cannot learn is told by name: %s', (_, schema, text) => {
  const { notes } = read({ a: schema });
  expect(notes.some((note) => note.startsWith('f') && note.includes(text))).toBe(true);
});

test('the normal form is its own', () => {
  const parameters = {
    type: 'object',
    properties: {
      a: { oneOf: [{ type: 'string' }, { type: 'integer', minimum: 2 }], description: 'a or b' },
      b: { anyOf: [{ $ref: '#/$defs/B' }, { type: 'null' }] },
      c: { type: 'array', items: { type: ['number', 'null'] } },
    },
    required: ['a', 'b'],
    $defs: { B: { type: 'object', properties: { x: { const: 1 } }, additionalProperties: false } },
  };
  const once = functionsOfJson(fromJson([{ name: 'f', description: 'd', parameters }]), 'x').functions;
  const twice = functionsOfJson(fromJson(JSON.parse(JSON.stringify(once)) as JsonValue), 'x').functions;
  expect(twice).toEqual(once);
});

test('schemas that refer to one another in all directions stay small, and this is told once', () => {
  const names = 'A B C D E F G H'.split(' ');
  const all = Object.fromEntries(names.map((name) => [name.toLowerCase(), { $ref: `#/$defs/${name}` }]));
  const $defs = Object.fromEntries(names.map((name) => [name, { type: 'object', properties: all }]));
  const { properties, notes } = read({ x: { $ref: '#/$defs/A' } }, { $defs });
  expect(JSON.stringify(properties).length).toBeLessThan(20_000);
  expect(notes.filter((note) => note.includes('refers back to itself'))).toHaveLength(1);
});

test('parameters of another type than object are a fault', () => {
  expect(faultOf([{ name: 'a', parameters: { type: 'string' } }])).toBe(
    'functions.json: the parameters of a are of type "string"; they must be an object.',
  );
});

test("a tool's own examples say how its texts look", () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } };
  const tool = {
    name: 'f',
    description: 'd',
    parameters,
    input_examples: [{ city: 'Oslo', days: 2 }, { city: 'Rome' }],
  };
  const [found] = functionsOfJson(fromJson([tool]), 'x').functions;
  expect(found?.parameters['properties']).toEqual({
    city: { type: 'string', examples: ['Oslo', 'Rome'] },
    days: { type: 'integer' },
  });
});
