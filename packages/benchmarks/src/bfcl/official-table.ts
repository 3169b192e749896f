/** The score tables of BFCL v3 with the columns of its official files. */
import { type Category, CATEGORY_NAMES, type Group, rulesOf } from './categories.ts';
import { accuracyOf, type Counts, percent, summarise } from './scores.ts';

/** Columns by their official names, in their official order. */
export type Columns = Readonly<Record<string, string>>;

/** The score columns of data_overall.csv, data_non_live.csv, data_live.csv and data_multi_turn.csv. */
export interface OfficialTable {
  readonly overall: Columns;
  readonly nonLive: Columns;
  readonly live: Columns;
  readonly multiTurn: Columns;
}

const NOT_SCORED = 'N/A';

/**
 * Makes the official table. A category that was not scored is N/A and counts as zero. Summaries of a kind are N/A as soon as a part of them is; the accuracies of Live,
 * Non-Live, Multi Turn and the whole are always told.
 */
export function officialTable(counts: Counts): OfficialTable {
  const sums = summarise(counts);
  const one = (category: Category): string => {
    const accuracy = accuracyOf(counts.get(category));
    return accuracy === undefined ? NOT_SCORED : percent(accuracy);
  };
  const sum = (value: number, parts: readonly Category[]): string =>
    parts.some((category) => one(category) === NOT_SCORED) ? NOT_SCORED : percent(value);
  const astOf = (name: Group): Category[] =>
    CATEGORY_NAMES.filter((category) => {
      const { group, check } = rulesOf(category);
      return group === name && check.kind === 'ast';
    });
  const nonLiveAst = sum(sums.nonLiveAst, astOf('non_live'));
  const nonLiveSimple = sum(sums.nonLiveSimple, ['simple', 'java', 'javascript']);
  return {
    overall: {
      'Overall Acc': percent(sums.overall),
      'Non-Live AST Acc': nonLiveAst,
      'Non-Live Simple AST': nonLiveSimple,
      'Non-Live Multiple AST': one('multiple'),
      'Non-Live Parallel AST': one('parallel'),
      'Non-Live Parallel Multiple AST': one('parallel_multiple'),
      'Live Acc': percent(sums.live),
      'Live Simple AST': one('live_simple'),
      'Live Multiple AST': one('live_multiple'),
      'Live Parallel AST': one('live_parallel'),
      'Live Parallel Multiple AST': one('live_parallel_multiple'),
      'Multi Turn Acc': percent(sums.multiTurn),
      'Multi Turn Base': one('multi_turn_base'),
      'Multi Turn Miss Func': one('multi_turn_miss_func'),
      'Multi Turn Miss Param': one('multi_turn_miss_param'),
      'Multi Turn Long Context': one('multi_turn_long_context'),
      'Relevance Detection': one('live_relevance'),
      'Irrelevance Detection': sum(sums.irrelevance, ['irrelevance', 'live_irrelevance']),
    },
    nonLive: {
      'Non_Live Overall Acc': percent(sums.nonLiveOverall),
      'AST Summary': nonLiveAst,
      'Simple AST': nonLiveSimple,
      'Python Simple AST': one('simple'),
      'Java Simple AST': one('java'),
      'JavaScript Simple AST': one('javascript'),
      'Multiple AST': one('multiple'),
      'Parallel AST': one('parallel'),
      'Parallel Multiple AST': one('parallel_multiple'),
      'Irrelevance Detection': one('irrelevance'),
    },
    live: {
      'Live Overall Acc': percent(sums.live),
      'AST Summary': sum(sums.liveAst, astOf('live')),
      'Python Simple AST': one('live_simple'),
      'Python Multiple AST': one('live_multiple'),
      'Python Parallel AST': one('live_parallel'),
      'Python Parallel Multiple AST': one('live_parallel_multiple'),
      'Irrelevance Detection': one('live_irrelevance'),
      'Relevance Detection': one('live_relevance'),
    },
    multiTurn: {
      'Multi Turn Overall Acc': percent(sums.multiTurn),
      Base: one('multi_turn_base'),
      'Miss Func': one('multi_turn_miss_func'),
      'Miss Param': one('multi_turn_miss_param'),
      'Long Context': one('multi_turn_long_context'),
    },
  };
}
