import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dumps } from '../../src/json/dumps.ts';
import { parseJson } from '../../src/json/parse.ts';
import { floatRepr, pyRepr, pyStr, stringRepr } from '../../src/json/repr.ts';

describe('floatRepr', () => {
  test.each([
    [5, '5.0'],
    [-0, '-0.0'],
    [0.1, '0.1'],
    [123456789.125, '123456789.125'],
    [1e15, '1000000000000000.0'],
    [9999999999999998, '9999999999999998.0'],
    [1e16, '1e+16'],
    [1.5e16, '1.5e+16'],
    [1e100, '1e+100'],
    [0.0001, '0.0001'],
    [0.00012, '0.00012'],
    [0.00001, '1e-05'],
    [-1.25e-7, '-1.25e-07'],
    [5e-324, '5e-324'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
    [NaN, 'nan'],
  ])('prints %d as Python does: %s', (value, expected) => {
    expect(floatRepr(value)).toBe(expected);
  });

  test('reads back as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(floatRepr(value))).toBe(value);
        expect(floatRepr(value)).toMatch(/[.e]/);
      }),
    );
  });
});

describe('stringRepr', () => {
  test.each([
    ['plain', "'plain'"],
    ["it's", '"it\'s"'],
    ['say "hi"', '\'say "hi"\''],
    ['it\'s "both"', "'it\\'s \"both\"'"],
    ['a\\b', "'a\\\\b'"],
    ['\n\r\t\b', "'\\n\\r\\t\\x08'"],
    ['é 中 😀', "'é 中 😀'"],
    ['\u00a0\u00ad\u200b\u2028', "'\\xa0\\xad\\u200b\\u2028'"],
    ['\ud800', "'\\ud800'"],
    ['\u{e0001}', "'\\U000e0001'"],
  ])('quotes %j', (text, expected) => {
    expect(stringRepr(text)).toBe(expected);
  });
});

describe('pyStr and pyRepr', () => {
  test('print containers with the repr of their parts', () => {
    const value = parseJson('{"a": [1, 1.0, true, null, "x", NaN], "1": {}}');
    expect(pyStr(value)).toBe("{'a': [1, 1.0, True, None, 'x', nan], '1': {}}");
    expect(pyRepr(value)).toBe(pyStr(value));
  });

  test('differ for a string on its own', () => {
    expect(pyStr('x')).toBe('x');
    expect(pyRepr('x')).toBe("'x'");
  });
});

describe('dumps', () => {
  test('writes what Python writes', () => {
    const value = parseJson(
      String.raw`{"é": [1, 2.0, 1e-7, true, null], "q": "\"\\\n\u0001\u007f😀", "e": {}}`,
    );
    expect(dumps(value)).toBe(
      String.raw`{"é": [1, 2.0, 1e-07, true, null], "q": "\"\\\n\u0001` + '\u007f😀", "e": {}}',
    );
    expect(dumps(value, { ensureAscii: true })).toContain(String.raw`\u0001\u007f\ud83d\ude00`);
    expect(dumps([Infinity, -Infinity, NaN])).toBe('[Infinity, -Infinity, NaN]');
  });

  test('sorts keys by code point, not by UTF-16 unit', () => {
    const value = parseJson('{"\u{1f600}": 1, "\uffff": 2, "b": 3, "": 4, "ab": 5, "a": 6}');
    expect(dumps(value, { sortKeys: true, separators: [',', ':'] })).toBe(
      '{"":4,"a":6,"ab":5,"b":3,"\uffff":2,"\u{1f600}":1}',
    );
  });

  test('is read back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (json, ensureAscii) => {
        const value = parseJson(JSON.stringify(json));
        expect(parseJson(dumps(value, { ensureAscii }))).toStrictEqual(value);
      }),
    );
  });
});
