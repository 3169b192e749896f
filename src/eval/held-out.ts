/** Exact-match accuracy on held-out dialogues, overall, by category and by class of error. */
import { z } from 'zod';
import { hashString } from '../base/rng.ts';
import type { Series } from '../data/dialogues.ts';
import { assistantTurn } from '../chat/generation.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { renderDialogue } from '../data/render.ts';
import type { TaskDialogue } from '../data/reading.ts';
import { exactMatch, goldOfMessage } from '../rewards/exact.ts';
import { sampleAll, type SampleOptions, type Sampler } from '../sampling/sampler.ts';

export interface HeldOutOptions {
  readonly dialogues: Series<TaskDialogue>;
  readonly sampler: Sampler;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly sampling: Pick<SampleOptions, 'temperature' | 'generate_max_len'>;
  readonly maxPromptTokens: number;
  /** Dialogues answered at once. */
  readonly batch: number;
  readonly seed: number;
  readonly signal: AbortSignal;
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

/**
 * Answers the dialogues from number `first` on and judges the answers, batch by batch, in order. A prompt that is
 * too long counts as wrong.
 */
export async function* judgeHeldOut(options: HeldOutOptions, first = 0): AsyncGenerator<readonly Judged[]> {
  const { dialogues, sampler, tokenizer, template, sampling, batch, signal } = options;
  for (let start = first; start < dialogues.length; start += batch) {
    signal.throwIfAborted();
    const asked = Array.from(dialogues.slice(start, start + batch));
    const records = asked.map((dialogue) => renderDialogue(dialogue, tokenizer, template, false));
    const fitting = records.filter(({ promptIds }) => promptIds.length <= options.maxPromptTokens);
    const drawn = await sampleAll(
      sampler,
      fitting.map(({ prompt: text, promptIds: ids }) => ({ text, ids })),
      { ...sampling, seed: hashString(`${options.seed}:${start}`), batch, signal },
    );
    const byId = new Map(fitting.map((record, i) => [record, drawn[i]?.[0]]));
    yield asked.map((dialogue, i): Judged => {
      const record = records[i];
      const sample = record === undefined ? undefined : byId.get(record);
      const output = sample === undefined ? '' : tokenizer.decode(sample.tokens);
      const last = dialogue.messages.at(-1);
      const gold = goldOfMessage(last ?? { role: 'assistant', content: '' }, dialogue.mustMention);
      const verdict = exactMatch(
        gold,
        assistantTurn(record?.prompt ?? '', output, template.format),
        template.format,
        dialogue.tools,
      );
      return {
        id: dialogue.id,
        category: dialogue.category,
        request: dialogue.messages.findLast(({ role }) => role === 'user')?.content ?? '',
        gold: record?.target ?? '',
        output,
        correct: verdict.correct,
        error: verdict.correct ? '' : verdict.error,
        tokens: sample?.tokens.length ?? 0,
      };
    });
  }
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
