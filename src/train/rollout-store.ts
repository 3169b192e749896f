/**
 * A teacher's kept answers on disk, a file pair for each batch of prompts: texts and rewards as JSON, tokens and
 * top-k log-probabilities as safetensors. A batch whose JSON exists is whole; progress survives a kill.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { readText, writeAtomic } from '../base/files.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import { SafetensorsFile, writeSafetensors } from '../model/safetensors.ts';

/** One kept answer of the teacher. */
export interface StoredSample {
  readonly text: string;
  readonly tokens: TokenIds;
  readonly reward: number;
  /** Teacher's ids and log-probabilities, k a token, likeliest first, not renormalised. */
  readonly topIds: Int32Array; // [k, T]
  readonly topLogprobs: Float32Array; // [k, T]
}

export interface StoredPrompt {
  readonly id: string;
  readonly prompt: string;
  readonly promptIds: TokenIds;
  readonly samples: readonly StoredSample[];
}

const batchSchema = z.object({
  topK: z.int().positive(),
  vocabSize: z.int().positive(),
  /** Prompts that were answered, kept or not. */
  prompts: z.int(),
  drawn: z.int(),
  kept: z.array(
    z.object({
      id: z.string(),
      prompt: z.string(),
      promptTokens: z.int(),
      samples: z.array(z.object({ text: z.string(), reward: z.number(), tokens: z.int() })),
    }),
  ),
});

const nameOf = (batch: number): string => `batch-${String(batch).padStart(6, '0')}`;

/** Whether a batch was written. */
export function hasBatch(folder: string, batch: number): boolean {
  return existsSync(join(folder, `${nameOf(batch)}.json`));
}

function concatenate(parts: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Writes a batch: first the numbers, then the texts that make it count. */
export function writeBatch(
  folder: string,
  batch: number,
  facts: { topK: number; vocabSize: number; prompts: number; drawn: number },
  kept: readonly StoredPrompt[],
): void {
  const samples = kept.flatMap((prompt) => prompt.samples);
  const tokens = concatenate(kept.flatMap((p) => [p.promptIds, ...p.samples.map((s) => s.tokens)]));
  const ids = concatenate(samples.map((s) => s.topIds));
  const logprobs = new Float32Array(ids.length);
  let at = 0;
  for (const { topLogprobs } of samples) {
    logprobs.set(topLogprobs, at);
    at += topLogprobs.length;
  }
  const rows = ids.length / facts.topK;
  writeSafetensors(join(folder, `${nameOf(batch)}.safetensors`), [
    { name: 'tokens', shape: [tokens.length], data: tokens, dtype: 'I32' },
    { name: 'top_ids', shape: [rows, facts.topK], data: ids, dtype: 'I32' },
    { name: 'top_logprobs', shape: [rows, facts.topK], data: logprobs, dtype: 'F32' },
  ]);
  const texts = kept.map(({ id, prompt, promptIds, samples: drawn }) => ({
    id,
    prompt,
    promptTokens: promptIds.length,
    samples: drawn.map(({ text, reward, tokens: own }) => ({ text, reward, tokens: own.length })),
  }));
  writeAtomic(join(folder, `${nameOf(batch)}.json`), JSON.stringify({ ...facts, kept: texts }));
}

function readBatch(folder: string, name: string, vocabSize: number): StoredPrompt[] {
  const parsed = batchSchema.safeParse(JSON.parse(readText(join(folder, `${name}.json`))));
  if (!parsed.success)
    throw new UserError(
      'ROLLOUTS',
      `${join(folder, name)}.json is not a batch of rollouts; delete the stage's folder and run again.`,
    );
  const { topK, kept, vocabSize: stored } = parsed.data;
  if (stored !== vocabSize) {
    throw new UserError(
      'ROLLOUTS',
      `The rollouts in ${folder} are of a vocabulary of ${stored}, and the student's has ${vocabSize}; use a teacher with the student's tokenizer.`,
    );
  }
  using file = SafetensorsFile.open(join(folder, `${name}.safetensors`));
  const tokens = file.readI32('tokens');
  const ids = file.readI32('top_ids');
  const logprobs = file.readF32('top_logprobs');
  let token = 0;
  let row = 0;
  const take = (count: number): TokenIds => asTokenIds(tokens.slice(token, (token += count)));
  return kept.map(({ id, prompt, promptTokens, samples }) => ({
    id,
    prompt,
    promptIds: take(promptTokens),
    samples: samples.map(({ text, reward, tokens: length }) => {
      const [from, to] = [row * topK, (row + length) * topK];
      row += length;
      return {
        text,
        reward,
        tokens: take(length),
        topIds: ids.slice(from, to),
        topLogprobs: logprobs.slice(from, to),
      };
    }),
  }));
}

/** All kept prompts of a rollout stage, in order. Throws when there are none or the vocabulary is another. */
export function readRollouts(folder: string, vocabSize: number): StoredPrompt[] {
  const names = existsSync(folder)
    ? readdirSync(folder).flatMap((file) => (/^batch-\d+\.json$/.test(file) ? [file.slice(0, -5)] : []))
    : [];
  const prompts = names.sort().flatMap((name) => readBatch(folder, name, vocabSize));
  if (prompts.length === 0) {
    throw new UserError(
      'ROLLOUTS',
      `The rollouts in ${folder} hold no valid answer; the teacher may be too weak for the format: train it first.`,
    );
  }
  return prompts;
}
