import { describe, expect, test } from 'vitest';
import { hermes } from '../../src/chat/formats/hermes.ts';
import { checkCall, toolTable, toolTableFromPrompt } from '../../src/chat/tools.ts';
import { parseJson } from '../../src/json/parse.ts';
import type { JsonObject } from '../../src/json/value.ts';

const inPrompt = (...lines: string[]): string =>
  `in <tools></tools> tags:\n<tools>\n${lines.join('\n')}\n</tools>`;
const table = toolTableFromPrompt(
  inPrompt('{"name": "ring", "parameters": {"a": {}, "at": {}}}', '{"name": "stop", "parameters": {}}'),
  hermes,
);

describe('toolTableFromPrompt', () => {
  test('reads one tool a line, in either style of parameters', () => {
    const { tools, problems } = toolTableFromPrompt(
      inPrompt(
        '{"name": "schema", "parameters": {"type": "object", "properties": {"x": {}}, "required": ["x"]}}',
        '',
        '  {"name": "flat", "parameters": {"type": {}, "y": {}}}  ',
        '{"type": "function", "function": {"name": "wrapped", "parameters": {"z": {}}}}',
        '{"name": "nothing", "parameters": null}',
        '{"name": "bare"}',
      ),
      hermes,
    );
    expect(tools.map((tool) => [tool.name, [...tool.arguments.keys()]])).toEqual([
      ['schema', ['x']],
      ['flat', ['type', 'y']],
      ['wrapped', ['z']],
      ['nothing', []],
      ['bare', []],
    ]);
    expect(problems).toEqual([]);
  });

  test('takes the last block, and no tools without one', () => {
    const two = '<tools>\n{"name": "a"}\n</tools><tools>\n{"name": "b"}\n</tools>';
    expect(toolTableFromPrompt(two, hermes).tools.map(({ name }) => name)).toEqual(['b']);
    expect(toolTableFromPrompt('hello', hermes).tools).toEqual([]);
  });

  test('leaves out what is no tool, and says so', () => {
    const { tools, problems } = toolTableFromPrompt(
      inPrompt('{', '[]', '{}', '{"name": "a", "parameters": 1}', '{"name": "b"}'),
      hermes,
    );
    expect(tools.map(({ name }) => name)).toEqual(['b']);
    expect(problems).toHaveLength(4);
  });
});

describe('find', () => {
  test.each([
    ['plain', '{"name": "plain"}'],
    ['é', String.raw`{"name": "\u00e9"}`],
    ['a"b', String.raw`{"name": "a\"b"}`],
    ['a/b', String.raw`{"name": "a\/b"}`],
    ['in', '{"name": "in", "parameters": {"inside": {}}}'],
  ])('finds %s however it is written', (name, line) => {
    const found = toolTableFromPrompt(inPrompt('{"name": "other"}', line, '{"name": "inner"}'), hermes);
    expect(found.find(name)?.name).toBe(name);
    expect(found.find('toString')).toBeUndefined();
  });

  test('of several tools of one name the last one that can be read holds', () => {
    const found = toolTableFromPrompt(
      inPrompt(
        '{"name": "a", "parameters": {"x": {}}}',
        '{"name": "a", "parameters": {"y": {}}}',
        '{"name": "a"',
      ),
      hermes,
    );
    expect([...(found.find('a')?.arguments.keys() ?? [])]).toEqual(['y']);
    expect(found.tools).toEqual([found.find('a')]);
  });
});

describe('toolTable', () => {
  test('reports tools that cannot be read when it is asked, and never throws', () => {
    let deep: JsonObject = {};
    for (let depth = 0; depth < 1000; depth++) deep = { deep };
    const found = toolTable([{ name: 'a', description: '', parameters: deep }]);
    expect(found.find('a')).toBeUndefined();
    expect(found.problems).toEqual([expect.stringMatching(/^The parameters of a cannot be read/)]);
  });

  test('agrees with the table of the prompt that the tools are written into', () => {
    const tools = [
      { name: 'a', description: '', parameters: { type: 'object', properties: { x: { type: 'string' } } } },
      { name: 'b', description: '', parameters: {} },
    ];
    const prompt = inPrompt(...tools.map((tool) => JSON.stringify(tool)));
    expect(toolTable(tools).tools).toEqual(toolTableFromPrompt(prompt, hermes).tools);
  });
});

describe('checkCall', () => {
  const check = (name: string, written: string): unknown => {
    const checked = checkCall({ name: parseJson(name), arguments: parseJson(written) }, table);
    return 'kind' in checked ? checked.fault : 'valid';
  };

  test.each([
    ['"ring"', '{"at": 1}', 'valid'],
    ['"stop"', '{}', 'valid'],
    ['"ring"', '{"to": 1}', 'unknown_argument'],
    ['"stop"', '{"at": 1}', 'unknown_argument'],
    ['"fax"', '{}', 'unknown_function'],
    ['"toString"', '{}', 'unknown_function'],
    ['null', '{}', 'unknown_function'],
    ['["ring"]', '{}', 'unknown_function'],
    ['"ring"', 'null', 'arguments_not_object'],
    ['"ring"', '5', 'arguments_not_object'],
    ['"ring"', 'false', 'arguments_not_object'],
    // Python iterates over whatever it is given, and so does the reference.
    ['"ring"', '""', 'valid'],
    ['"ring"', '[]', 'valid'],
    ['"ring"', '"aa"', 'valid'],
    ['"ring"', '["at", "a"]', 'valid'],
    ['"ring"', '"at"', 'unknown_argument'],
    ['"ring"', '[{"at": 1}]', 'unknown_argument'],
    ['"ring"', '["at", 1]', 'unknown_argument'],
  ])('%s with %s: %s', (name, written, expected) => {
    expect(check(name, written)).toBe(expected);
  });

  test('keeps messages short whatever the model wrote', () => {
    const refused = checkCall({ name: 'x'.repeat(1e6), arguments: new Map() }, table);
    expect('kind' in refused && refused.message.length).toBeLessThan(150);
  });
});
