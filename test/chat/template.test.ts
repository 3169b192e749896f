/** Chat templates: our own by its text, and against the real Qwen3 template. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hermes } from '../../src/chat/formats/hermes.ts';
import { DEFAULT_TEMPLATE } from '../../src/chat/default-template.ts';
import type { Message, Tool } from '../../src/chat/messages.ts';
import {
  answerText,
  ChatTemplate,
  type ChatInput,
  OWN_TEMPLATE,
  type RenderOptions,
  targetAfter,
} from '../../src/chat/template.ts';
import { dumps } from '../../src/json/dumps.ts';
import { fromJson } from '../../src/json/python.ts';
import type { JsonValue } from '../../src/json/value.ts';

/** Renders with a template's source. */
const renderChat = (source: string, { messages, tools, ...options }: ChatInput & RenderOptions): string =>
  new ChatTemplate(source).render({ messages, ...(tools === undefined ? {} : { tools }) }, options);

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
  const hi: Message[] = [{ role: 'user', content: 'Hi' }];
  /** A template whose prompt ends with `end` behind the assistant's header. */
  const ending = (end: string): ChatTemplate =>
    new ChatTemplate(
      `{%- for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{{ ${JSON.stringify(end)} }}{% endif %}`,
    );

  const targetOrFault = (template: ChatTemplate, answer: Message): string => {
    try {
      return template.turn({ messages: hi }, answer).target;
    } catch (thrown) {
      return String(thrown);
    }
  };

  it('meet where the assistant begins to write, as every server shows it', () => {
    const { prompt, target } = OWN_TEMPLATE.turn(
      { messages: hi },
      { role: 'assistant', content: 'Hi!', reasoning: '\nwell\n' },
    );
    expect(prompt).toBe('<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n');
    expect(target).toBe('<think>\nwell\n</think>\n\nHi!<|im_end|>');
  });

  it.each([
    ['', 'Hi!<|im_end|>', '<think>\nwell\n</think>\n\nHi!<|im_end|>'],
    ['<think>', '\n\n</think>\n\nHi!<|im_end|>', '\nwell\n</think>\n\nHi!<|im_end|>'],
    ['<think>\n', '\n</think>\n\nHi!<|im_end|>', 'well\n</think>\n\nHi!<|im_end|>'],
    ['<think>\n\n</think>\n\n', 'Hi!<|im_end|>', /closes the thought.*set `thinking: on`/],
  ])('have a thought that the template has opened, closed or not mentioned: %j', (end, plain, thought) => {
    const template = ending(end);
    expect(template.turn({ messages: hi }, { role: 'assistant', content: 'Hi!' })).toEqual({
      prompt: `<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n${end}`,
      target: plain,
    });
    expect(targetOrFault(template, { role: 'assistant', content: 'Hi!', reasoning: 'well' })).toMatch(
      thought,
    );
  });

  it('tell the day of training wherever they are rendered', () => {
    const source =
      '{%- if not date_string is defined %}{%- set date_string = strftime_now(\'%d %b %Y\') %}{%- endif %}{{- date_string }} {{ strftime_now("%-m") }}{# tools #}';
    const { source: fixed } = new ChatTemplate(source).fixed(undefined);
    expect(fixed).not.toContain('strftime_now');
    expect(renderChat(`{%- set date_string = 'today' %}${source}`, { messages: hi })).toBe('today 7');
    expect(renderChat(fixed, { messages: hi })).toBe('26 Jul 2024 7');
    expect(new ChatTemplate(fixed).fixed(undefined).source).toBe(fixed);
  });

  it('turn thoughts on for an answer that has one, where the template has them off', () => {
    const source = OWN_TEMPLATE.source.replace(
      'enable_thinking is defined and enable_thinking is false',
      'enable_thinking is not defined or enable_thinking is false',
    );
    const template = new ChatTemplate(source);
    const answer: Message = { role: 'assistant', content: 'Hi!' };
    expect(template.dependsOnServer).toBe(true);
    expect(OWN_TEMPLATE.dependsOnServer).toBe(false);
    expect(new ChatTemplate("{{ raise_exception('no system message') }}").dependsOnServer).toBe(false);
    const plain = template.turn({ messages: hi }, answer);
    expect(plain.prompt.endsWith('assistant\n<think>\n\n</think>\n\n')).toBe(true);
    expect(plain.target).toBe('Hi!<|im_end|>');
    const thought = template.turn({ messages: hi }, { ...answer, reasoning: 'well' });
    expect(thought.prompt.endsWith('assistant\n')).toBe(true);
    expect(thought.target).toBe('<think>\nwell\n</think>\n\nHi!<|im_end|>');
  });

  it('leave out a thought that nobody learns from where there is no place for it', () => {
    const closed = OWN_TEMPLATE.withThinking(false);
    const answer: Message = { role: 'assistant', content: 'Hi!', reasoning: 'well' };
    expect(closed.turn({ messages: hi }, answer, false).target).toBe('Hi!<|im_end|>');
    expect(OWN_TEMPLATE.turn({ messages: hi }, answer, false).target).toContain('<think>\nwell\n</think>');
  });

  it('are the same for every server once thoughts are fixed', () => {
    for (const enabled of [true, false]) {
      const fixed = OWN_TEMPLATE.withThinking(enabled);
      const wanted = OWN_TEMPLATE.prompt({ messages: hi }, enabled);
      for (const asked of [undefined, true, false])
        expect(fixed.prompt({ messages: hi }, asked)).toBe(wanted);
    }
  });

  describe.each(['functiongemma', 'granite', 'lfm2', 'llama3', 'qwen2_5', 'qwen3_5', 'own'])(
    'of %s',
    (name) => {
      const file = new URL(`../golden/chat-templates/${name}.jinja`, import.meta.url);
      const tokens = { bos_token: '<bos>', eos_token: '<eos>' };
      const template =
        name === 'own'
          ? OWN_TEMPLATE.withThinking(false)
          : new ChatTemplate(readFileSync(file, 'utf8'), tokens);
      const tool = (name: string): Tool => ({
        name,
        description: `About ${name}.`,
        parameters: { type: 'object' },
      });
      const tools = [tool('stop'), tool('go')];
      const prompt = (one: ChatTemplate, shown: readonly Tool[] = tools): string =>
        one.prompt({ messages: hi, tools: shown });

      it('show no functions, as if none were given, in the same format', () => {
        const none = template.withPromptTools('none');
        expect(prompt(none)).toBe(prompt(template, []));
        expect(prompt(none)).not.toContain('stop');
        expect(none.format).toEqual(template.format);
      });

      it('show names and nothing else of functions', () => {
        const names = template.withPromptTools('names');
        for (const { name, description } of tools) {
          expect(prompt(names)).toContain(name);
          expect(prompt(names)).not.toContain(description);
        }
        expect(prompt(names, [])).toBe(prompt(template, []));
        expect(names.format).toEqual(template.format);
      });

      it('say of themselves what they show when they are read again, and can show all again', () => {
        for (const shown of ['all', 'names', 'none'] as const) {
          const { source } = template.withPromptTools(shown);
          const read = new ChatTemplate(source, tokens);
          expect(read.promptTools).toBe(shown);
          expect(read.withThinking(false).promptTools).toBe(shown);
          expect(read.withPromptTools(shown).source).toBe(source);
          expect(read.withPromptTools(undefined).source).toBe(source);
          expect(read.withPromptTools('all').source).toBe(template.source);
        }
      });
    },
  );

  it('ignore tags that stand in what the user says', () => {
    const messages: Message[] = [{ role: 'user', content: 'What is <think></think>?' }];
    const { prompt, target } = OWN_TEMPLATE.turn({ messages }, { role: 'assistant', content: 'A tag.' });
    expect(prompt.endsWith('<think></think>?<|im_end|>\n<|im_start|>assistant\n')).toBe(true);
    expect(target).toBe('<think>\n\n</think>\n\nA tag.<|im_end|>');
    expect(targetAfter(prompt, '', 'A tag.', hermes)).toBe(target);
  });

  it('put calls below the content', () => {
    const toolCalls = [{ name: 'stop', arguments: {} }];
    expect(answerText({ content: 'Now:', toolCalls }, hermes)).toBe(
      'Now:\n<tool_call>\n{"name": "stop", "arguments": {}}\n</tool_call>',
    );
  });
});

describe('tojson', () => {
  it('writes any JSON in a call as Python does', () => {
    const template = '{{ messages[0].tool_calls[0].function.arguments | tojson }}';
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false })), (value) => {
        const toolCalls = [{ name: 'f', arguments: value as Record<string, JsonValue> }];
        const messages = [{ role: 'assistant', content: '', toolCalls }] as const;
        expect(renderChat(template, { messages })).toBe(dumps(fromJson(value as JsonValue)));
      }),
    );
  });
});

describe('what templates ask for', () => {
  it('knows special tokens, the day, and ranges that end', () => {
    const template = new ChatTemplate(
      "{{ bos_token }}{{ strftime_now('%d %b %Y, %A %-d') }}{% for i in range(2) %}{{ i }}{% endfor %}{{ eos_token }}{{ sep_token }}",
      { bos_token: '<s>', eos_token: '</s>' },
    );
    expect(template.render({ messages: [] })).toBe('<s>26 Jul 2024, Friday 2601</s>');
    expect(() => new ChatTemplate('{{ range(1000000000) }}').render({ messages: [] })).toThrow(
      /range\(\) of more than 100000 items/,
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

describe('beside the Qwen3 template', () => {
  const config = readFileSync(
    new URL('../golden/qwen3-tokenizer/tokenizer_config.json', import.meta.url),
    'utf8',
  );
  const { chat_template: qwen } = JSON.parse(config) as { chat_template: string };
  /** A rendering without the two sentences around the tools, which are our own, and what servers put around each. */
  const structure = (text: string): string =>
    text
      .replace(/(# Tools\n\n).*?(\n<tools>\n)/s, '$1$2')
      .replace(/(\n<\/tools>\n\n).*?(<\|im_end\|>\n<\|im_start\|>user)/s, '$1$2')
      .replace(/^\{"type": "function", "function": (.*)\}$/gm, '$1');

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
      const { prompt, target } = new ChatTemplate(template).turn({ messages, tools }, answer);
      expect(`${prompt}${target}\n`).toBe(whole);
    }
  });
});
