/** Texts that ast.parse(text, mode="eval") of CPython 3.11 takes and refuses; the texts were tried there. */
import { expect, test } from 'vitest';
import { PythonSyntaxError } from '../../src/python/errors.ts';
import { parseExpression } from '../../src/python/parser.ts';

const TAKEN = [
  "[f(a=1, b='x'), g.h.i()]",
  '[f(a=1,),]',
  'a,',
  '()',
  '(a,)',
  '{}',
  '{1, 2, *c}',
  '{a: 1, **b,}',
  '{a: b for a in c}',
  '[x async for x, *y in z if a if b]',
  'f(x for x in y)',
  'f(*a, b=1, *c, **d)',
  'f(a := 1, b=2)',
  'a if b else c if d else e',
  'not a and b or not c',
  'a < b <= c is not d not in e',
  'lambda x, /, *y, z=1, **k: x',
  'a[1:2, ::3, *b][...]',
  '2 ** -1',
  '- + ~ not_a',
  "'a' \"b\" '''c\nd'''",
  "rb'\\x' B'y'",
  "f'{x}' 'y'",
  "'a\\\nb'",
  '0x_1F + 0B1 + 0o7 + 1_000 + 00 + 0777.5 + 1.e5 + .5j',
  '1if x else 2',
  '[f(a=1)]  # a comment\n\n  # another\n',
  '[f(\n  a=1,  # why\n)]',
  'é + ａ',
  'await x ** 2',
  '(yield)',
];

const REFUSED = [
  '',
  ' a',
  'a b',
  'a = 1',
  'a; b',
  'a\nb',
  '[f(a=1)] g',
  '[f(a=1) g(b=2)]',
  '[f(a=1',
  '[(])',
  '[,]',
  'f(,)',
  'f(a=1, 2)',
  'f(**a, b)',
  'f(**a, *b)',
  'f(1, x for x in y)',
  'f(class=1)',
  'f(None=1)',
  'f("a"=1)',
  'f(a.b=1)',
  "f(a='it's')",
  '*a',
  '(*a)',
  '{a: 1, b}',
  '{a, b: 1}',
  '{*a: 1}',
  '[x for x in a, b]',
  '[x for in y]',
  'a if b',
  'a[]',
  'a <> b',
  'a $ b',
  'a ? b',
  "'a",
  "'a\nb'",
  "'\\x4'",
  "'\\U00110000'",
  "b'é'",
  "b'a' 'b'",
  "ub'a'",
  '012',
  '1__0',
  '0x',
  '5kg',
  '2023-01-01',
  '1.2.3',
  '1e',
  'if',
  'a := 1',
  'a b',
  '\0',
  '\ud800',
];

test.each(TAKEN)('%j is an expression', (text) => {
  expect(parseExpression(text)).toHaveProperty('kind');
});

test.each(REFUSED)('%j is none', (text) => {
  expect(() => parseExpression(text)).toThrow(PythonSyntaxError);
});

test('operators bind as in Python', () => {
  const constant = (value: bigint) => ({ kind: 'constant', value });
  const binary = (operator: string, left: unknown, right: unknown) => ({
    kind: 'binary',
    operator,
    left,
    right,
  });
  expect(parseExpression('1 - 2 - 3 * 4')).toEqual(
    binary('-', binary('-', constant(1n), constant(2n)), binary('*', constant(3n), constant(4n))),
  );
  expect(parseExpression('-2 ** 3 ** 2')).toEqual({
    kind: 'unary',
    operator: '-',
    operand: binary('**', constant(2n), binary('**', constant(3n), constant(2n))),
  });
});

test('numbers and texts are read as Python reads them', () => {
  const value = (text: string): unknown => {
    const expression = parseExpression(text);
    return expression.kind === 'constant' ? expression.value : expression;
  };
  expect(value('12345678901234567890')).toBe(12345678901234567890n);
  expect(value('5.0')).toBe(5);
  expect(value('1_0e-1')).toBe(1);
  expect(value('3j')).toEqual({ imaginary: 3 });
  expect(value("'\\x41\\u00e9\\101\\q\\\n' \"'\"")).toEqual({ kind: 'text', text: "AéA\\q'" });
  expect(value("r'\\n'")).toEqual({ kind: 'text', text: '\\n' });
  expect(value("'''a\r\nb'''")).toEqual({ kind: 'text', text: 'a\nb' });
});

test('brackets and operators without end are refused, quickly', () => {
  expect(parseExpression(`${'['.repeat(200)}${']'.repeat(200)}`)).toHaveProperty('kind', 'list');
  expect(() => parseExpression(`${'['.repeat(201)}${']'.repeat(201)}`)).toThrow(PythonSyntaxError);
  expect(() => parseExpression(`${'{a:'.repeat(150)}`)).toThrow(PythonSyntaxError);
  for (const text of [
    `${'-'.repeat(2e4)}1`,
    `a${'.b'.repeat(2e4)}`,
    `f${'()'.repeat(2e4)}`,
    `1${' + 1'.repeat(2e4)}`,
    `1${' ** 1'.repeat(2e4)}`,
    `1${' if 1 else 1'.repeat(2e4)}`,
    `${'not '.repeat(2e4)}1`,
    `${'lambda: '.repeat(2e4)}1`,
  ])
    expect(() => parseExpression(text)).toThrow(PythonSyntaxError);
});
