/** The folder that an evaluation on BFCL leaves: responses, verdicts and scores; an evaluation that was stopped goes on from it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../../src/base/errors.ts';
import { writeAtomic } from '../../../../src/base/files.ts';
import { CATEGORY_NAMES, type Category } from './categories.ts';
import { longContextFile } from './long-context.ts';
import { type Counts, summarise } from './scores.ts';
import type { Verdict } from './verdicts.ts';

const VERDICTS = 'verdicts.jsonl';
const SCORES = 'scores.json';

const countSchema = z.object({ correct: z.int(), total: z.int() });

export const scoresSchema = z.object({
  benchmark: z.literal('BFCL v3'),
  /** What tables call the model, or the file of responses. */
  model: z.string(),
  /** Entries a category of a sample; null for all of them. */
  sample: z.int().nullable(),
  /** Seed of the sample. */
  seed: z.int(),
  decode: z.enum(['v3', 'head']),
  /** Tells whether prompts ended with "<think>", which officially they do not. */
  openThought: z.boolean().default(false),
  categories: z.record(z.string(), countSchema),
  /** Shares from 0 to 1, by the names of Summary. */
  summary: z.record(z.string(), z.number()),
  /** How often each error occurs. */
  errors: z.record(z.string(), z.int()),
  /** Lines of responses that were left out, by fault. */
  faults: z.record(z.string(), z.int()),
});

/** An evaluation's result in a file. */
export type Scores = z.output<typeof scoresSchema>;

/** Writes the verdicts, one JSON object a line. */
export function writeVerdicts(folder: string, verdicts: readonly Verdict[]): void {
  const lines = verdicts.map(({ id, category, error }) =>
    JSON.stringify({ id, category, valid: error === null, error }),
  );
  writeAtomic(join(folder, VERDICTS), lines.map((line) => `${line}\n`).join(''));
}

/** Writes the scores and returns them. */
export function writeScores(
  folder: string,
  counts: Counts,
  rest: Omit<Scores, 'benchmark' | 'categories' | 'summary'>,
): Scores {
  const scores: Scores = {
    benchmark: 'BFCL v3',
    ...rest,
    categories: Object.fromEntries(counts),
    summary: { ...summarise(counts) },
  };
  writeAtomic(join(folder, SCORES), `${JSON.stringify(scores, null, 2)}\n`);
  return scores;
}

/** The counts of scores in a file. */
export function countsOf(scores: Scores): Counts {
  return new Map(
    CATEGORY_NAMES.flatMap((category): [Category, z.output<typeof countSchema>][] => {
      const count = scores.categories[category];
      return count === undefined ? [] : [[category, count]];
    }),
  );
}

/** Tells whether the long context cannot be scored, although its entries are there, for want of its constants. */
export function lacksLongContext(folder: string): boolean {
  return (
    existsSync(join(folder, 'BFCL_v3_multi_turn_long_context.json')) && longContextFile(folder) === undefined
  );
}

/** The categories whose questions, and what else they need, are in a folder of data; throws a UserError if there are none. */
export function categoriesIn(folder: string): readonly Category[] {
  const there = CATEGORY_NAMES.filter(
    (category) =>
      existsSync(join(folder, `BFCL_v3_${category}.json`)) &&
      (category !== 'multi_turn_long_context' || !lacksLongContext(folder)),
  );
  if (there.length > 0) return there;
  throw new UserError(
    'BFCL_DATA',
    `${folder} has no BFCL_v3_*.json; give the data folder of BFCL v3 from the gorilla repository.`,
  );
}
