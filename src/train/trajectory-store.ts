/**
 * A teacher's conversations on disk, one JSON file a batch of problems, written whole: the tokens of each, and which
 * of them are its own. What it called is read from its words again.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { writeAtomic } from '../base/files.ts';
import { readJson } from '../base/json-file.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';

/** A conversation without its prompt. */
export interface Trajectory {
  readonly tokens: TokenIds;
  /** Indices of the assistant's own tokens, ascending. */
  readonly rows: readonly number[];
  readonly correct: boolean;
}

export interface StoredTrajectories {
  /** The problem's id in its environment. */
  readonly id: string;
  readonly prompt: TokenIds;
  readonly samples: readonly Trajectory[];
}

const ids = z.array(z.int().nonnegative()).transform(asTokenIds);
/** `spans` are [first, count] pairs of the assistant's own tokens. */
const sample = z
  .object({ tokens: ids, spans: z.array(z.tuple([z.int(), z.int()])), correct: z.boolean() })
  .transform(({ spans, ...rest }): Trajectory => ({
    ...rest,
    rows: spans.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i)),
  }));
const batchSchema = z.object({
  /** The fingerprint of the teacher's tokenizer. */
  vocabulary: z.string(),
  kept: z.array(z.object({ id: z.string(), prompt: ids, samples: z.array(sample) })),
});

const pathOf = (folder: string, batch: number): string =>
  join(folder, `trajectories-${String(batch).padStart(6, '0')}.json`);

export const hasTrajectories = (folder: string, batch: number): boolean => existsSync(pathOf(folder, batch));

/** Runs of neighbouring rows, as [first, count]. */
export function spansOf(rows: readonly number[]): [first: number, count: number][] {
  const spans: [first: number, count: number][] = [];
  for (const row of rows) {
    const last = spans.at(-1);
    if (last !== undefined && last[0] + last[1] === row) last[1] += 1;
    else spans.push([row, 1]);
  }
  return spans;
}

/** Writes a batch of what is kept, in the vocabulary with this fingerprint. */
export function writeTrajectories(
  folder: string,
  batch: number,
  vocabulary: string,
  trajectories: readonly StoredTrajectories[],
): void {
  const kept = trajectories.map(({ id, prompt, samples }) => ({
    id,
    prompt: [...prompt],
    samples: samples.map(({ tokens, rows, correct }) => ({
      tokens: [...tokens],
      spans: spansOf(rows),
      correct,
    })),
  }));
  writeAtomic(pathOf(folder, batch), JSON.stringify({ vocabulary, kept }));
}

/** All kept conversations of a stage, in order; throws when there are none, or the vocabulary is another. */
export function readTrajectories(folder: string, vocabulary: string): StoredTrajectories[] {
  const names = existsSync(folder)
    ? readdirSync(folder).filter((name) => /^trajectories-\d+\.json$/.test(name))
    : [];
  const all = names.toSorted().flatMap((name) => {
    const path = join(folder, name);
    const batch = readJson(path, batchSchema, "remove its stage's folder and run again");
    if (batch.vocabulary === vocabulary) return batch.kept;
    throw new UserError(
      'TRAJECTORIES',
      `${path} is in another vocabulary than the student's; use a teacher with the student's tokenizer.`,
    );
  });
  if (all.length === 0)
    throw new UserError(
      'TRAJECTORIES',
      `The trajectories in ${folder} hold no right answer; the teacher may be too weak for these problems: train it first, or set keep_wrong.`,
    );
  return all;
}
