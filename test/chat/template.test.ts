/** Chat templates: our own by its text, and against the real Qwen3 template where ../shared has it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readText } from '../../src/base/files.ts';
import { DEFAULT_TEMPLATE } from '../../src/chat/default-template.ts';
import type { Message, Tool } from '../../src/chat/messages.ts';
import { dumpLikePython } from '../../src/chat/python-json.ts';
import { renderAnswer, renderChat, renderPrompt, renderTarget } from '../../src/chat/template.ts';
import type { JsonValue } from '../../src/json/value.ts';

const qwenFolder = fileURLToPath(new URL('../../../shared/data/qwen3-tokenizer', import.meta.url));

const tools: Tool[] = [
  {
    name: 'set_timer',
    description: 'Starts a timer – "now"',
    parameters: {
      type: 'object',
      properties: { minutes: { type: 'number', default: 1.5 } },
      required: ['minutes'],
    },
  },
  { name: 'stop', description: '', parameters: {} },
];
const callTimer: Message = {
  role: 'assistant',
  content: '',
  reasoning: 'Tea takes\n3 minutes.',
  toolCalls: [
    { name: 'set_timer', arguments: { minutes: 3, labels: ['tée', null, true, {}] } },
    { name: 'stop', arguments: {} },
  ],
};
const conversation: Message[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hello' },
  { role: 'assistant', content: 'Hi!', reasoning: 'A greeting.' },
  { role: 'user', content: 'Tea, please' },
  callTimer,
  { role: 'tool', content: '{"ok": true}' },
  { role: 'tool', content: 'stopped' },
  { role: 'assistant', content: 'Done.', reasoning: 'Both worked.' },
];

describe('the default template', () => {
  it('renders tools, thoughts, calls and results', () => {
    expect(renderChat(DEFAULT_TEMPLATE, { messages: conversation, tools })).toBe(`<|im_start|>system
Be brief.

# Tools

You can call these functions:
<tools>
{"name": "set_timer", "description": "Starts a timer – \\"now\\"", "parameters": {"type": "object", "properties": {"minutes": {"type": "number", "default": 1.5}}, "required": ["minutes"]}}
{"name": "stop", "description": "", "parameters": {}}
</tools>

Write each call as JSON in <tool_call> tags, or answer in words.<|im_end|>
<|im_start|>user
Hello<|im_end|>
<|im_start|>assistant
Hi!<|im_end|>
<|im_start|>user
Tea, please<|im_end|>
<|im_start|>assistant
<think>
Tea takes
3 minutes.
</think>

<tool_call>
{"name": "set_timer", "arguments": {"minutes": 3, "labels": ["tée", null, true, {}]}}
</tool_call>
<tool_call>
{"name": "stop", "arguments": {}}
</tool_call><|im_end|>
<|im_start|>user
<tool_response>
{"ok": true}
</tool_response>
<tool_response>
stopped
</tool_response><|im_end|>
<|im_start|>assistant
<think>
Both worked.
</think>

Done.<|im_end|>
`);
  });

  it('has no system turn when there is nothing to say in it', () => {
    const messages: Message[] = [{ role: 'user', content: 'Hi' }];
    const text = renderChat(DEFAULT_TEMPLATE, { messages, addGenerationPrompt: true });
    expect(text).toBe('<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n');
    expect(renderChat(DEFAULT_TEMPLATE, { messages, addGenerationPrompt: true, enableThinking: false })).toBe(
      `${text}<think>\n\n</think>\n\n`,
    );
  });
});

describe('prompt and target', () => {
  it('meet behind <think>', () => {
    expect(renderPrompt(DEFAULT_TEMPLATE, { messages: [{ role: 'user', content: 'Hi' }] })).toMatch(
      /<\|im_start\|>assistant\n<think>$/,
    );
    expect(renderTarget({ role: 'assistant', content: 'Hi!', reasoning: '\nwell\n' })).toBe(
      '\nwell\n</think>\n\nHi!<|im_end|>',
    );
    expect(renderTarget({ role: 'assistant', content: 'Hi!' })).toBe('\n\n</think>\n\nHi!<|im_end|>');
  });

  it('do not open a thought twice where the template has opened it', () => {
    const thinking = "{{ '<|im_start|>assistant\\n<think>\\n' }}";
    expect(renderPrompt(thinking, { messages: [] })).toBe('<|im_start|>assistant\n<think>');
  });

  it('put calls below the content', () => {
    const message: Message = {
      role: 'assistant',
      content: 'Now:',
      toolCalls: [{ name: 'stop', arguments: {} }],
    };
    expect(renderAnswer(message)).toBe('Now:\n<tool_call>\n{"name": "stop", "arguments": {}}\n</tool_call>');
  });
});

describe('dumpLikePython', () => {
  it('agrees with the templates on any JSON', () => {
    const template = '{{ messages[0].content | tojson }}';
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const messages = [{ role: 'user', content: value as unknown as string }] as const;
        expect(renderChat(template, { messages })).toBe(dumpLikePython(value as JsonValue));
      }),
    );
  });

  it('writes what json.dumps(..., ensure_ascii=False) writes', () => {
    const value = { a: [1, 2.5, 'é\n"\u2028'], b: {}, c: [], d: null, e: false };
    expect(dumpLikePython(value)).toBe(
      '{"a": [1, 2.5, "é\\n\\"\u2028"], "b": {}, "c": [], "d": null, "e": false}',
    );
  });
});

describe('faults', () => {
  it('names a template that cannot be parsed, and a conversation that it refuses', () => {
    expect(() => renderChat('{% if %}', { messages: [] })).toThrow(/chat template cannot be parsed/);
    expect(() => renderChat("{{ raise_exception('roles must alternate') }}", { messages: [] })).toThrow(
      /cannot render this conversation \(roles must alternate\)/,
    );
  });
});

describe.skipIf(!existsSync(qwenFolder))('beside the Qwen3 template of ../shared', () => {
  const config = existsSync(qwenFolder) ? readText(join(qwenFolder, 'tokenizer_config.json')) : '{}';
  const { chat_template: qwen } = JSON.parse(config) as { chat_template: string };
  /** A rendering without the two sentences around the tools, which are our own. */
  const structure = (text: string): string =>
    text
      .replace(/(# Tools\n\n).*?(\n<tools>\n)/s, '$1$2')
      .replace(/(\n<\/tools>\n\n).*?(<\|im_end\|>\n<\|im_start\|>user)/s, '$1$2');

  it('is the same but for the wording around the tools', () => {
    for (let length = 2; length <= conversation.length; length++) {
      for (const options of [
        {},
        { tools },
        { tools, addGenerationPrompt: true },
        { enableThinking: false },
      ]) {
        const input = { messages: conversation.slice(0, length), ...options };
        expect(structure(renderChat(DEFAULT_TEMPLATE, input))).toBe(structure(renderChat(qwen, input)));
      }
    }
  });

  it('has the same rules for thoughts that stand in the content', () => {
    const messages: Message[] = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: '<think>\nold\n</think>\n\nHello' },
      { role: 'user', content: '<tool_response>\nx\n</tool_response>' },
      {
        role: 'assistant',
        content: '<think>\nnew\n</think>\n\nWell',
        toolCalls: [{ name: 'stop', arguments: {} }],
      },
    ];
    expect(renderChat(DEFAULT_TEMPLATE, { messages })).toBe(renderChat(qwen, { messages }));
  });

  it.each([
    ['ours', DEFAULT_TEMPLATE],
    ['Qwen3', qwen],
  ])('prompt + target is the rendered conversation: %s', (_, template) => {
    const answers: Message[] = [
      callTimer,
      { role: 'assistant', content: 'Fine.' },
      { role: 'assistant', content: '\nNow:', reasoning: 'ok', toolCalls: [{ name: 'stop', arguments: {} }] },
    ];
    for (const answer of answers) {
      const messages: Message[] = [{ role: 'user', content: 'Tea' }];
      const whole = renderChat(template, { messages: [...messages, answer], tools });
      expect(`${renderPrompt(template, { messages, tools })}${renderTarget(answer)}\n`).toBe(whole);
    }
  });
});
