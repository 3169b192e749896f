/** The scores of ACEBench. */
import { z } from 'zod';
import { commonScores, type Verdict } from '../benchmark.ts';
import { CATEGORIES, type Category } from './categories.ts';
import type { Entry } from './dataset.ts';
import { judgeReply } from './judge.ts';
import { officialReply } from './replay.ts';
import { REVISIONS, type Revision } from './revision.ts';

const categoryScoreSchema = z.object({
  name: z.string(),
  kind: z.enum(['normal', 'special']),
  /** Entries, or dialogues. */
  total: z.int(),
  correct: z.int(),
  /** Shares from 0 to 1, rounded to three digits, as the benchmark tells them. */
  accuracy: z.number(),
  /** Accuracy of the official answers. */
  ceiling: z.number(),
});

/** A category's score. */
export type CategoryScore = z.output<typeof categoryScoreSchema>;

const sumSchema = z.object({ accuracy: z.number(), ceiling: z.number() });

export const scoresSchema = z.object({
  benchmark: z.literal('ACEBench'),
  ...commonScores,
  revision: z.enum(REVISIONS),
  /** Treatment of thoughts: scored with the rest, as officially, taken off, or not asked for. */
  thinking: z.enum(['keep', 'strip', 'off']),
  categories: z.array(categoryScoreSchema),
  /** Mean of the twelve normal categories; null as long as one of them is missing. */
  normal: sumSchema.nullable(),
  /** Mean of the three special categories; null as long as one of them is missing. */
  special: sumSchema.nullable(),
});

/** An evaluation's result in a file. */
export type Scores = z.output<typeof scoresSchema>;

/** Judges the replies to entries; an entry without one is wrong. */
export function judgeEntries(
  entries: readonly Entry[],
  replies: ReadonlyMap<string, string>,
  revision: Revision,
): readonly Verdict[] {
  return entries.map((entry) => judgeEntry(entry, replies.get(entry.id), revision));
}

/** Judges the reply to one entry. */
export function judgeEntry(entry: Entry, reply: string | undefined, revision: Revision): Verdict {
  const { id, category } = entry;
  const base = { id, category: `${category.kind}_${category.name}` };
  if (reply === undefined) return { ...base, valid: false, error: 'no_response' };
  const verdict = judgeReply(entry, reply, revision);
  return { ...base, valid: verdict.valid, error: verdict.valid ? null : verdict.error };
}

/** Python's `round(value, 3)`: a tie, where the float is exactly one, goes to the even digit. */
export function round3(value: number): number {
  const scaled = value * 1000;
  const isTie = Number.isInteger(value * 2 ** 4) && Math.abs(scaled % 1) === 0.5;
  return isTie ? (2 * Math.round(scaled / 2)) / 1000 : Number(value.toFixed(3));
}

/** Unit of scoring: an entry, or all turns of a dialogue, whose ids differ in the last number. */
export function unitOf({ id, category }: Entry): string {
  return category.isDialogue ? id.slice(0, id.lastIndexOf('_')) : id;
}

/** Scores by category, in the order of the tables. `judged` has the verdicts on `entries`, in their order. */
export function scoreCategories(
  entries: readonly Entry[],
  judged: readonly Verdict[],
  revision: Revision,
): readonly CategoryScore[] {
  return CATEGORIES.flatMap((category): CategoryScore[] => {
    const own = entries.flatMap((entry, i) => (entry.category === category ? [{ entry, at: i }] : []));
    if (own.length === 0) return [];
    const share = (isRight: (entry: Entry, at: number) => boolean): { total: number; correct: number } => {
      const units = new Map<string, boolean>();
      for (const { entry, at } of own) {
        const unit = unitOf(entry);
        units.set(unit, units.get(unit) !== false && isRight(entry, at));
      }
      return { total: units.size, correct: [...units.values()].filter(Boolean).length };
    };
    const { total, correct } = share((_, at) => judged[at]?.valid === true);
    const best = share((entry) => judgeReply(entry, officialReply(entry), revision).valid);
    const { name, kind } = category;
    const ceiling = round3(best.correct / total);
    return [{ name, kind, total, correct, accuracy: round3(correct / total), ceiling }];
  });
}

/** The mean of all categories of a kind, of which each counts the same; null if one is missing. */
export function meanOf(scores: readonly CategoryScore[], kind: Category['kind']): Scores['normal'] {
  const own = scores.filter((score) => score.kind === kind);
  if (own.length < CATEGORIES.filter((category) => category.kind === kind).length) return null;
  const mean = (key: 'accuracy' | 'ceiling'): number =>
    round3(own.reduce((sum, score) => sum + score[key], 0) / own.length);
  return { accuracy: mean('accuracy'), ceiling: mean('ceiling') };
}
