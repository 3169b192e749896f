/** Dialogues of one tool set in one tree: each is trained on as it is, whatever its system says. */
import { expect, it } from 'vitest';
import { trainTokenizer } from '../../src/chat/bpe-trainer.ts';
import { OWN_TEMPLATE } from '../../src/chat/template.ts';
import type { Dialogue, Tool } from '../../src/chat/messages.ts';
import { renderDialogue } from '../../src/data/render.ts';
import { groupExample } from '../../src/train/shared-prefix.ts';

const tokenizer = trainTokenizer(['set the timer to ten minutes, please'], { size: 290 });
const tool: Tool = { name: 'set_timer', description: '', parameters: { type: 'object', properties: {} } };

const dialogue = (tools: readonly Tool[], system: string, request: string): Dialogue => ({
  id: request,
  category: 'all',
  tools,
  messages: [
    ...(system === '' ? [] : [{ role: 'system', content: system } as const]),
    { role: 'user', content: request },
    { role: 'assistant', content: `You said ${request}.` },
  ],
});

it.each([
  ['one system and tools', [tool], ['Be brief.', 'Be brief.'], true],
  ['systems of their own', [tool], ['Be brief.', 'Be long, and say please.', ''], false],
  ['neither tools nor a system', [], ['', ''], false],
  ['a system that only one of them has', [], ['', 'Be brief.'], false],
] as const)('dialogues with %s keep all of their tokens', (_, tools, systems, shared) => {
  const dialogues = systems.map((system, i) => dialogue(tools, system, `request ${i}`));
  const { prompt, completions } = groupExample(dialogues, { tokenizer, template: OWN_TEMPLATE });
  const records = dialogues.map((one) => renderDialogue(one, tokenizer, OWN_TEMPLATE));
  expect(completions.map(({ tokens }) => [...prompt, ...tokens])).toEqual(
    records.map(({ promptIds, targetIds }) => [...promptIds, ...targetIds]),
  );
  expect(completions.map(({ rows }) => prompt.length + (rows[0] ?? 0))).toEqual(
    records.map(({ promptIds }) => promptIds.length),
  );
  expect(prompt.length).toBeGreaterThan(0);
  expect(prompt.length === records[0]?.systemLength).toBe(shared);
});
