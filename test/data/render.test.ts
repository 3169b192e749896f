/** Training records: boundaries, shared prefixes, masks, and how they look. */
import { describe, expect, it } from 'vitest';
import { hermes } from '../../src/chat/formats/hermes.ts';
import { trainTokenizer } from '../../src/chat/bpe-trainer.ts';
import { ChatTemplate, OWN_TEMPLATE } from '../../src/chat/template.ts';
import type { Dialogue, Tool } from '../../src/chat/messages.ts';
import { inspectRecord } from '../../src/data/inspect.ts';
import { makeRecord, maskOf, renderDialogue } from '../../src/data/render.ts';

const tokenizer = trainTokenizer(['set the timer to ten minutes, please', 'timers and minutes'], {
  size: 290,
});
const tools: Tool[] = [{ name: 'set_timer', description: 'Starts a timer', parameters: { type: 'object' } }];

function dialogue(question: string, changes: Partial<Dialogue> = {}): Dialogue {
  return {
    id: 'd1',
    category: 'single',
    tools,
    messages: [
      { role: 'user', content: question },
      {
        role: 'assistant',
        content: '',
        reasoning: 'Ten.',
        toolCalls: [{ name: 'set_timer', arguments: { minutes: 10 } }],
      },
    ],
    ...changes,
  };
}

describe('renderDialogue', () => {
  const record = renderDialogue(dialogue('set the timer'), tokenizer, OWN_TEMPLATE);

  it('has the boundary where the assistant begins to write', () => {
    expect(record.prompt.endsWith('<|im_start|>assistant\n')).toBe(true);
    expect(record.targetIds[0]).toBe(tokenizer.idOf('<think>'));
    expect(record.targetIds.at(-1)).toBe(tokenizer.eosId);
    expect(record.target).toBe(
      '<think>\nTen.\n</think>\n\n<tool_call>\n{"name": "set_timer", "arguments": {"minutes": 10}}\n</tool_call><|im_end|>',
    );
  });

  it('has the tokens of its texts, also in one piece', () => {
    expect(tokenizer.decode(record.promptIds)).toBe(record.prompt);
    expect(tokenizer.decode(record.targetIds)).toBe(record.target);
    expect([...record.promptIds, ...record.targetIds]).toEqual([
      ...tokenizer.encode(record.prompt + record.target),
    ]);
  });

  it('shares the system block, and nothing more, with dialogues of the same tools', () => {
    const other = renderDialogue(dialogue('please stop'), tokenizer, OWN_TEMPLATE);
    expect(other.systemLength).toBe(record.systemLength);
    const system = record.promptIds.slice(0, record.systemLength);
    expect(other.promptIds.slice(0, record.systemLength)).toEqual(system);
    expect(tokenizer.decode(system)).toMatch(/^<\|im_start\|>system\n.*<\|im_end\|>\n$/s);
    expect(record.promptIds[record.systemLength]).toBe(tokenizer.idOf('<|im_start|>'));
  });

  it('has no system block without tools and system message', () => {
    expect(renderDialogue(dialogue('hi', { tools: [] }), tokenizer, OWN_TEMPLATE).systemLength).toBe(0);
  });

  it('names the dialogue that the template refuses', () => {
    const picky = new ChatTemplate("{{ raise_exception('System role not supported') }}");
    expect(() => renderDialogue(dialogue('hi'), tokenizer, picky)).toThrow(
      /^Dialogue d1: .*\(System role not supported\)/,
    );
  });

  it('refuses a dialogue without a gold answer', () => {
    const unanswered = dialogue('hi', { messages: [{ role: 'user', content: 'hi' }] });
    expect(() => renderDialogue(unanswered, tokenizer, OWN_TEMPLATE)).toThrow(
      /^Dialogue d1: The record does not end with/,
    );
  });

  it('renders thousands of dialogues a second', () => {
    const begin = performance.now();
    for (let i = 0; i < 500; i++) renderDialogue(dialogue(`set timer ${i}`), tokenizer, OWN_TEMPLATE);
    // About 0.2 ms each on an idle core; the bound leaves room for a busy machine.
    expect((performance.now() - begin) / 500).toBeLessThan(5);
  });
});

describe('maskOf', () => {
  const record = renderDialogue(dialogue('set the timer'), tokenizer, OWN_TEMPLATE);
  const counted = (kind: 'all' | 'think' | 'answer'): string => {
    const mask = maskOf(record, kind);
    return tokenizer.decode(record.targetIds.filter((_, index) => mask[index] === 1));
  };

  it('splits the target behind </think>', () => {
    expect(counted('all')).toBe(record.target);
    expect(counted('think')).toBe('<think>\nTen.\n</think>');
    expect(counted('answer')).toMatch(/^\n\n<tool_call>.*<\|im_end\|>$/s);
  });

  it('counts all as the answer where the prompt has closed the thought', () => {
    const prompt = '<|im_start|>assistant\n<think>\n\n</think>\n\n';
    const closed = makeRecord(
      { id: 'x', category: 'closed', prompt, target: 'Hi<|im_end|>' },
      tokenizer,
      hermes,
    );
    expect(maskOf(closed, 'answer')).toEqual(maskOf(closed, 'all'));
    expect(maskOf(closed, 'think').every((one) => one === 0)).toBe(true);
  });

  it('takes a thought that was never closed for thinking throughout', () => {
    const cut = makeRecord(
      { id: 'x', category: 'cut', prompt: '<think>', target: '\nand so on' },
      tokenizer,
      hermes,
    );
    expect(maskOf(cut, 'think')).toEqual(maskOf(cut, 'all'));
    expect(maskOf(cut, 'answer').every((one) => one === 0)).toBe(true);
  });
});

describe('inspectRecord', () => {
  const texts = {
    id: 'r1',
    category: 'text',
    prompt: '<|im_start|>user\nhi<think>',
    target: '\n</think>é<|im_end|>',
  };
  const record = makeRecord(texts, tokenizer, hermes);

  it('shows tokens, line breaks, counts and the mask', () => {
    expect(inspectRecord(record, tokenizer, { mask: 'answer' })).toMatchInlineSnapshot(`
      "r1 (text): prompt 8 tokens, 0 of them system; target 5 tokens, 2 of them thinking; mask "answer" counts 3
      <|im_start|>user↵
      hi<think>↵
      </think>[\\xc3][\\xa9][<|im_end|>]
      "
    `);
  });

  it('is coloured on request', () => {
    const text = inspectRecord(record, tokenizer, { mask: 'think', color: true });
    expect(text).toContain('\x1b[2m<|im_start|>user↵\x1b[0m\n');
    expect(text).toContain('</think>\x1b[0m');
    expect(text).toContain('\x1b[2m<|im_end|>\x1b[0m');
  });
});
