/** BFCL asked through the templates of models that are not of Qwen's kind. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ChatTemplate, OWN_TEMPLATE } from '../../../../src/chat/template.ts';
import { parseJson } from '../../../../src/json/parse.ts';
import type { PyDict } from '../../../../src/json/python.ts';
import { decodeReply } from '../../src/bfcl/decode.ts';
import { inQwensFormat, ownTemplate, promptOf } from '../../src/bfcl/own-template.ts';

const templateOf = (name: string): ChatTemplate =>
  new ChatTemplate(
    readFileSync(new URL(`../../../../test/golden/chat-templates/${name}.jinja`, import.meta.url), 'utf8'),
  );
const tool = parseJson(
  '{"name": "f", "description": "", "parameters": {"type": "dict", "required": ["n"], "properties": {"n": {"type": "integer"}, "s": {"type": "string"}, "x": {"type": "float"}}}}',
) as PyDict;
const QWENS = '<tool_call>\n{"name": "f", "arguments": {"n": 5, "s": "5", "x": 2.5}}\n</tool_call>';

it.each([
  ['llama3', '{"name": "f", "parameters": {"n": 5, "s": "5", "x": 2.5}}<|eot_id|>'],
  ['lfm2', "<|tool_call_start|>[f(n=5, s='5', x=2.5)]<|tool_call_end|><|im_end|>"],
  ['functiongemma', '<start_function_call>call:f{n:5,s:<escape>5<escape>,x:2.5}<end_function_call>'],
  [
    'qwen3_5',
    '<tool_call>\n<function=f>\n<parameter=n>\n5\n</parameter>\n<parameter=s>\n5\n</parameter>\n<parameter=x>\n2.5\n</parameter>\n</function>\n</tool_call>',
  ],
  ['granite', `${QWENS}<|end_of_text|>`],
])('a model of %s is asked and read as its template has it', (name, written) => {
  const own = ownTemplate({ template: templateOf(name) });
  expect(own?.source).toBe(templateOf(name).source);
  const { text } = promptOf([{ role: 'user', content: 'Do it' }], [tool], own, '');
  // Qwen3.5's prompts have closed the thought behind it.
  expect(text?.endsWith(own?.format.assistant ?? '?')).toBe(name !== 'qwen3_5');
  expect(text).toContain('Do it');
  const read = inQwensFormat(written, [tool], own);
  expect(read).toContain(QWENS);
  expect(decodeReply(read, 'v3')).toMatchObject({ ok: true, calls: [{ name: 'f' }] });
});

it("Qwen's kind is asked with the official prompts, and an answer that cannot be read stays as it is", () => {
  expect(ownTemplate({ template: OWN_TEMPLATE })).toBeUndefined();
  expect(ownTemplate({})).toBeUndefined();
  expect(inQwensFormat(QWENS, [tool], undefined)).toBe(QWENS);
  const broken = '<|tool_call_start|>[f(5)]<|tool_call_end|>';
  expect(inQwensFormat(broken, [tool], templateOf('lfm2'))).toBe(broken);
  expect(inQwensFormat('No.', [tool], templateOf('lfm2'))).toBe('No.');
});
