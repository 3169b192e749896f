import { describe, expect, test } from 'vitest';
import { constantsOf } from '../../src/python/constants.ts';
import { dumps } from '../../../../src/json/dumps.ts';

const shown = (source: string): string => dumps(constantsOf(source));

describe('constants of a module', () => {
  test('are read as Python writes them, over as many lines as they take', () => {
    const source = [
      "# A comment that isn't closed [({",
      'CITIES = ["Rome", \'Oslo\',  # another ]',
      '  "Nice"]',
      'COSTS={"low": 5, "high": 7.50, "debt": -1, "odd": None, "sure": True,}',
      'TEXT = """One "line",',
      "  don't [stop",
      'here."""',
      "JOINED = ('a' \\",
      "  'b')",
      'LONG = [1, ...]',
      'LAST = "é\\u00e9"',
    ].join('\n');
    expect(shown(source)).toBe(
      '{"CITIES": ["Rome", "Oslo", "Nice"]' +
        ', "COSTS": {"low": 5, "high": 7.5, "debt": -1, "odd": null, "sure": true}' +
        ', "TEXT": "One \\"line\\",\\n  don\'t [stop\\nhere.", "JOINED": "ab"' +
        ', "LONG": [1, {"__ellipsis__": true}], "LAST": "éé"}',
    );
    expect(shown(source.replaceAll('\n', '\r\n'))).toBe(shown(source));
  });

  test('are none where nothing is assigned, or no literal', () => {
    const source = [
      '"""What it is for: X = 1."""',
      'import random',
      'A = random.random()',
      'B = f"{A}"',
      'C: int = 3',
      'D = E = 4',
      'if A == 1:',
      '    F = 5',
      'def g(x="]"):',
      '    H = 6',
      'I = [1, 2',
    ].join('\n');
    expect(shown(source)).toBe('{}');
  });

  test('that are assigned twice have the last value', () => {
    expect(shown('A = 1\nA = 2')).toBe('{"A": 2}');
  });
});
