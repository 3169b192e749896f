/** The scores of BFCL v3, by its own formulas. A category that was not scored counts as zero, and is shown as N/A. */
import { z } from 'zod';
import { commonScores } from '../benchmark.ts';
import { CATEGORIES, CATEGORY_NAMES, type Category } from './categories.ts';

const countSchema = z.object({ correct: z.int(), total: z.int() });
export type Count = z.output<typeof countSchema>;

export const scoresSchema = z.object({
  benchmark: z.literal('BFCL v3'),
  ...commonScores,
  decode: z.enum(['v3', 'head']),
  categories: z.record(z.string(), countSchema),
  /** Shares from 0 to 1, by the names of Summary. */
  summary: z.record(z.string(), z.number()),
});

/** An evaluation's result in a file. */
export type Scores = z.output<typeof scoresSchema>;

/** Counts of the categories that were scored. */
export type Counts = ReadonlyMap<Category, Count>;

/** The official columns that are not a category of their own; shares from 0 to 1. */
export interface Summary {
  /** Mean of Live, Non-Live overall and Multi Turn. */
  readonly overall: number;
  /** Mean of simple (itself the mean of its languages), multiple, parallel and both; what the leaderboard calls Non-Live. */
  readonly nonLiveAst: number;
  /** As nonLiveAst, with irrelevance as a fifth. */
  readonly nonLiveOverall: number;
  readonly nonLiveSimple: number;
  /** All six live categories, weighted by their entries. */
  readonly live: number;
  /** The four live categories that compare syntax trees, weighted by their entries. */
  readonly liveAst: number;
  readonly multiTurn: number;
  readonly relevance: number;
  /** Mean of the two irrelevance categories. */
  readonly irrelevance: number;
}

const LIVE_AST = ['live_simple', 'live_multiple', 'live_parallel', 'live_parallel_multiple'] as const;
const LIVE = [...LIVE_AST, 'live_irrelevance', 'live_relevance'] as const;
const MULTI_TURN = [
  'multi_turn_base',
  'multi_turn_miss_func',
  'multi_turn_miss_param',
  'multi_turn_long_context',
] as const;

/** Adds up counts by the formula of version 3; version 4 weighs otherwise. */
export function summarise(counts: Counts): Summary {
  const accuracy = (category: Category): number => accuracyOf(counts.get(category)) ?? 0;
  const weighted = (categories: readonly Category[]): number => {
    const entries = categories.map((category) => CATEGORIES[category].entries);
    const correct = categories.reduce((sum, category, i) => sum + accuracy(category) * (entries[i] ?? 0), 0);
    return correct / entries.reduce((sum, n) => sum + n, 0);
  };
  const nonLiveSimple = mean([accuracy('simple'), accuracy('java'), accuracy('javascript')]);
  const ast = [nonLiveSimple, accuracy('multiple'), accuracy('parallel'), accuracy('parallel_multiple')];
  const nonLiveOverall = mean([...ast, accuracy('irrelevance')]);
  const live = weighted(LIVE);
  const multiTurn = mean(MULTI_TURN.map(accuracy));
  return {
    overall: mean([live, nonLiveOverall, multiTurn]),
    nonLiveAst: mean(ast),
    nonLiveOverall,
    nonLiveSimple,
    live,
    liveAst: weighted(LIVE_AST),
    multiTurn,
    relevance: accuracy('live_relevance'),
    irrelevance: mean([accuracy('irrelevance'), accuracy('live_irrelevance')]),
  };
}

/** The share that is correct; undefined where nothing was scored. */
export function accuracyOf(count: Count | undefined): number | undefined {
  return count === undefined || count.total === 0 ? undefined : count.correct / count.total;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The categories that count as zero for want of verdicts. */
export function unscored(counts: Counts): readonly Category[] {
  return CATEGORY_NAMES.filter((category) => accuracyOf(counts.get(category)) === undefined);
}

/** A share as Python's '%.2f%%' writes it: a tie goes to the even digit, where JavaScript's toFixed goes up. */
export function percent(share: number): string {
  const value = share * 100;
  const eighths = value * 8;
  const tie = Number.isInteger(eighths) && eighths % 2 === 1;
  if (!tie) return `${value.toFixed(2)}%`;
  const below = Math.floor(value * 100);
  return `${((below % 2 === 0 ? below : below + 1) / 100).toFixed(2)}%`;
}

/** The counts of scores in a file. */
export function countsOf({ categories }: Scores): Counts {
  return new Map(
    CATEGORY_NAMES.flatMap((category): [Category, Count][] => {
      const count = categories[category];
      return count === undefined ? [] : [[category, count]];
    }),
  );
}
