/** Tool-call formats: chosen by a template's text, rendered as transformers renders them, and read back. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formats, type FormatName } from '../../src/chat/formats/index.ts';
import { parseGeneration } from '../../src/chat/generation.ts';
import type { ExactMessage } from '../../src/chat/messages.ts';
import { ChatTemplate, OWN_TEMPLATE } from '../../src/chat/template.ts';
import { argumentsIn, toolTable } from '../../src/chat/tools.ts';
import { toTools } from '../../src/chat/tool-documents.ts';
import { dumps } from '../../src/json/dumps.ts';
import { parseJson } from '../../src/json/parse.ts';
import { type PyDict, type PyValue } from '../../src/json/python.ts';
import { readRecord } from '../../src/data/record.ts';

const FOLDER = new URL('../golden/chat-templates/', import.meta.url);
const golden = parseJson(readFileSync(new URL('expected.json', FOLDER), 'utf8')) as PyDict;
const at = (dict: PyValue | undefined, key: string): PyValue | undefined => (dict as PyDict).get(key);
const conversations = [...(golden.get('conversations') as PyDict).keys()];

const templateOf = (name: string): ChatTemplate =>
  new ChatTemplate(readFileSync(new URL(`${name}.jinja`, FOLDER), 'utf8'), {
    bos_token: '<bos>',
    eos_token: '<eos>',
  });

/** A conversation as a record, with its tools. */
function recordOf(name: string): {
  readonly messages: readonly ExactMessage[];
  readonly tools: readonly PyDict[];
} {
  const tools = name === 'words' || name === 'system' ? [] : golden.get('tools')!;
  return readRecord(
    new Map([
      ['id', 'x'],
      ['messages', at(golden.get('conversations'), name)!],
      ['tools', tools],
    ]),
    'here',
  );
}

const TEMPLATES: readonly (readonly [
  template: string,
  format: FormatName,
  assistant: string,
  end: string,
])[] = [
  ['functiongemma', 'functiongemma', '<start_of_turn>model\n', '<end_of_turn>'],
  ['granite', 'hermes', '<|start_of_role|>assistant<|end_of_role|>', '<|end_of_text|>'],
  ['lfm2', 'lfm2', '<|im_start|>assistant\n', '<|im_end|>'],
  ['llama3', 'llama3', '<|start_header_id|>assistant<|end_header_id|>\n\n', '<|eot_id|>'],
  ['qwen2_5', 'hermes', '<|im_start|>assistant\n', '<|im_end|>'],
  ['qwen3_5', 'qwen3_5', '<|im_start|>assistant\n', '<|im_end|>'],
];

describe.each(TEMPLATES)('the template of %s', (name, format, assistant, end) => {
  const template = templateOf(name);
  const cases = conversations.filter((one) => at(at(golden.get('expected'), name), one) !== null);
  const expected = (conversation: string, what: 'prompt' | 'whole'): string =>
    at(at(at(golden.get('expected'), name), conversation), what) as string;

  it('has its format, its turns and its thoughts', () => {
    expect(template.format).toMatchObject({ name: format, assistant, thinks: name === 'qwen3_5' });
    expect(template.format.turn.close).toBe(end);
    expect(template.formatReason).toMatch(
      new RegExp(`^tool-call format: ${format}, because the chat template writes .`),
    );
  });

  it.each(cases)('renders as transformers does: %s', (conversation) => {
    const { messages, tools } = recordOf(conversation);
    expect(template.prompt({ messages: messages.slice(0, -1), tools })).toBe(
      expected(conversation, 'prompt'),
    );
    expect(template.render({ messages, tools })).toBe(expected(conversation, 'whole'));
  });

  it.each(cases)('gives a target that is what the template writes, and is read back: %s', (conversation) => {
    const { messages, tools } = recordOf(conversation);
    const last = messages.at(-1)!;
    const { prompt, target } = template.turn({ messages: messages.slice(0, -1), tools }, last);
    expect(prompt + target).toBe(expected(conversation, 'whole').trimEnd());
    const answer = target.slice(0, -end.length);
    const read = parseGeneration(
      answer,
      { ...template.format, thinks: false },
      argumentsIn(toolTable(toTools(tools))),
    );
    const calls = (last.toolCalls ?? []).map((call) => [
      call.name,
      dumps(call.arguments, { sortKeys: true }),
    ]);
    const made =
      read.kind === 'calls'
        ? read.calls.map((call) => [call.name, dumps(call.arguments, { sortKeys: true })])
        : [];
    expect(made).toEqual(calls);
    expect(read.kind).toBe(calls.length > 0 ? 'calls' : 'reply');
  });
});

describe('a checkpoint', () => {
  const specialTokens = { bos_token: '<bos>' };
  const chatml = readFileSync(new URL('smollm2.jinja', FOLDER), 'utf8');
  const unknown = '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{{ tools }}';

  it('whose template shows no tools speaks as tinystar does, and says so', () => {
    const template = ChatTemplate.of({ chatTemplate: chatml, specialTokens });
    const { messages, tools } = recordOf('call');
    expect(template.prompt({ messages: messages.slice(0, -1), tools })).toBe(
      OWN_TEMPLATE.prompt({ messages: messages.slice(0, -1), tools }),
    );
    expect(template.formatReason).toBe(
      "tool-call format: hermes, because the checkpoint's chat template shows no tools, so that tinystar's own stands in its place",
    );
    // The exported file is read again.
    const exported = ChatTemplate.of({ chatTemplate: template.fixed(undefined).source, specialTokens });
    expect(exported.formatReason).toBe(template.formatReason);
  });

  it.each([
    [
      "with Qwen's turns",
      ['<|im_start|>', '<start_of_turn>'],
      '<|im_start|>user\n?<|im_end|>\n<|im_start|>assistant\n',
    ],
    [
      "with Gemma's turns",
      ['<start_of_turn>'],
      '<bos><start_of_turn>user\n?<end_of_turn>\n<start_of_turn>assistant\n',
    ],
    ['with neither', [], '<|im_start|>user\n?<|im_end|>\n<|im_start|>assistant\n'],
  ])('without a template and %s has prompts in them', (_, tokens, prompt) => {
    const findId = (token: string): number | undefined => (tokens.includes(token) ? 1 : undefined);
    const template = ChatTemplate.of({ chatTemplate: undefined, specialTokens, findId });
    expect(template.prompt({ messages: [{ role: 'user', content: '?' }] })).toBe(prompt);
    expect(template.format.turn.close).toBe(prompt.includes('<bos>') ? '<end_of_turn>' : '<|im_end|>');
  });

  it('whose template writes calls in no known form may be told one', () => {
    const template = ChatTemplate.of({ chatTemplate: unknown, specialTokens });
    expect(template.formatReason).toMatch(/^tool-call format: hermes, because .* in no form that is known$/);
    const named = template.fixed('off', 'lfm2');
    expect(named.formatReason).toBe('tool-call format: lfm2, because it was named');
    expect(new ChatTemplate(named.source).fixed(undefined, 'lfm2').format.name).toBe('lfm2');
    expect(() => templateOf('granite').fixed(undefined, 'lfm2')).toThrow(
      'tool_format is lfm2, and the chat template writes calls as hermes does',
    );
    expect(templateOf('lfm2').fixed(undefined, 'lfm2').format.name).toBe('lfm2');
  });
});

const MALFORMED: readonly (readonly [FormatName, string, string])[] = [
  ['hermes', '<tool_call>{"name"}</tool_call>', 'call_not_json'],
  ['hermes', '<tool_call>[1]</tool_call>', 'call_not_object'],
  ['hermes', '<tool_call>{"arguments": {}}</tool_call>', 'call_without_name'],
  ['hermes', '<tool_call>{"name": "f"}</tool_call>', 'call_without_arguments'],
  ['llama3', '{"name": "f", "parameters": {oops}}', 'call_not_json'],
  ['llama3', '<|python_tag|>search.call(query="x")', 'call_not_json'],
  ['llama3', '<|python_tag|>[1]', 'call_not_object'],
  ['llama3', '{"parameters": {}}', 'call_without_name'],
  ['llama3', '{"name": "f"}', 'call_without_arguments'],
  ['lfm2', '<|tool_call_start|>[f(1)]<|tool_call_end|>', 'call_not_python'],
  ['lfm2', '<|tool_call_start|>[f(a=b)]<|tool_call_end|>', 'call_not_python'],
  ['lfm2', '<|tool_call_start|>[f(a=1]<|tool_call_end|>', 'call_not_python'],
  ['lfm2', "<|tool_call_start|>[f(a='it's')]<|tool_call_end|>", 'call_not_python'],
  ['lfm2', '<|tool_call_start|>words<|tool_call_end|>', 'call_not_python'],
  ['lfm2', '<|tool_call_start|>[{"name": "f"}]<|tool_call_end|>', 'call_without_arguments'],
  ['functiongemma', '<start_function_call>f{}<end_function_call>', 'call_without_name'],
  ['functiongemma', '<start_function_call>call:f<end_function_call>', 'call_without_arguments'],
  ['functiongemma', '<start_function_call>call:f{a:Rome}<end_function_call>', 'call_not_declared'],
  ['functiongemma', '<start_function_call>call:f{a:<escape>Rome}<end_function_call>', 'call_not_declared'],
  ['functiongemma', '<start_function_call>call:f{a:1 b:2}<end_function_call>', 'call_not_declared'],
  ['functiongemma', '<start_function_call>call:f{a:1}}<end_function_call>', 'call_not_declared'],
  ['functiongemma', '<start_function_call>call:f{:1}<end_function_call>', 'call_not_declared'],
  ['qwen3_5', '<tool_call>{"name": "f", "arguments": {}}</tool_call>', 'call_not_xml'],
  ['qwen3_5', '<tool_call>\n<function=f>\nwords\n</function>\n</tool_call>', 'call_not_xml'],
  ['qwen3_5', '<tool_call>\n<function=>\n</function>\n</tool_call>', 'call_without_name'],
];

/** Calls of an answer, one line each. */
const readAll = (name: FormatName, answer: string, tools: readonly PyDict[] = []): string =>
  (() => {
    const read = parseGeneration(
      answer,
      { ...formats[name], thinks: false },
      argumentsIn(toolTable(toTools(tools))),
    );
    if (read.kind === 'malformed') return read.fault;
    if (read.kind === 'reply') return `"${read.reply}"`;
    return read.calls.map((call) => `${dumps(call.name)}${dumps(call.arguments)}`).join(' ');
  })();

describe('a generation', () => {
  it.each(MALFORMED)('of %s that is malformed has a reason: %s', (name, answer, fault) => {
    expect(readAll(name, answer)).toBe(fault);
  });

  it.each([
    ['hermes', '<tool_call>{"name": "f"'],
    ['llama3', '{"name": "f", "parameters": {"a": "}'],
    ['lfm2', '<|tool_call_start|>[f(a=1)]'],
    ['functiongemma', '<start_function_call>call:f{a:1}'],
    ['qwen3_5', '<tool_call>\n<function=f>\n'],
  ] as const)('of %s that begins a call and never ends it has none, and is no reply', (name, answer) => {
    expect(readAll(name, answer)).toBe('');
  });

  it.each(Object.keys(formats) as FormatName[])('of %s without calls is a reply', (name) => {
    expect(readAll(name, 'Yes {"a": 1} [f(x)] is 2.')).toBe('"Yes {"a": 1} [f(x)] is 2."');
  });

  // By vLLM's tests/tool_parsers/test_llama3_json_tool_parser.py.
  it.each([
    ['Here: {"name": "f", "parameters": {}} Would you like more?', '"f"{}'],
    ['{"name": "f", "arguments": {"query": "t"}}', '"f"{"query": "t"}'],
    ['{"name": "f", "parameters": {"q": "1"}}; {"name": "g", "parameters": {}}', '"f"{"q": "1"} "g"{}'],
    ['{"name": "f", "parameters": {}} ;\n{"name": "g", "parameters": {}}', '"f"{} "g"{}'],
    [
      '{"name": "f", "parameters": {"q": "t {v} [c]", "n": {"i": "\\"{"}}}',
      '"f"{"q": "t {v} [c]", "n": {"i": "\\"{"}}',
    ],
    ['{"name": "f", "parameters": {}} I passed {"query": "test"} to {f}.', '"f"{}'],
    ['<|python_tag|>{"name": "f", "parameters": {"a": 5.0}}', '"f"{"a": 5.0}'],
    ['{"type": "function", "name": "f", "parameters": {}}', '"f"{}'],
  ])('of Llama 3 has its calls wherever they stand: %s', (answer, calls) => {
    expect(readAll('llama3', answer)).toBe(calls);
  });

  it.each([
    ['[f(a=\'x, "y" (z)\', b=1), g()]', '"f"{"a": "x, \\"y\\" (z)", "b": 1} "g"{}'],
    [
      '[f(on=True, off=false, none=None, l=[1, \'a\'], d={"k": true})]',
      '"f"{"on": true, "off": false, "none": null, "l": [1, "a"], "d": {"k": true}}',
    ],
    ["[f(a='it\\'s\\n')]", '"f"{"a": "it\'s\\n"}'],
    ['[{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]', '"f"{"a": 1} "g"{}'],
    ['[]', ''],
  ])('of LFM2 is a list in Python or in JSON: %s', (list, calls) => {
    expect(readAll('lfm2', `Sure.<|tool_call_start|>${list}<|tool_call_end|>`)).toBe(calls);
  });

  // By FunctionGemma's formatting guide and vLLM's tests/tool_parsers/test_functiongemma_tool_parser.py; what is escaped stays a text here.
  it.each([
    [
      'call:get_weather{location:<escape>San Francisco<escape>,unit:<escape>celsius<escape>}',
      '"get_weather"{"location": "San Francisco", "unit": "celsius"}',
    ],
    ['call:f{}', '"f"{}'],
    [
      'call:f{n:42,x:-1.5,b:true,e:<escape>a,b}:<escape>,l:[1,<escape>x<escape>],d:{k:1,<escape>q r<escape>:false}}',
      '"f"{"n": 42, "x": -1.5, "b": true, "e": "a,b}:", "l": [1, "x"], "d": {"k": 1, "q r": false}}',
    ],
    ['call:f{n:<escape>42<escape>}', '"f"{"n": "42"}'],
  ])('of FunctionGemma has typed arguments: %s', (call, read) => {
    expect(
      readAll('functiongemma', `<start_function_call>${call}<end_function_call><start_function_response>`),
    ).toBe(read);
  });

  it('of Qwen3.5 has the types of its tool', () => {
    const types = { s: 'string', n: 'number', i: 'integer', b: 'boolean', a: 'array', o: 'object' };
    const tool = parseJson(
      JSON.stringify({
        name: 'f',
        description: '',
        parameters: {
          type: 'object',
          properties: {
            ...Object.fromEntries(Object.entries(types).map(([key, type]) => [key, { type }])),
            u: { type: ['string', 'null'] },
            v: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
          },
        },
      }),
    ) as PyDict;
    const call = (given: Readonly<Record<string, string>>): string =>
      `<tool_call>\n<function=f>\n${Object.entries(given)
        .map(([key, text]) => `<parameter=${key}>\n${text}\n</parameter>\n`)
        .join('')}</function>\n</tool_call>`;
    expect(
      readAll(
        'qwen3_5',
        call({
          s: '5',
          n: '5.0',
          i: '7',
          b: 'True',
          a: '["x"]',
          o: '{"k": 1}',
          u: 'null',
          v: 'None',
          w: '3',
        }),
        [tool],
      ),
    ).toBe(
      '"f"{"s": "5", "n": 5.0, "i": 7, "b": true, "a": ["x"], "o": {"k": 1}, "u": null, "v": null, "w": 3}',
    );
    expect(readAll('qwen3_5', call({ s: 'two\nlines', i: 'many', u: '4' }), [tool])).toBe(
      '"f"{"s": "two\\nlines", "i": "many", "u": "4"}',
    );
    expect(readAll('qwen3_5', call({ s: '5', t: 'x y' }))).toBe('"f"{"s": 5, "t": "x y"}');
  });
});
