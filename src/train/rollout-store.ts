/**
 * A teacher's kept answers on disk, a file pair for each batch of prompts: texts and rewards as JSON, tokens and
 * top-k log-probabilities as safetensors. A batch whose JSON exists is whole; progress survives a kill. The top-k,
 * by far the most, is read from disk when a sample's turn comes.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { readText, writeAtomic } from '../base/files.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import { SafetensorsFile, writeSafetensors } from '../model/safetensors.ts';

/** The teacher's ids and log-probabilities, k a token, likeliest first, not renormalised. */
export interface TopRows {
  readonly ids: Int32Array; // [k, T]
  readonly logprobs: Float32Array; // [k, T]
}

interface Answer {
  readonly text: string;
  readonly tokens: TokenIds;
  readonly reward: number;
}

interface Answered<S> {
  readonly id: string;
  readonly prompt: string;
  readonly promptIds: TokenIds;
  readonly samples: readonly S[];
}

/** A prompt with the answers to be kept. */
export type KeptPrompt = Answered<Answer & { readonly top: TopRows }>;

/** One kept answer of the teacher. */
export interface StoredSample extends Answer {
  /** k of the stored rows. */
  readonly topK: number;
  readTop(): TopRows;
}

export type StoredPrompt = Answered<StoredSample>;

/** What all batches of a stage have in common. */
export interface BatchFacts {
  readonly topK: number;
  /** The fingerprint of its tokenizer. */
  readonly vocabulary: string;
}

const batchSchema = z.object({
  topK: z.int().positive(),
  vocabulary: z.string(),
  /** Prompts that were answered, kept or not. */
  prompts: z.int(),
  drawn: z.int(),
  kept: z.array(
    z.object({
      id: z.string(),
      prompt: z.string(),
      promptTokens: z.int().nonnegative(),
      samples: z.array(z.object({ text: z.string(), reward: z.number(), tokens: z.int().nonnegative() })),
    }),
  ),
});
type Batch = z.output<typeof batchSchema>;

const nameOf = (batch: number): string => `batch-${String(batch).padStart(6, '0')}`;

/** Whether a batch was written. */
export function hasBatch(folder: string, batch: number): boolean {
  return ['json', 'safetensors'].every((ending) => existsSync(join(folder, `${nameOf(batch)}.${ending}`)));
}

function concatenate<T extends Int32Array | Float32Array>(parts: readonly T[], make: (n: number) => T): T {
  const all = make(parts.reduce((n, part) => n + part.length, 0));
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
  facts: BatchFacts & { readonly prompts: number; readonly drawn: number },
  kept: readonly KeptPrompt[],
): void {
  const tops = kept.flatMap(({ samples }) => samples.map(({ top }) => top));
  const parts = kept.flatMap((p): Int32Array[] => [p.promptIds, ...p.samples.map((s) => s.tokens)]);
  const tokens = concatenate(parts, (n) => new Int32Array(n));
  const topIds = tops.map(({ ids }) => ids);
  const ids = concatenate(topIds, (n) => new Int32Array(n));
  const topLogprobs = tops.map(({ logprobs }) => logprobs);
  const logprobs = concatenate(topLogprobs, (n) => new Float32Array(n));
  const shape = [ids.length / facts.topK, facts.topK];
  writeSafetensors(join(folder, `${nameOf(batch)}.safetensors`), [
    { name: 'tokens', shape: [tokens.length], data: tokens, dtype: 'I32' },
    { name: 'top_ids', shape, data: ids, dtype: 'I32' },
    { name: 'top_logprobs', shape, data: logprobs, dtype: 'F32' },
  ]);
  const texts = kept.map(({ id, prompt, promptIds, samples }) => ({
    id,
    prompt,
    promptTokens: promptIds.length,
    samples: samples.map(({ text, reward, tokens: own }) => ({ text, reward, tokens: own.length })),
  }));
  writeAtomic(join(folder, `${nameOf(batch)}.json`), JSON.stringify({ ...facts, kept: texts }));
}

const damaged = (path: string): UserError =>
  new UserError(
    'ROLLOUTS',
    `${path} is not a whole batch of rollouts; remove the rollout stage's folder and run again.`,
  );

function readTexts(path: string): Batch {
  try {
    return batchSchema.parse(JSON.parse(readText(path)));
  } catch (thrown) {
    throw thrown instanceof UserError ? thrown : damaged(path);
  }
}

/** Reads `rows` of the top-k of a batch, from row `start` on. */
function readTop(path: string, start: number, rows: number, vocabSize: number): TopRows {
  using file = SafetensorsFile.open(path);
  const ids = file.readI32('top_ids', { start, rows });
  if (ids.some((id) => id < 0 || id >= vocabSize)) {
    throw new UserError(
      'ROLLOUTS',
      `${path} holds ids beyond the student's ${vocabSize}; use a teacher with the student's vocabulary.`,
    );
  }
  return { ids, logprobs: file.readF32('top_logprobs', { start, rows }) };
}

function readBatch(folder: string, name: string, student: Student): StoredPrompt[] {
  const { topK, kept, vocabulary } = readTexts(join(folder, `${name}.json`));
  if (vocabulary !== student.vocabulary) {
    throw new UserError(
      'ROLLOUTS',
      `The rollouts in ${folder} are in another vocabulary than the student's; use a teacher with the student's tokenizer.`,
    );
  }
  const path = join(folder, `${name}.safetensors`);
  using file = SafetensorsFile.open(path);
  const tokens = file.readI32('tokens');
  let token = 0;
  let row = 0;
  const take = (count: number): TokenIds => asTokenIds(tokens.slice(token, (token += count)));
  const prompts = kept.map(({ id, prompt, promptTokens, samples }) => ({
    id,
    prompt,
    promptIds: take(promptTokens),
    samples: samples.map(({ text, reward, tokens: length }): StoredSample => {
      const start = row;
      row += length;
      return {
        text,
        reward,
        tokens: take(length),
        topK,
        readTop: () => readTop(path, start, length, student.vocabSize),
      };
    }),
  }));
  const stored = ['top_ids', 'top_logprobs'].map((tensor) => file.tensors.get(tensor)?.shape.join());
  if (token !== tokens.length || stored.some((shape) => shape !== [row, topK].join())) throw damaged(path);
  return prompts;
}

/** Who is to learn from rollouts. */
export interface Student {
  /** The fingerprint of its tokenizer. */
  readonly vocabulary: string;
  /** Ids that its embedding has. */
  readonly vocabSize: number;
}

/** All kept prompts of a rollout stage, in order. Throws when there are none or the vocabulary is another. */
export function readRollouts(folder: string, student: Student): StoredPrompt[] {
  const names = existsSync(folder)
    ? readdirSync(folder).flatMap((file) => (/^batch-\d+\.json$/.test(file) ? [file.slice(0, -5)] : []))
    : [];
  const prompts = names.toSorted().flatMap((name) => readBatch(folder, name, student));
  if (prompts.length === 0) {
    throw new UserError(
      'ROLLOUTS',
      `The rollouts in ${folder} hold no valid answer; the teacher may be too weak for the format: train it first.`,
    );
  }
  return prompts;
}
