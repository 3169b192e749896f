/** Exact-match accuracy on held-out dialogues, overall, by category and by class of error. */
import { z } from 'zod';
import { required } from '../base/errors.ts';
import type { ToolFormat } from '../chat/formats/format.ts';
import { assistantTurn } from '../chat/generation.ts';
import { renderDialogue } from '../data/render.ts';
import type { TaskDialogue } from '../data/reading.ts';
import { exactMatch, goldOfMessage, type Verdict } from '../rewards/exact.ts';
import { sampleAll, type SampleOptions, type Sampler } from '../sampling/sampler.ts';
import type { Speaking } from '../train/prompts.ts';
import type { EvalModelResult } from './formats.ts';

/** A model that is measured, and how it is asked. */
export interface Measured extends Speaking {
  readonly sampler: Sampler;
  readonly maxPromptTokens: number;
  readonly sampling: SampleOptions;
}

export const judgedSchema = z.object({
  id: z.string(),
  category: z.string(),
  request: z.string(),
  gold: z.string(),
  output: z.string(),
  correct: z.boolean(),
  /** Class of the error; empty when correct. */
  error: z.string(),
  /** Tokens of the answer; 0 when the prompt was too long to be asked. */
  tokens: z.int(),
});

export type Judged = z.output<typeof judgedSchema>;

/** Compares what a model wrote after a prompt with a dialogue's own answer. */
export function verdictOn(
  { messages, mustMention, tools }: TaskDialogue,
  prompt: string,
  output: string,
  format: ToolFormat,
): Verdict {
  const gold = goldOfMessage(required(messages.at(-1), 'the answer of a dialogue'), mustMention);
  return exactMatch(gold, assistantTurn(prompt, output, format), format, tools);
}

/** Answers dialogues and judges the answers, in order. A prompt that is too long counts as wrong. */
export async function judgeHeldOut(
  dialogues: readonly TaskDialogue[],
  { sampler, tokenizer, template, maxPromptTokens, sampling }: Measured,
): Promise<Judged[]> {
  const asked = dialogues.map((dialogue) => ({
    dialogue,
    record: renderDialogue(dialogue, tokenizer, template, false),
  }));
  const fitting = asked.filter(({ record }) => record.promptIds.length <= maxPromptTokens);
  const prompts = fitting.map(({ record: { prompt: text, promptIds: ids } }) => ({ text, ids }));
  const drawn = await sampleAll(sampler, prompts, sampling);
  const samples = new Map(fitting.map(({ record }, i) => [record, drawn[i]?.[0]]));
  return asked.map(({ dialogue, record }): Judged => {
    const sample = samples.get(record);
    const output = sample === undefined ? '' : tokenizer.decode(sample.tokens);
    const verdict = verdictOn(dialogue, record.prompt, output, template.format);
    return {
      id: dialogue.id,
      category: dialogue.category,
      request: dialogue.messages.findLast(({ role }) => role === 'user')?.content ?? '',
      gold: record.target,
      output,
      correct: verdict.correct,
      error: verdict.correct ? '' : verdict.error,
      tokens: sample?.tokens.length ?? 0,
    };
  });
}

export function accuracyOf(judged: readonly Judged[]) {
  const byCategory: EvalModelResult['byCategory'] = {};
  const errors: Record<string, number> = {};
  for (const { category, correct, error } of judged) {
    const row = (byCategory[category] ??= { total: 0, correct: 0 });
    row.total += 1;
    if (correct) row.correct += 1;
    else errors[error] = (errors[error] ?? 0) + 1;
  }
  const tokens = judged.reduce((n, j) => n + j.tokens, 0);
  return {
    total: judged.length,
    correct: judged.filter(({ correct }) => correct).length,
    byCategory,
    errors,
    meanTokens: judged.length === 0 ? null : tokens / judged.length,
  };
}
