import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dumps } from '../../src/json/dumps.ts';
import { tryParseJson } from '../../src/json/parse.ts';
import { pyRepr } from '../../src/json/repr.ts';
import { fromJson, sameNumber, strip, toJson, typeName, type PyValue } from '../../src/json/python.ts';

interface PythonCase {
  readonly text: string;
  readonly ok: boolean;
  readonly repr?: string;
  readonly dumps?: string;
  readonly ascii?: string;
  readonly sorted?: string;
}

/** Random and mutated documents, with what json.loads, repr and json.dumps of CPython 3.11 make of them. */
const cases = readFileSync(new URL('../fixtures/python-json.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as PythonCase);

describe('agreement with CPython', () => {
  test('reads, prints and writes every document of the fixture as CPython does', () => {
    const ours = cases.map(({ text }): PythonCase => {
      const result = tryParseJson(text);
      if (!result.ok) return { text, ok: false };
      const { value } = result;
      return {
        text,
        ok: true,
        repr: pyRepr(value),
        dumps: dumps(value),
        ascii: dumps(value, { ensureAscii: true }),
        sorted: dumps(value, { sortKeys: true, separators: [',', ':'] }),
      };
    });
    expect(ours).toEqual(cases);
    expect(cases.filter((item) => item.ok).length).toBeGreaterThan(150);
    expect(cases.filter((item) => !item.ok).length).toBeGreaterThan(100);
  });
});

describe('fromJson and toJson', () => {
  test('whole numbers become ints, others stay floats, and keys that look dangerous stay data', () => {
    const plain = JSON.parse('{"__proto__": {"x": 1}, "list": [1, 1.5, -0, null, true, "s"]}') as never;
    const value = fromJson(plain) as ReadonlyMap<string, PyValue>;
    expect(value.get('__proto__')).toEqual(new Map([['x', 1n]]));
    expect(value.get('list')).toEqual([1n, 1.5, -0, null, true, 's']);
    expect(toJson(value)).toEqual(plain);
    expect(Object.getPrototypeOf(toJson(value))).toBe(Object.prototype);
  });

  test('refuses values that are nested too deep with an error for people', () => {
    const deep = JSON.parse('['.repeat(5000) + ']'.repeat(5000)) as never;
    expect(() => fromJson(deep)).toThrow(/nested more than 900 levels deep/);
  });
});

describe('sameNumber', () => {
  test.each([
    [5n, 5, true],
    [5n, 5.5, false],
    [2n ** 53n + 1n, 2 ** 53, false],
    [2n ** 53n, 2 ** 53, true],
    [10n ** 400n, Infinity, false],
    [0n, -0, true],
    [NaN, NaN, false],
    [1n, NaN, false],
    [3n, 3n, true],
  ] as const)('%s == %s is %s', (a, b, expected) => {
    expect(sameNumber(a, b)).toBe(expected);
    expect(sameNumber(b, a)).toBe(expected);
  });
});

describe('strip', () => {
  test('takes what Python takes: separators and the next-line character, but not the byte-order mark', () => {
    expect(strip(' \t\n\u000b\f\r\u001c\u001f\u0085\u00a0\u2003\u3000a b\u2028 ')).toBe('a b');
    expect(strip('\ufeffa\u200b')).toBe('\ufeffa\u200b');
    expect(strip(' \n ')).toBe('');
    expect(strip('')).toBe('');
  });
});

test('typeName speaks of values in words', () => {
  const values: PyValue[] = [null, true, 1n, 1.5, 'x', [], new Map()];
  expect(values.map(typeName)).toEqual([
    'null',
    'a boolean',
    'a number',
    'a number',
    'a string',
    'a list',
    'an object',
  ]);
});
