/** Check of a file that `tinystar export` has written: tells whether llama.cpp answers as the checkpoint does. */
import { UserError } from '../base/errors.ts';
import type { TaskDialogue } from '../data/reading.ts';
import type { Series } from '../data/dialogues.ts';
import { ChatTemplate } from '../chat/template.ts';
import { Tokenizer } from '../chat/tokenizer.ts';
import { generateAssistant, GROUP_SIZE } from '../../packages/assistant/src/index.ts';
import { readDialogues } from '../data/reading.ts';
import { exportParity } from '../eval/parity.ts';
import type { Device } from '../ggml/device.ts';
import type { ModelConfig } from '../model/arch/config.ts';
import type { ParameterSet } from '../tensor/parameters.ts';
import type { CliContext } from './context.ts';

export interface ExportCheck {
  readonly device: Device;
  readonly config: ModelConfig;
  readonly parameters: ParameterSet;
  readonly checkpoint: string;
  readonly gguf: string;
  readonly data: string | undefined;
  /** Number of requests. */
  readonly count: number;
}

const MAX_TOKENS = 128;
const SEED = 7;

/** Runs the check and prints its outcome. */
export async function printParity(context: CliContext, check: ExportCheck): Promise<void> {
  const { device, config, parameters, checkpoint, gguf, data, count } = check;
  const dialogues: Series<TaskDialogue> =
    data === undefined
      ? generateAssistant({ seed: SEED, split: 'test', groups: Math.ceil(count / GROUP_SIZE) })
      : readDialogues(data);
  const tokenizer = Tokenizer.load(checkpoint);
  if (tokenizer.chatTemplate === undefined) {
    throw new UserError(
      'EXPORT_CHECK',
      `${gguf} is written, but not checked: ${checkpoint} has no chat template to ask it with; give --check 0.`,
    );
  }
  const parity = await exportParity({
    device,
    config,
    weights: parameters,
    tokenizer,
    template: ChatTemplate.of(tokenizer),
    gguf,
    dialogues: Array.from(dialogues.slice(0, count)),
    maxTokens: MAX_TOKENS,
  });
  const { prompts, samePrompts, sameAnswers, sameTokens, tokens, meanKl, largestKl, right, ownRight } =
    parity;
  const percent = (n: number): string => `${((100 * n) / Math.max(1, prompts)).toFixed(1)}%`;
  context.process.stdout.write(
    `check: llama.cpp reads ${samePrompts} of ${prompts} prompts as the same tokens and answers ${sameAnswers} alike ` +
      `(${sameTokens} of ${tokens} tokens); KL ${meanKl.toExponential(1)} nats a token, at most ${largestKl.toExponential(1)}\n` +
      `check: asked as llama.cpp's server asks, through the file's own template, it answers ${right} of ${prompts} right ` +
      `(${percent(right)}); the checkpoint ${ownRight} (${percent(ownRight)})\n`,
  );
}
