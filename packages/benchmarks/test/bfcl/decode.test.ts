import { describe, expect, test } from 'vitest';
import { decodeReply, decodeResponse, decodeStep, splitThought } from '../../src/bfcl/decode.ts';
import { parseJson } from '../../../../src/json/parse.ts';
import type { PyValue } from '../../../../src/json/python.ts';

const block = (json: string): string => `<tool_call>\n${json}\n</tool_call>`;
const call = { name: 'f', arguments: new Map([['a', 1n]]) };
const good = block('{"name": "f", "arguments": {"a": 1}}');

test('what follows the last thought is the reply; the first thought is the reasoning', () => {
  expect(splitThought('<think>\na\n</think>\n\nb')).toEqual({ text: 'b', reasoning: 'a' });
  expect(splitThought('a</think>b</think>\nc')).toEqual({ text: 'c', reasoning: 'a' });
  expect(splitThought('<think>never ends')).toEqual({ text: '<think>never ends', reasoning: '' });
});

describe('decoding', () => {
  test.each(['v3', 'head'] as const)('text without blocks has no calls, which is no error (%s)', (rule) => {
    for (const text of ['', 'Hello.', '<tool_call>{}</tool_call>', '<tool_call>\n{"name": "f"'])
      expect(decodeReply(text, rule)).toEqual({ ok: true, calls: [] });
  });

  test.each(['v3', 'head'] as const)(
    'a call without name or object of arguments cannot be decoded (%s)',
    (rule) => {
      for (const json of [
        '{"name": "f"}',
        '{"arguments": {}}',
        '{"name": "f", "arguments": "{}"}',
        '{"name": ["f"], "arguments": {}}',
      ])
        expect(decodeReply(block(json), rule)).toEqual({ ok: false, error: 'ast_decoder:decoder_failed' });
    },
  );

  test('a broken block voids the reply by the rule of version 3, and is passed over by that of version 4', () => {
    const text = `${block('{broken')}\n${good}`;
    expect(decodeReply(text, 'v3')).toEqual({ ok: true, calls: [] });
    expect(decodeReply(text, 'head')).toEqual({ ok: true, calls: [call] });
    expect(decodeReply(block('[1]'), 'v3')).toEqual({ ok: true, calls: [] });
    expect(decodeReply(block('[1]'), 'head')).toEqual({ ok: false, error: 'ast_decoder:decoder_failed' });
  });
});

test.each<[string, unknown]>([
  ['[{"f": "{\\"a\\": 1}"}]', { ok: true, calls: [call] }],
  ['[{"f": "{\\"a\\": 1}", "g": 7}]', { ok: true, calls: [call] }],
  ['[]', { ok: true, calls: [] }],
  ['null', { ok: false, error: 'ast_decoder:decoder_failed' }],
  ['[{}]', { ok: false, error: 'ast_decoder:decoder_failed' }],
  ['[{"f": {"a": 1}}]', { ok: false, error: 'ast_decoder:decoder_failed' }],
  ['[{"f": null}]', { ok: false, error: 'ast_decoder:decoder_failed' }],
  ['[{"f": "[1]"}, {}]', { ok: false, error: 'ast_decoder:decoder_failed' }],
  ['[{"f": "{"}]', { ok: false, error: 'ast_decoder:decoder_failed' }],
  ['["f"]', { ok: false, error: 'ast_decoder:decoder_failed' }],
  ['[{"f": "[1]"}]', { ok: false, error: 'ast_decoder:decoder_wrong_output_format' }],
])('a response that is a list, %s', (json, decoded) => {
  expect(decodeResponse(parseJson(json) as PyValue[], 'v3')).toEqual(decoded);
});

test('steps become calls in Python; arguments may be JSON in a text there', () => {
  const text = `${good}${block('{"name": "g", "arguments": "{\\"b\\": [true, null, \\"x\\"]}"}')}`;
  expect(decodeStep(text, 'v3')).toEqual(['f(a=1)', "g(b=[True, None, 'x'])"]);
  expect(decodeStep(`${good}${block('{"name": "g"}')}`, 'v3')).toEqual([]);
  expect(decodeStep(`${good}${block('{')}`, 'v3')).toEqual([]);
  expect(decodeStep(`${good}${block('{')}`, 'head')).toEqual(['f(a=1)']);
});

test('a step may be a list of calls, which counts as a whole or not at all', () => {
  const step = (json: string) => decodeStep(parseJson(json) as PyValue[], 'v3');
  expect(step('[{"f": "{\\"a\\": 1.0}"}, {"g": {"b": null}}]')).toEqual(['f(a=1.0)', 'g(b=None)']);
  expect(step('[{"f": {"a": 1}}, {"g": "{"}]')).toEqual([]);
  expect(step('[{"f": {"a": 1}}, "g"]')).toEqual([]);
  expect(step('[]')).toEqual([]);
  expect(step('{"f": "{}", "g": {}}')).toEqual(['f()', 'g()']);
  expect(step('null')).toEqual([]);
});
