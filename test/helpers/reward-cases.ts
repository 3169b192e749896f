/** Generations with their prompts and labels, for speed and robustness: what they earn is not looked at. */
import { readFileSync } from 'node:fs';
import { casesFile } from '../fixtures/make-simrl-cases.ts';
import { PROMPT, promptWith } from '../fixtures/simrl-case-book.ts';
import { goldenLines } from './golden-files.ts';

export interface RewardCase {
  readonly prompt: string;
  readonly generation: string;
  readonly label: string;
}

function casesIn(lines: readonly string[]): RewardCase[] {
  return lines.map((line) => {
    const { prompt = PROMPT, generation, label } = JSON.parse(line) as Partial<RewardCase>;
    return { prompt, generation: generation ?? '', label: label ?? '' };
  });
}

const TYPED_PROMPT = promptWith([
  JSON.stringify({
    name: 'send_message',
    parameters: {
      type: 'object',
      properties: {
        to: { type: 'array', items: { type: 'string', minLength: 1 }, maxItems: 3 },
        text: { type: 'string' },
        priority: { enum: ['low', 'high', 1, null] },
        at: { type: 'object', properties: { hour: { type: 'integer', minimum: 0 } }, required: ['hour'] },
      },
      required: ['to', 'text'],
    },
  }),
  '{"name": "set_timer", "parameters": {"minutes": {"type": "int"}, "label": {"type": "str, optional"}}}',
]);
const TYPED_ANSWERS = [
  '<tool_call>\n{"name": "send_message", "arguments": {"to": ["Ann Lee", "Bob"], "text": "I am running late", "priority": "high", "at": {"hour": 7}}}\n</tool_call>',
  '<tool_call>\n{"name": "set_timer", "arguments": {"minutes": 5, "label": "pasta water"}}\n</tool_call>\n<tool_call>\n{"name": "send_message", "arguments": {"to": ["Eve"], "text": "Dinner is nearly ready"}}\n</tool_call>',
];

/** Cases whose tools say types and required arguments. */
function typedCases(): RewardCase[] {
  return TYPED_ANSWERS.map((answer) => ({
    prompt: TYPED_PROMPT,
    generation: `\nLet me see.\n</think>\n\n${answer}<|im_end|>`,
    label: `</think>${answer}<|im_end|>\n`,
  }));
}

/** The committed cases, and some whose tools say types and required arguments, as often as a tenth of the others. */
export function casesOfFixture(): readonly RewardCase[] {
  const cases = casesIn(readFileSync(casesFile, 'utf8').trimEnd().split('\n'));
  const typed = typedCases();
  return [...cases, ...Array.from({ length: cases.length / 10 }, (_, i) => typed[i % typed.length]!)];
}

/** The reference's cases. */
export const goldenCases = (): readonly RewardCase[] => casesIn(goldenLines('simrl-reward.jsonl'));
