/** Check of a file that `tinystar export` has written: tells whether llama.cpp answers as the checkpoint does. */
import { generateAssistant, GROUP_SIZE } from '../../packages/assistant/src/index.ts';
import { UserError } from '../base/errors.ts';
import { ChatTemplate } from '../chat/template.ts';
import { Tokenizer } from '../chat/tokenizer.ts';
import type { Series } from '../data/dialogues.ts';
import { readDialogues, type TaskDialogue } from '../data/reading.ts';
import { exportParity, type ParityOptions } from '../eval/parity.ts';

const MAX_TOKENS = 128;
const SEED = 7;

/** Asks both `count` requests, of the file `data` or the assistant's; returns lines on the outcome. */
export async function parityText(
  checkpoint: string,
  parts: Pick<ParityOptions, 'device' | 'config' | 'weights' | 'gguf'>,
  data: string | undefined,
  count: number,
): Promise<string> {
  const tokenizer = Tokenizer.load(checkpoint);
  if (tokenizer.chatTemplate === undefined) {
    throw new UserError(
      'EXPORT_CHECK',
      `${parts.gguf} is written, but not checked: ${checkpoint} has no chat template to ask it with; give --check 0.`,
    );
  }
  const all: Series<TaskDialogue> =
    data === undefined
      ? generateAssistant({ seed: SEED, split: 'test', groups: Math.ceil(count / GROUP_SIZE) })
      : readDialogues(data);
  const dialogues = Array.from(all.slice(0, count));
  const template = ChatTemplate.of(tokenizer);
  const parity = await exportParity({ ...parts, tokenizer, template, dialogues, maxTokens: MAX_TOKENS });
  const { prompts, samePrompts, sameAnswers, sameTokens, tokens, meanKl, largestKl, right, ownRight } =
    parity;
  const percent = (n: number): string => `${((100 * n) / Math.max(1, prompts)).toFixed(1)}%`;
  return (
    `check: llama.cpp reads ${samePrompts} of ${prompts} prompts as the same tokens and answers ${sameAnswers} alike ` +
    `(${sameTokens} of ${tokens} tokens); KL ${meanKl.toExponential(1)} nats a token, at most ${largestKl.toExponential(1)}\n` +
    `check: asked as llama.cpp's server asks, through the file's own template, it answers ${right} of ${prompts} right ` +
    `(${percent(right)}); the checkpoint ${ownRight} (${percent(ownRight)})\n`
  );
}
