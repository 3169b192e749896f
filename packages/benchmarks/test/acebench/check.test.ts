/** The rules of the checker, one by one, on calls of our own. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCalls } from '../../src/acebench/decode.ts';
import { judgeCalls } from '../../src/acebench/check.ts';
import { checkParameter } from '../../src/acebench/parameters.ts';
import type { Revision } from '../../src/acebench/revision.ts';
import { judgeSpecial } from '../../src/acebench/special.ts';
import { type Value, Tuple } from '../../src/acebench/values.ts';
import { parseJson } from '../../../../src/json/parse.ts';
import type { PyDict } from '../../../../src/json/python.ts';

const json = (text: string): PyDict => parseJson(text) as PyDict;

const timer = json(
  '{"name": "set_timer", "parameters": {"properties": {"label": {"type": "string"}, "minutes": {"type": "integer"}, "loud": {"type": "boolean"}}, "required": ["label"]}}',
);
const clock = json('{"name": "clock", "parameters": {}}');

function errorOf(reply: string, gold: string, documents = [timer, clock]): string | null {
  const calls = decodeCalls(reply, '2025-10', false);
  if (calls === undefined) throw new Error('not decoded');
  const verdict = judgeCalls(calls, [json(gold)], documents);
  return verdict.valid ? null : verdict.error;
}

describe('decoding', () => {
  const decode = (text: string, revision: Revision, isDialogue = false) =>
    decodeCalls(text, revision, isDialogue)?.map((call) => [call.name, ...call.arguments]);

  test('the first revision takes out all white space, also in texts; the second does in dialogues alone', () => {
    const reply = "[ say(text='a b') ]";
    expect(decode(reply, '2025-08')).toEqual([['say', ['text', 'ab']]]);
    expect(decode(reply, '2025-10')).toEqual([['say', ['text', 'a b']]]);
    expect(decode(reply, '2025-10', true)).toEqual([['say', ['text', 'ab']]]);
  });

  test('the second revision finds the list in a text, brackets in texts counted', () => {
    expect(decode('Sure: [a(x=[1])] and [b()]', '2025-10')).toEqual([['a', ['x', [1n]]]]);
    expect(decode('Sure: [a()]', '2025-08')).toBeUndefined();
    expect(decode('a(), b()', '2025-10')).toBeUndefined();
    expect(decode('a(), b()', '2025-08')).toEqual([['a'], ['b']]);
    expect(decode("[a(x='[')]", '2025-10')).toBeUndefined();
    expect(decode("[a(x='[')]", '2025-08')).toEqual([['a', ['x', '[']]]);
  });

  test.each([
    ['x=(1,)', new Tuple([1n])],
    ['x=true', 'true'],
    ['x=None', null],
    ['x=+5', -5n],
    ['x=-True', -1n],
    ['x=2 * 3 - 10 // -4', 9n],
    ['x=-7 % 3', 2n],
    ['x=7 / 2', 3.5],
    ["x='a' + 'b' * 2", 'abb'],
    ['x=[1] + [2]', [1n, 2n]],
    ['x=2 ** -1', 0.5],
    ["x={'a': {'b': 1.0}}", new Map([['a', new Map([['b', 1]])]])],
    ['x=day(of=1)', new Map([['day', new Map([['of', 1n]])]])],
    ['1, x=2', 2n],
  ])('%s', (given, value) => {
    expect(decode(`[f(${given})]`, '2025-10')).toEqual([['f', ['x', value]]]);
  });

  test('a bracket that closes nothing takes the depth below 0, so that the list after it is not found', () => {
    expect(decode('<think>x in (0, 1]</think>[a(x=1)]', '2025-10')).toBeUndefined();
    expect(decode('] ] [a(x=1)] [b(x=2)]', '2025-10')).toBeUndefined();
    expect(decode('] [[a(x=1)]', '2025-10')).toEqual([['a', ['x', 1n]]]);
    expect(decode('[0, 1) then [a(x=1)]', '2025-10')).toBeUndefined();
    expect(decode('] [b(x=2)]', '2025-10', true)).toBeUndefined();
  });

  test.each([
    ['int(7) + 0', 7n],
    ["[{'a': 1}] * 1", [new Map([['a', 1n]])]],
    ['True | False', true],
    ["{'a': 1} | {'a': 2}", new Map([['a', 2n]])],
    ["str(5) + 'x'.upper()", '5X'],
    ["'%d of %s' % (2, [3])", '2 of [3]'],
    ['[1, 2, 3][::-1] + sorted({2: 1})', [3n, 2n, 1n, 2n]],
    ['len([1, 2]) * (1 if 0 in [0] else 2)', 2n],
    ['...', '...'],
  ])('operations are what Python makes of them: %s', (given, value) => {
    expect(decode(`[f(x=${given})]`, '2025-10')).toEqual([['f', ['x', value]]]);
  });

  test.each(['x={1}', 'x=-(-1)', 'x=1 / 0', 'x=a + 1', 'x=1 < 2', "x=f'{a}'", 'x=10 ** 10 ** 10'])(
    '%s has no value, and the reply none either',
    (given) => {
      expect(decode(`[f(${given})]`, '2025-10')).toBeUndefined();
    },
  );

  test('equal keys of a dict are one', () => {
    const [call] = decodeCalls(
      "[f(x={1: 'a', True: 'b', 1.0: 'c', (1,): 'd', 'k': 'e'})]",
      '2025-10',
      false,
    )!;
    expect([...(call!.arguments.get('x') as ReadonlyMap<unknown, unknown>).values()]).toEqual([
      'c',
      'd',
      'e',
    ]);
  });
});

test('a reply that is as deep as can be is judged like any other', () => {
  const deep = `${'{"k": ['.repeat(99)}1${']}'.repeat(99)}`;
  expect(errorOf(`[set_timer(label=${deep})]`, '{"set_timer": {"label": "tea"}}')).toBe('type_error');
  const sum = `1${' + 1'.repeat(2900)}`;
  expect(
    errorOf(`[set_timer(label='tea', minutes=${sum})]`, '{"set_timer": {"label": "tea", "minutes": 1}}'),
  ).toBeNull();
  const name = `a${'.b'.repeat(2900)}`;
  expect(errorOf(`[${name}()]`, '{"set_timer": {"label": "tea"}}')).toBe('function_mismatch');
});

test('whatever a model writes gets a verdict', () => {
  const parts =
    '[ ] ( ) { } , : = == := * ** - + . .. 1 0x 1e 5.0 a set_timer label \' " \\ f\' b" lambda for in if else not None \n \0 \ud800 é'.split(
      ' ',
    );
  const text = fc.array(fc.constantFrom(...parts, 'set_timer(label=', ' ')).map((chosen) => chosen.join(''));
  const gold = [json('{"set_timer": {"label": "tea"}}')];
  const seen = { decoded: 0, undecoded: 0 };
  fc.assert(
    fc.property(text, fc.constantFrom<Revision>('2025-08', '2025-10'), (reply, revision) => {
      const calls = decodeCalls(`[set_timer(label=${reply})]`, revision, false);
      seen[calls === undefined ? 'undecoded' : 'decoded'] += 1;
      return calls === undefined || 'valid' in judgeCalls(calls, gold, [timer]);
    }),
    { numRuns: 1000, seed: 1 },
  );
  expect(seen.decoded).toBeGreaterThan(10);
  expect(seen.undecoded).toBeGreaterThan(10);
});

describe('calls', () => {
  const gold = '{"set_timer": {"label": "green tea", "minutes": 5}}';

  test.each([
    ["[set_timer(label='green tea', minutes=5)]", null],
    // Numbers are checked by their type, texts have to hold the wanted one, and what is not required may be left out.
    ["[set_timer(label='My Green-Tea!', minutes=6)]", null],
    ["[set_timer(label='green tea')]", null],
    ['[set_timer(minutes=5)]', 'lack_args'],
    ["[set_timer(label='green tea', loud=True)]", 'addition_args'],
    ["[set_timer(label='green tea', volume=1)]", 'addition_args'],
    ["[set_timer(label='tea')]", 'value_error:string'],
    ["[set_timer(label='green tea', minutes='5')]", 'type_error'],
    ['[set_timer()]', 'wrong_param'],
    ['[clock()]', 'function_mismatch'],
    ['[]', 'wrong functions number'],
  ])('%s', (reply, error) => {
    expect(errorOf(reply, gold)).toBe(error);
  });

  test('a function without parameters wants none', () => {
    expect(errorOf('[clock()]', '{"clock": {}}')).toBeNull();
    expect(errorOf('[clock(zone=1)]', '{"clock": {}}')).toBe('wrong_param');
  });

  test('one call may serve for two that are wanted, in any order', () => {
    const two = '{"set_timer_1": {"label": "tea"}, "set_timer_2": {"label": "green tea"}}';
    expect(errorOf("[set_timer(label='green tea'), set_timer(label='eggs')]", two)).toBeNull();
  });

  test('where no call is right, the error is that of the last call', () => {
    const two = '{"set_timer": {"label": "tea"}, "clock": {}}';
    expect(errorOf("[set_timer(label='eggs'), clock()]", two)).toBe('simple_function_checker:unclear');
    expect(errorOf("[clock(), set_timer(label='eggs')]", two)).toBe('value_error:string');
  });

  test('a document whose name is a part of the function is taken for its own', () => {
    const part = json('{"name": "timer", "parameters": {"properties": {"x": {"type": "string"}}}}');
    expect(errorOf("[set_timer(label='tea')]", '{"set_timer": {"label": "tea"}}', [part, timer])).toBe(
      'wrong_function_name',
    );
  });

  test('of alternatives one is enough, and the error is that of the first', () => {
    const golds = [json('{"set_timer": {"label": "tea"}}'), json('{"clock": {}}')];
    const judged = (reply: string) =>
      judgeCalls(decodeCalls(reply, '2025-10', false)!, golds, [timer, clock]);
    expect(judged('[clock()]')).toEqual({ valid: true });
    expect(judged("[set_timer(label='eggs')]")).toEqual({ valid: false, error: 'value_error:string' });
  });
});

describe('parameters', () => {
  const cases: readonly [type: string, value: Value, right: string, error: string | undefined][] = [
    ['"boolean"', false, 'true', undefined],
    ['"boolean"', 'true', 'true', undefined],
    ['"boolean"', 1n, 'true', undefined],
    ['"boolean"', 2n, 'true', 'type_error'],
    ['"integer"', 5, '5', undefined],
    ['"integer"', 5.5, '5', 'type_error'],
    // The right value is no int either: its type is all that is asked for.
    ['"number"', 7.5, '5.5', undefined],
    ['"number"', 7n, '5.5', undefined],
    ['"number"', '7', '5.5', 'type_error'],
    ['"string"', 'true', '"true"', 'type_error'],
    ['"string"', null, 'null', undefined],
    ['"enum"', 'a', '"b"', undefined],
    ['"enum"', 1n, '"b"', 'type_error'],
    ['"array", "items": {"type": "string"}', ['A b', 'c'], '["a.b", "c"]', undefined],
    ['"array", "items": {"type": "string"}', ['c', 'A b'], '["a.b", "c"]', 'value_error:list/tuple'],
    ['"array", "items": {"type": "string"}', new Tuple(['a']), '["a"]', 'type_error'],
    ['"array", "items": {"type": "integer"}', [1], '[1]', undefined],
    ['"array", "items": {"type": "integer"}', [], '[]', 'type_error'],
    // Items without a type are taken for objects, which texts are not.
    ['"array"', ['a'], '["a"]', 'value_error'],
    ['"list"', ['a'], '["a"]', undefined],
    ['"object"', new Map(), '{}', 'type_error'],
    ['"object"', new Map<string, Value>([['n', 15]]), '{"n": 5}', undefined],
    ['"object"', new Map<string, Value>([['n', '1 5']]), '{"n": 5}', undefined],
    ['"object"', new Map<string, Value>([['n', 'true']]), '{"n": true}', undefined],
    ['"object"', new Map<string, Value>([['n', ['a b']]]), '{"n": ["a b"]}', undefined],
    ['"object"', new Map<string, Value>([['n', ['ab']]]), '{"n": ["a b"]}', 'value_error'],
    ['"object"', new Map<string, Value>([['m', 5n]]), '{"n": 5}', 'value_error'],
    [
      '"object"',
      new Map<string, Value>([
        ['n', 5n],
        ['m', 5n],
      ]),
      '{"n": 5}',
      'value_error',
    ],
    ['"object"', new Map<string, Value>([['n', new Map([['m', 'X y']])]]), '{"n": {"m": "x"}}', undefined],
  ];

  test.each(cases)('type %s: %o for %s', (type, value, right, error) => {
    const property = json(`{"type": ${type}}`);
    expect(checkParameter(value, parseJson(right), property)).toBe(error);
  });

  test('lists of objects are compared place by place', () => {
    const property = json('{"type": "array", "items": {"type": "object"}}');
    const [a, b] = [new Map([['n', 1n]]), new Map([['n', 2n]])];
    expect(checkParameter([a, b], parseJson('[{"n": 1}, {"n": 2}]'), property)).toBeUndefined();
    expect(checkParameter([b, a], parseJson('[{"n": 1}, {"n": 2}]'), property)).toBe('value_error');
    expect(checkParameter([a], parseJson('[{"n": 1}, {"n": 2}]'), property)).toBe(
      'value_error:list_dict_count',
    );
  });
});

test('special requests want the words of the benchmark', () => {
  const gold = json('{"set_timer": ["label", "minutes"]}');
  const judged = (reply: string) => judgeSpecial(reply, 'incomplete', gold);
  expect(judged('Missing necessary parameters (minutes, label) for the api (set_timer)')).toEqual({
    valid: true,
  });
  expect(judged('Missing necessary parameters (minutes) for set_timer')).toMatchObject({
    error: 'error_correction',
  });
  expect(judged('What label?')).toMatchObject({ error: 'error_detection' });
  const wrong = json('{"minutes": ["many"]}');
  expect(judgeSpecial('There is incorrect value (many)', 'error_param', wrong)).toEqual({ valid: true });
});
