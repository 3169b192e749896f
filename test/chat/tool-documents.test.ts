/** Tools in the forms that APIs and data sets have for them. */
import { describe, expect, it } from 'vitest';
import { completedTool, readTools } from '../../src/chat/tool-documents.ts';
import { dumps } from '../../src/json/dumps.ts';
import { parseJson } from '../../src/json/parse.ts';

const SCHEMA = '{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}';
const TOOL = `{"name": "weather", "description": "W", "parameters": ${SCHEMA}}`;
const NOTHING = '{"type": "object", "properties": {}}';
const text = (value: string): string => JSON.stringify(value);

/** The tools of a JSON text, or what is wrong with them. */
function read(json: string): string {
  try {
    return dumps(readTools(parseJson(json)).map(completedTool));
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

describe('readTools', () => {
  it.each([
    'parameters',
    'inputSchema',
    'input_schema',
    'parametersJsonSchema',
    'json_schema',
    'jsonSchema',
    'arguments',
    'args',
    'schema',
  ])('reads the schema under "%s"', (key) => {
    expect(read(`[{"name": "weather", "description": "W", "${key}": ${SCHEMA}}]`)).toBe(`[${TOOL}]`);
    expect(read(`[{"name": "weather", "description": "W", "${key}": ${text(SCHEMA)}}]`)).toBe(`[${TOOL}]`);
    expect(read(`[{"name": "weather", "description": "W", "parameters": null, "${key}": ${SCHEMA}}]`)).toBe(
      `[${TOOL}]`,
    );
  });

  it('reads them bare, wrapped, alone, as JSON text, and by name', () => {
    const flat = TOOL.replace('{', '{"type": "function", ');
    for (const tools of [
      `[${TOOL}]`,
      `[{"type": "function", "function": ${TOOL}}]`,
      `{"type": "function", "function": ${TOOL}}`,
      TOOL,
      `[${flat}]`,
      `{"tools": [${TOOL}]}`,
      `{"jsonrpc": "2.0", "id": 1, "result": {"tools": [${TOOL}]}}`,
      `[{"functionDeclarations": [${TOOL}]}]`,
      `[{"toolSpec": {"name": "weather", "description": "W", "inputSchema": {"json": ${SCHEMA}}}}]`,
      `{"weather": {"description": "W", "parameters": ${SCHEMA}}}`,
      `{"weather": ${SCHEMA.replace('{', '{"description": "W", ')}}`,
      `[${SCHEMA.replace('{', '{"name": "weather", "description": "W", ')}]`,
      `[${TOOL.replace('"type": "object", ', '')}]`,
      text(`[${TOOL}]`),
      text(text(`[${TOOL}]`)),
      `[${text(TOOL)}]`,
    ])
      expect(read(tools), tools).toBe(`[${TOOL}]`);
  });

  it('reads what takes nothing, however that is said, and no tools at all', () => {
    const nothing = `[{"name": "now", "description": "", "parameters": ${NOTHING}}]`;
    for (const rest of [
      '',
      ', "parameters": null',
      ', "description": null, "parameters": null',
      ', "parameters": []',
      ', "parameters": ""',
      ', "parameters": "null"',
      ', "inputSchema": null',
    ])
      expect(read(`[{"name": "now"${rest}}]`), rest).toBe(nothing);
    for (const none of ['null', '[]', '{}', '""', '"[]"', '"null"', '"{}"'])
      expect(read(none), none).toBe('[]');
    expect(readTools(undefined)).toEqual([]);
  });

  it('keeps every other key, and tables of arguments as they are', () => {
    const table = '{"city": {"type": "str", "description": "Where"}, "type": {"type": "str"}}';
    const tool = `{"name": "weather", "description": "W", "parameters": ${table}, "strict": true, "x-cost": 5.0}`;
    expect(read(`[${tool}]`)).toBe(`[${tool}]`);
    const list = '[{"name": "city", "type": "str"}]';
    expect(read(`[{"name": "weather", "description": "W", "parameters": ${list}}]`)).toBe(
      '[{"name": "weather", "description": "W", "parameters": {"city": {"type": "str"}}}]',
    );
    const answers = `{"name": "now", "description": "", "parameters": ${NOTHING}, "outputSchema": ${SCHEMA}}`;
    expect(read(`[${answers}]`)).toBe(`[${answers}]`);
  });

  it('adds nothing of its own, so that prompts of records stay as they were written', () => {
    const tools = '[{"name": "f", "2": 1.0}, {"name": "g", "parameters": {}}]';
    expect(dumps(readTools(parseJson(tools)))).toBe(tools);
  });

  it('names the tool that cannot be read, and why', () => {
    const deep = '['.repeat(120) + ']'.repeat(120);
    const cases: Readonly<Record<string, string>> = {
      '5': 'The tools are a number, not a list.',
      '"hello"': 'The tools are a text that is not JSON. Not JSON: a value is expected at character 1.',
      [`[${TOOL}, 7]`]: 'Tool 2 is a number, not an object.',
      '[{"description": "d"}]': 'Tool 1 has no name.',
      '[{"name": "f", "description": ["d"]}]': 'The description of f is a list, not a text.',
      '[{"name": "f", "parameters": 5}]': 'The parameters of f are a number, not an object.',
      '[{"name": "f", "parameters": ["city"]}]':
        'The parameters of f are a list of something else than objects with a name.',
      [`[{"name": "f", "shape": ${SCHEMA}}]`]:
        'f has a schema under "shape", which is not read; rename it to "parameters".',
      '[{"name": "f", "parameters": {"x": {"default": NaN}}}]':
        'f has the number NaN, which not every reader of JSON takes.',
      [`[{"name": "f", "parameters": {"x": {"default": ${deep}}}}]`]:
        'f has values that are nested more than 100 levels deep, which not every reader of JSON takes.',
    };
    for (const [json, message] of Object.entries(cases)) expect(read(json)).toBe(message);
  });
});
