/** The rules of comparing calls, one by one, on functions of our own. */
import { describe, expect, test } from 'vitest';
import { type CallPattern, callsOf, checkCalls } from '../../src/bfcl/ast/calls.ts';
import type { LanguageName } from '../../src/bfcl/ast/languages.ts';
import { readJava } from '../../src/bfcl/ast/java.ts';
import { readJavaScript } from '../../src/bfcl/ast/javascript.ts';
import { standardize } from '../../src/bfcl/ast/values.ts';
import { parseJson } from '../../../../src/json/parse.ts';
import type { PyDict, PyValue } from '../../../../src/json/python.ts';

interface Function {
  readonly properties: string;
  readonly required?: readonly string[];
}

function document(name: string, { properties, required = [] }: Function): string {
  const parameters = `{"type": "dict", "properties": ${properties}, "required": ${JSON.stringify(required)}}`;
  return `{"name": "${name}", "parameters": ${parameters}}`;
}

function check(
  pattern: CallPattern,
  documents: readonly string[],
  answers: string,
  calls: string,
  language: LanguageName = 'python',
): string | undefined {
  const made = callsOf(parseJson(calls));
  if (made === undefined) return 'ast_decoder:decoder_wrong_output_format';
  const task = {
    functions: documents.map(parseJson) as PyDict[],
    answers: parseJson(answers) as PyDict[],
    language,
  };
  return checkCalls(pattern, task, made);
}

/** The verdict on one argument `p` of a property, given the accepted values. */
function argument(
  property: string,
  accepted: string,
  value: string,
  language?: LanguageName,
): string | undefined {
  const documents = [document('f', { properties: `{"p": ${property}}` })];
  return check('simple', documents, `[{"f": {"p": ${accepted}}}]`, `[{"f": {"p": ${value}}}]`, language);
}

describe('types', () => {
  test.each([
    ['integer', '[5]', '5', undefined],
    ['integer', '[5]', '5.0', 'type_error:simple'],
    ['integer', '[1]', 'true', 'type_error:simple'],
    ['integer', '[9007199254740993]', '9007199254740993', undefined],
    ['integer', '[9007199254740993]', '9007199254740992', 'value_error:others'],
    ['float', '[5.0]', '5', undefined],
    ['float', '[5.0]', 'true', 'type_error:simple'],
    ['float', '[NaN]', 'NaN', 'value_error:others'],
    ['boolean', '[true]', '1', 'type_error:simple'],
    ['string', '["a"]', 'null', 'type_error:simple'],
  ])('%s accepting %s, given %s: %s', (type, accepted, value, error) => {
    expect(argument(`{"type": "${type}"}`, accepted, value)).toBe(error);
  });

  test('a value of the type of the first accepted one is taken for a variable, and compared as it is', () => {
    expect(argument('{"type": "integer"}', '["n", 3]', '"n"')).toBeUndefined();
    expect(argument('{"type": "integer"}', '["n", 3]', '"N"')).toBe('value_error:others');
    expect(argument('{"type": "integer"}', '["n", 3]', '3')).toBeUndefined();
    expect(argument('{"type": "integer"}', '[null]', 'null')).toBeUndefined();
  });

  test('items of lists are checked, not converted, unless an accepted value is no list', () => {
    const floats = '{"type": "array", "items": {"type": "float"}}';
    expect(argument(floats, '[[1.5, 2.0]]', '[1.5, 2.0]')).toBeUndefined();
    expect(argument(floats, '[[1.5, 2]]', '[1.5, 2]')).toBe('type_error:nested');
    expect(argument(floats, '[[1, 2]]', '[1, 2]')).toBeUndefined();
    expect(argument(floats, '[[1.5, 2], ""]', '[1.5, 2]')).toBeUndefined();
  });

  test('a type that the language does not have is told', () => {
    expect(() => argument('{"type": "String"}', '["a"]', '"a"')).toThrow(
      /has the type 'String'; there are string/,
    );
  });
});

describe('values', () => {
  test('strings are compared without case and some punctuation', () => {
    expect(standardize("St. John's_5-*^,/ A")).toBe('stjohn"s5a');
    expect(standardize('a!\tb\u00a0(c)')).toBe('a!\tb\u00a0(c)');
    expect(argument('{"type": "string"}', '["New York, NY"]', '"new-york ny"')).toBeUndefined();
    expect(argument('{"type": "string"}', '["New York"]', '"New York!"')).toBe('value_error:string');
    expect(argument('{"type": "string"}', '["a", ""]', '""')).toBeUndefined();
  });

  test('lists are compared in order, with their strings standardized at the top only', () => {
    const strings = '{"type": "array", "items": {"type": "string"}}';
    expect(argument(strings, '[["A b", "c"]]', '["ab", "C"]')).toBeUndefined();
    expect(argument(strings, '[["a", "c"]]', '["c", "a"]')).toBe('value_error:list/tuple');
    expect(argument(strings, '[["a"], ""]', '[]')).toBeUndefined();
    const lists = '{"type": "array", "items": {"type": "array"}}';
    expect(argument(lists, '[[["A"]]]', '[["a"]]')).toBe('value_error:list/tuple');
  });

  test('dicts have a list of accepted values for each key; the last one tells the error', () => {
    const dict = '{"type": "dict"}';
    expect(argument(dict, '[{"a": [1], "b": ["x", ""]}]', '{"a": true}')).toBeUndefined();
    expect(argument(dict, '[{"a": [1]}]', '{"a": 1, "c": 2}')).toBe('value_error:dict_key');
    expect(argument(dict, '[{"a": [1], "b": [2]}]', '{"a": 1}')).toBe('value_error:dict_key');
    expect(argument(dict, '[{"c": [1]}, {"a": [1]}]', '{"a": 2}')).toBe('value_error:dict_value');
    expect(argument(dict, '[{"a": "xy"}]', '{}')).toBeUndefined();
    expect(argument(dict, '[{"a": "xy"}]', '{"a": "xy"}')).toBe('value_error:dict_value');
    expect(argument(dict, '[""]', '{}')).toBe('dict_checker:unclear');
  });

  test('lists of dicts are compared place by place', () => {
    const dicts = '{"type": "array", "items": {"type": "dict"}}';
    const accepted = '[[{"a": [1]}, {"a": [2]}]]';
    expect(argument(dicts, accepted, '[{"a": 1}, {"a": 2}]')).toBeUndefined();
    expect(argument(dicts, accepted, '[{"a": 2}, {"a": 1}]')).toBe('value_error:dict_value');
    expect(argument(dicts, accepted, '[{"a": 1}]')).toBe('value_error:list_dict_count');
  });
});

describe('calls', () => {
  const f = document('f', {
    properties: '{"a": {"type": "integer"}, "b": {"type": "integer"}}',
    required: ['a'],
  });
  const g = document('g', { properties: '{"a": {"type": "integer"}}' });
  const answer = '[{"f": {"a": [1], "b": [2, ""]}}]';

  test.each([
    ['[{"f": {"a": 1}}]', undefined],
    ['[{"g": {"a": 1}}]', 'simple_function_checker:wrong_func_name'],
    ['[{"f": {"b": 2}}]', 'simple_function_checker:missing_required'],
    ['[{"f": {"a": 1, "c": 1}}]', 'simple_function_checker:unexpected_param'],
    ['[{"f": {"a": 1, "b": 3}}]', 'value_error:others'],
    ['[]', 'simple_function_checker:wrong_count'],
    ['[{"f": {"a": 1}}, {"f": {"a": 1}}]', 'simple_function_checker:wrong_count'],
    ['{"f": {"a": 1}}', 'ast_decoder:decoder_wrong_output_format'],
    ['[{"f": {"a": 1}, "g": {}}]', 'ast_decoder:decoder_wrong_output_format'],
    ['[{"f": [1]}]', 'ast_decoder:decoder_wrong_output_format'],
  ])('%s: %s', (calls, error) => {
    expect(check('simple', [f, g], answer, calls)).toBe(error);
  });

  test('a parameter that must be there and is not required is missing all the same', () => {
    expect(check('simple', [g], '[{"g": {"a": [1]}}]', '[{"g": {}}]')).toBe(
      'simple_function_checker:missing_optional',
    );
  });

  test('one of several functions is found by the name of the answer', () => {
    expect(check('multiple', [g, f], answer, '[{"f": {"a": 1}}]')).toBeUndefined();
    expect(check('multiple', [g, f], answer, '[{"g": {"a": 1}}]')).toBe(
      'simple_function_checker:wrong_func_name',
    );
    expect(check('multiple', [g, f], answer, '[]')).toBe('multiple_function_checker:wrong_count');
  });

  test('parallel calls come in any order, and each answer takes the first call that fits', () => {
    const answers = '[{"f": {"a": [1, 2]}}, {"f": {"a": [1]}}]';
    expect(check('parallel', [f], answers, '[{"f": {"a": 2}}, {"f": {"a": 1}}]')).toBeUndefined();
    // The first answer takes the 1 that only the second could have done with.
    expect(check('parallel', [f], answers, '[{"f": {"a": 1}}, {"f": {"a": 2}}]')).toBe(
      'parallel_function_checker_no_order:cannot_find_match',
    );
    expect(check('parallel', [f], answers, '[{"f": {"a": 1}}]')).toBe(
      'parallel_function_checker_no_order:wrong_count',
    );
  });
});

const map = (entries: Record<string, PyValue>): PyDict => new Map(Object.entries(entries));

describe('Java literals', () => {
  test.each<[string, string, string | undefined, PyValue]>([
    ['3', 'integer', undefined, 3n],
    ['3\n', 'integer', undefined, 3n],
    [' 3', 'integer', undefined, ' 3'],
    ['٣', 'short', undefined, 3n],
    ['3', 'long', undefined, '3'],
    ['3L', 'long', undefined, 3n],
    ['1.5', 'double', undefined, 1.5],
    ['1.5', 'float', undefined, '1.5'],
    ['1.5F', 'float', undefined, 1.5],
    ['True', 'boolean', undefined, 'True'],
    ['true', 'boolean', undefined, true],
    ["'c'", 'char', undefined, "'c'"],
    ['new int[]{1, 2}', 'Array', 'integer', [1n, 2n]],
    ['new String[] {"a", "b"}', 'Array', 'String', ['"a"', '"b"']],
    ['new String[]{}', 'Array', 'String', []],
    ['{1, 2}', 'Array', 'integer', '{1, 2}'],
    ['new ArrayList<String>(Arrays.asList("a", "b"))', 'ArrayList', 'String', ['a', 'b']],
    ['new ArrayList<>() {{ add(1); add(2); }}', 'ArrayList', 'integer', [1n, 2n]],
    ['new ArrayList<>()', 'ArrayList', 'integer', []],
    ['Arrays.asList(1)', 'ArrayList', 'integer', 'Arrays.asList(1)'],
    ['new HashMap<>()', 'HashMap', undefined, map({})],
    [
      'new HashMap<String, Object>() {{ put("a", 1); put("b", "x"); put("c", true); put("d", 2.5); put("e", name); }}',
      'HashMap',
      undefined,
      map({ a: 1n, b: 'x', c: true, d: 2.5, e: 'name' }),
    ],
  ])('%j as %s of %s', (text, type, items, value) => {
    expect(readJava(text, type, items)).toEqual(value);
  });

  test('an argument that is no text is an error of its own', () => {
    expect(argument('{"type": "integer"}', '[3]', '3', 'java')).toBe('type_error:java');
    expect(argument('{"type": "integer"}', '[3]', '"3"', 'java')).toBeUndefined();
  });
});

describe('JavaScript literals', () => {
  test.each<[string, string, string | undefined, PyValue]>([
    ['"a"', 'String', undefined, 'a'],
    ["'a'", 'String', undefined, 'a'],
    ['`a`', 'String', undefined, '`a`'],
    ['3n', 'Bigint', undefined, 3n],
    ['3n', 'integer', undefined, '3n'],
    ['3', 'float', undefined, 3],
    ['false', 'Boolean', undefined, false],
    ['[1, 2]', 'array', 'integer', [1n, 2n]],
    ['new Array("a", "b")', 'array', 'String', ['a', 'b']],
    ['[]', 'array', 'String', []],
    ['[["a", "b"], ["c"]]', 'array', 'String', [['a', 'b'], ['c']]],
    ['[\n  [1],\n  [2]\n]', 'array', 'integer', [[1n], [2n]]],
    ['names', 'array', 'String', 'names'],
    ['{}', 'dict', undefined, map({})],
    [
      '{"a": 1, b: \'x\', c: [true, 2.5], d: name}',
      'dict',
      undefined,
      map({ a: 1n, b: 'x', c: [true, 2.5], d: 'name' }),
    ],
    ['{\n  "a": 1\n}', 'dict', undefined, '{\n  "a": 1\n}'],
  ])('%j as %s of %s', (text, type, items, value) => {
    expect(readJavaScript(text, type, items)).toEqual(value);
  });

  test('an argument that is no text is an error of its own', () => {
    expect(argument('{"type": "Boolean"}', '[true]', 'true', 'javascript')).toBe('type_error:js');
  });

  test.each([
    ['a list that never ends', `[[${'a],['.repeat(20_000)}`, 'array'],
    ['an object that never ends', `{${'a: 1, '.repeat(20_000)}`, 'dict'],
    ['white space without end', `[[1]${' '.repeat(50_000)}`, 'array'],
  ])('%s is no literal, and told quickly', (_what, text, type) => {
    const start = performance.now();
    readJavaScript(text, type, 'String');
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

test.each([
  ['an array list that never ends', `new ArrayList<>() {{ ${'add(1); '.repeat(20_000)}`, 'ArrayList'],
  ['a map of white space', `new HashMap<>() {{${' '.repeat(50_000)}`, 'HashMap'],
  ['maps that are never opened', 'new HashMap<'.repeat(4000), 'HashMap'],
])('%s is no Java literal, and told quickly', (_what, text, type) => {
  const start = performance.now();
  expect(readJava(text, type, undefined)).not.toBeUndefined();
  expect(performance.now() - start).toBeLessThan(2000);
});
