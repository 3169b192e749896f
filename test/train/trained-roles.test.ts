/** Trained tokens by role. */
import { expect, it } from 'vitest';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { ChatTemplate } from '../../src/chat/template.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { rowsFrom, type TrainExample } from '../../src/train/examples.ts';
import { checkRoles, roleCounts } from '../../src/train/trained-roles.ts';

const tokenizer = Tokenizer.load('bases/student');
const template = ChatTemplate.of(tokenizer);
const messages = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Yes?' },
  { role: 'user', content: 'Stop' },
] as const;
const { prompt, target } = template.turn({ messages }, { role: 'assistant', content: 'Done.' });
const ids = { prompt: tokenizer.encode(prompt), target: tokenizer.encode(target) };

const counted = (example: TrainExample) => roleCounts([example], { tokenizer, template });
const both = asTokenIds([...ids.prompt.subarray(1), ...ids.target]);

it('are counted apart, answers of the history included', () => {
  const counts = counted({
    prompt: ids.prompt,
    completions: [{ tokens: ids.target, rows: rowsFrom(ids.target), inputs: {} }],
  });
  const yes = tokenizer.encode('Yes?<|im_end|>').length;
  expect(counts).toEqual({
    assistant: { trained: ids.target.length, total: ids.target.length + yes },
    others: { trained: 0, total: ids.prompt.length - yes },
  });
  expect(checkRoles('sft', counts)).toBe(
    `trained tokens of the first records: ${ids.target.length} of ${ids.target.length + yes} of the assistant, 0 of ${ids.prompt.length - yes} of the others`,
  );
});

it.each([
  ['none of the assistant', [0, 1], 'Stage sft trains none of the assistant'],
  ['all', [-1, ...rowsFrom(both)], 'Stage sft trains all'],
])('are refused where they are %s', (_, rows, message) => {
  const prompt = ids.prompt.subarray(0, 1) as typeof ids.prompt;
  const counts = counted({ prompt, completions: [{ tokens: both, rows, inputs: {} }] });
  expect(() => checkRoles('sft', counts)).toThrow(message);
});
