/** Calls as Python, and types as Python names them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemaOfType } from '../../src/json/schema-dialects.ts';
import {
  looksLikePythonCalls,
  PythonFault,
  parsePythonCalls,
  parsePythonLiteral,
} from '../../src/chat/formats/python-calls.ts';

import { dumps } from '../../src/json/dumps.ts';
import { fromJson } from '../../src/json/python.ts';
import { pyRepr } from '../../src/json/repr.ts';
import type { JsonValue } from '../../src/json/value.ts';

const read = (text: string): string =>
  parsePythonCalls(text)
    .map((call) => `${call.name}${dumps(call.arguments)}`)
    .join(' ');

/** Error that a function throws, undefined when it returns. */
function thrownBy(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

describe('parsePythonCalls', () => {
  it('reads names with spaces and dots, and every literal', () => {
    expect(read('[A b.c(), g(x=(1, -2_0), y={"k": [.5, 1e3]}, z="\\u00e9\\x41\\q", w=true,)]')).toBe(
      'A b.c{} g{"x": [1, -20], "y": {"k": [0.5, 1000.0]}, "z": "éA\\\\q", "w": true}',
    );
  });

  it('reads back whatever Python would print', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const python = fromJson(value as JsonValue);
        const [call] = parsePythonCalls(`[f(x=${pyRepr(python)})]`);
        expect(dumps(call!.arguments.get('x')!)).toBe(dumps(python));
      }),
    );
  });

  it('refuses any other text with a PythonFault, and nothing else', () => {
    for (const text of [
      '[f(1)]',
      '[f(x=y)]',
      '[f(x=1)',
      '[f(x=1)] tail',
      "[f(x='a)]",
      '[(x=1)]',
      '[f(x={1: 2})]',
    ])
      expect(() => parsePythonCalls(text), text).toThrow(PythonFault);
    fc.assert(
      fc.property(fc.string(), (text) => {
        const thrown = thrownBy(() => parsePythonCalls(`[f(${text}`));
        expect(thrown === undefined || thrown instanceof PythonFault).toBe(true);
      }),
    );
  });

  it('tells calls from lists and from words', () => {
    expect(looksLikePythonCalls(' [get_weather(city="x")] ')).toBe(true);
    expect(
      ['[1, 2]', 'Call f(x)', '[{"name": "f()"}]', '["f(x)"]', '[laughs (softly)]'].some((text) =>
        looksLikePythonCalls(text),
      ),
    ).toBe(false);
  });
});

describe('schemaOfType', () => {
  it('translates generics, unions and optional types, and lets unknown ones be anything', () => {
    const cases: Record<string, string> = {
      'List[int]': '{"type": "array", "items": {"type": "integer"}}',
      'Dict[str, List[float]]': '{"type": "object"}',
      'Optional[str]': '{"type": "string"}',
      'Union[int, float]': '{"anyOf": [{"type": "integer"}, {"type": "number"}]}',
      'Tuple[float, float]': '{"type": "array", "items": {"type": "number"}}',
      'Tuple[int, str]': '{"type": "array"}',
      'Callable[[float], float]': '{}',
      any: '{}',
    };
    for (const [type, schema] of Object.entries(cases)) expect(dumps(schemaOfType(type)), type).toBe(schema);
  });
});

describe('parsePythonLiteral', () => {
  it('reads what Python prints of a dict, and nothing that more text follows', () => {
    const text = "{'name': 'f', 'arguments': {'a': True, 'b': None, 'c': 5.0, 'd': [\"it's\"]}}";
    expect(dumps(parsePythonLiteral(text))).toBe(
      '{"name": "f", "arguments": {"a": true, "b": null, "c": 5.0, "d": ["it\'s"]}}',
    );
    expect(() => parsePythonLiteral(`${text} {}`)).toThrow('more text');
  });
});
