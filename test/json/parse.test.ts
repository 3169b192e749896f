import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { MAX_DIGITS, parseJson, tryParseJson } from '../../src/json/parse.ts';
import { MAX_DEPTH, toJson } from '../../src/json/python.ts';

describe('parseJson', () => {
  test.each([
    ['5', 5n],
    ['5.0', 5],
    ['-0', 0n],
    ['-0.0', -0],
    ['1e2', 100],
    ['1E-2', 0.01],
    ['12345678901234567890', 12345678901234567890n],
    ['1e999', Infinity],
    ['-Infinity', -Infinity],
    ['NaN', NaN],
    ['[1, [], {}]', [1n, [], new Map()]],
    [' \t\r\nnull \n', null],
    [String.raw`"\u00e9\ud83d\ude00\/\"\b"`, 'é😀/"\b'],
    [String.raw`"\ud800"`, '\ud800'],
    ['"\u007f\u2028"', '\u007f\u2028'],
  ])('reads %s', (text, expected) => {
    expect(parseJson(text)).toStrictEqual(expected);
  });

  test('keeps the order in which keys were written, also of those that look like numbers', () => {
    expect([...(parseJson('{"b": 1, "10": 2, "2": 3, "__proto__": 4}') as Map<string, bigint>)]).toEqual([
      ['b', 1n],
      ['10', 2n],
      ['2', 3n],
      ['__proto__', 4n],
    ]);
  });

  test('of equal keys the last value holds, in the first place', () => {
    expect([...(parseJson('{"a": 1, "b": 2, "a": 3}') as Map<string, bigint>)]).toEqual([
      ['a', 3n],
      ['b', 2n],
    ]);
  });

  test.each([
    ['', 'the text ends where a value is expected', 0],
    ['[1,]', 'a value is expected', 3],
    ['{"a": 1,}', 'a key in double quotes is expected', 8],
    ['{"a" 1}', "':' is expected", 5],
    ['{"a": 1 "b"}', "',' or '}' is expected", 8],
    ['[1 2]', "',' or ']' is expected", 3],
    ['"abc', 'a string is not closed', 0],
    ['"a\nb"', 'a string has a raw control character', 2],
    [String.raw`"\x"`, 'a string has an unknown escape', 1],
    [String.raw`"\u12g4"`, '\\u needs four hexadecimal digits', 1],
    ['1 2', 'there is more text after the value', 2],
    ['01', 'there is more text after the value', 1],
    ['1.', 'there is more text after the value', 1],
    ['.5', 'a value is expected', 0],
    ['+1', 'a value is expected', 0],
    ['tru', 'a value is expected', 0],
    ['\ufeff1', 'a value is expected', 0],
    ["{'a': 1}", 'a key in double quotes is expected', 1],
  ])('refuses %j and says where', (text, problem, position) => {
    const result = tryParseJson(text);
    expect(result.ok || result.error.message).toBe(`Not JSON: ${problem} at character ${position + 1}.`);
    expect(result.ok || result.error.position).toBe(position);
  });

  test('throws an error that is for people', () => {
    expect(() => parseJson('{')).toThrow(UserError);
    expect(() => parseJson('{')).toThrow(expect.objectContaining({ code: 'JSON' }));
  });

  test.each([
    ['[', ']'],
    ['{"a":', '}'],
  ])(
    'reads %s nested to the limit, and refuses a level more instead of exhausting the stack',
    (open, close) => {
      const nested = (depth: number): string => open.repeat(depth) + '0' + close.repeat(depth);
      expect(tryParseJson(nested(MAX_DEPTH)).ok).toBe(true);
      expect(() => parseJson(nested(MAX_DEPTH + 1))).toThrow(/nested more than 900 levels/);
      expect(tryParseJson(open.repeat(1_000_000)).ok).toBe(false);
    },
  );

  test('reads integers up to the limit of digits that Python has', () => {
    expect(parseJson(`-${'9'.repeat(MAX_DIGITS)}`)).toBe(-(10n ** BigInt(MAX_DIGITS) - 1n));
    expect(() => parseJson('9'.repeat(MAX_DIGITS + 1))).toThrow(/more than 4300 digits/);
    expect(parseJson(`${'9'.repeat(MAX_DIGITS + 1)}.0`)).toBe(Infinity);
  });

  test('agrees with JSON.parse on everything that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        expect(toJson(parseJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('refuses what JSON.parse refuses, but for NaN and infinities', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '1',
      '-',
      '.',
      'e',
      '0',
      'true',
      'null',
      ' ',
      '\\',
      'u00e9',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(tryParseJson(text).ok).toBe(valid);
      }),
      { numRuns: 3000 },
    );
  });
});
