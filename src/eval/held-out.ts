/** Exact-match accuracy on held-out dialogues, overall, by category and by class of error. */
import { z } from 'zod';
import { assistantTurn } from '../chat/generation.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { renderDialogue } from '../data/render.ts';
import type { TaskDialogue } from '../data/reading.ts';
import { exactMatch, goldOfMessage } from '../rewards/exact.ts';
import { sampleAll, type SampleOptions, type Sampler } from '../sampling/sampler.ts';

/** A model that is measured, and how it is asked. */
export interface Measured {
  readonly sampler: Sampler;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
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

/** Verdict on a model's answer to one dialogue. */
export type Judged = z.output<typeof judgedSchema>;

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
  const drawn = await sampleAll(
    sampler,
    fitting.map(({ record: { prompt: text, promptIds: ids } }) => ({ text, ids })),
    sampling,
  );
  const samples = new Map(fitting.map(({ record }, i) => [record, drawn[i]?.[0]]));
  return asked.map(({ dialogue, record }): Judged => {
    const sample = samples.get(record);
    const output = sample === undefined ? '' : tokenizer.decode(sample.tokens);
    const last = dialogue.messages.at(-1);
    const gold = goldOfMessage(last ?? { role: 'assistant', content: '' }, dialogue.mustMention);
    const verdict = exactMatch(
      gold,
      assistantTurn(record.prompt, output, template.format),
      template.format,
      dialogue.tools,
    );
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

export interface ModelAccuracy {
  readonly total: number;
  readonly correct: number;
  readonly byCategory: Readonly<Record<string, { total: number; correct: number }>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly meanTokens: number | null;
}

/** Adds up verdicts. */
export function accuracyOf(judged: readonly Judged[]): ModelAccuracy {
  const byCategory: Record<string, { total: number; correct: number }> = {};
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
