/**
 * Sim-RL, STAR's similarity-guided reward (arXiv 2602.03022, equations 6-10 and Algorithm 2, as its public code computes it).
 *
 * - Not of the required form, a function or an argument that no tool has: reward -1.
 * - Calls are asked for and made: similarities summed over matched calls, divided by (calls made + gold calls left unmatched).
 *   Each call, in the order it was written, takes the most similar gold call of its name that is left; so the order can matter.
 * - The similarity of two calls: what their common arguments earn, divided by the number of different arguments in both.
 *   An argument earns ROUGE-L for two strings; 1 or 0 for numbers and booleans by value (true is 1, 5 is 5.0); otherwise 1 if Python prints both
 *   alike ("5" and 5, but not [5.0] and [5], nor objects whose keys are in another order).
 * - A reply is asked for and given: ROUGE-L of the two. End-of-turn tokens that stand in both texts count as words, as in the reference.
 * - Calls where a reply is asked for, a reply where calls are, nothing at all, or a block that is never closed: 0.
 *
 * Cases in which the reference raises and would stop the training have a defined score:
 *
 * - a label that cannot be read earns every well-formed generation 0, and the scorer's `problems` say so;
 * - arguments that are a string or a list of argument names (they pass the check of names) earn 0 for every one of them;
 * - tools in OpenAI's wrapper are unwrapped, and lines of `<tools>` that are no tools are left out (see chat/tools.ts).
 */
import type { ExactCall } from '../chat/messages.ts';
import type { ValidCall } from '../chat/tools.ts';
import { asNumber } from '../json/equals.ts';
import { isDict, sameNumber, type PyValue } from '../json/python.ts';
import { pyStr } from '../json/repr.ts';
import {
  formatError,
  type FormatErrorDetail,
  type PreparedTask,
  rewardOf,
  type Score,
  wellFormed,
} from './reward.ts';
import { type Cut, rougeL } from './rouge.ts';

export interface ArgumentMatch {
  readonly name: string;
  /** `extra` is only in the call that was made, `missing` only in the gold one; both earn 0. */
  readonly status: 'common' | 'extra' | 'missing';
  readonly earned: number;
}

export interface CallMatch {
  /** Its place among the calls that were made. */
  readonly predicted: number;
  readonly name: string;
  /** The place of the gold call it was matched to, or null: none of that name was left. */
  readonly gold: number | null;
  readonly similarity: number;
  /** Empty if the call was not matched, or its arguments are no object. */
  readonly arguments: readonly ArgumentMatch[];
}

export type SimRlDetail =
  | FormatErrorDetail
  | {
      readonly kind: 'calls';
      readonly matches: readonly CallMatch[];
      /** The gold calls that nothing was matched to. */
      readonly missing: readonly number[];
      /** Divisor of the sum of similarities. */
      readonly divisor: number;
    }
  | { readonly kind: 'reply'; readonly rougeL: number }
  /** Well-formed, and not what was asked for. */
  | {
      readonly kind: 'wrong_mode';
      readonly wanted: 'calls' | 'reply';
      readonly got: 'calls' | 'reply' | 'unclosed_call' | 'empty_reply';
    }
  | { readonly kind: 'unusable_label'; readonly message: string };

/** Scores a predicted value, 0 to 1. */
type ValueScorer = (predicted: PyValue) => number;

/** Scorer of all the predictions that a gold value is compared with: the value is taken apart once. */
function valueScorer(gold: PyValue, cut?: Cut): ValueScorer {
  const goldNumber = asNumber(gold);
  let rouge: ReturnType<typeof rougeL> | undefined;
  let printed: string | undefined;
  return (predicted) => {
    if (typeof gold === 'string' && typeof predicted === 'string') {
      // Equality comes first, because equal texts without a Latin word have no ROUGE.
      if (gold === predicted) return 1;
      rouge ??= rougeL(gold, cut);
      return rouge(predicted);
    }
    const number = goldNumber === undefined ? undefined : asNumber(predicted);
    if (goldNumber !== undefined && number !== undefined) return sameNumber(goldNumber, number) ? 1 : 0;
    printed ??= pyStr(gold);
    return pyStr(predicted) === printed ? 1 : 0;
  };
}

/** A gold call, its arguments taken apart. */
interface Gold {
  readonly index: number;
  readonly arguments: ReadonlyMap<string, ValueScorer>;
}

type Comparison = Pick<CallMatch, 'similarity' | 'arguments'> & { readonly gold: number };

/** Arguments without values can only be right by being none where none are wanted. */
function compare({ arguments: predicted }: ValidCall, gold: Gold): Comparison {
  if (!isDict(predicted)) {
    const none = predicted.length === 0 && gold.arguments.size === 0;
    return { gold: gold.index, similarity: none ? 1 : 0, arguments: [] };
  }
  const matches: ArgumentMatch[] = [];
  let [sum, common] = [0, 0];
  for (const [name, value] of predicted) {
    const score = gold.arguments.get(name);
    const earned = score === undefined ? 0 : score(value);
    if (score !== undefined) common += 1;
    sum += earned;
    matches.push({ name, status: score === undefined ? 'extra' : 'common', earned });
  }
  if (common < gold.arguments.size) {
    for (const name of gold.arguments.keys())
      if (!predicted.has(name)) matches.push({ name, status: 'missing', earned: 0 });
  }
  const similarity = matches.length > 0 ? sum / matches.length : 1;
  return { gold: gold.index, similarity, arguments: matches };
}

/** The most similar of the gold calls that are not taken, the first of several; undefined if none is left. */
function bestOf(call: ValidCall, golds: readonly Gold[], taken: readonly boolean[]): Comparison | undefined {
  let best: Comparison | undefined;
  for (const gold of golds) {
    if (taken[gold.index] === true) continue;
    const comparison = compare(call, gold);
    if (best === undefined || comparison.similarity > best.similarity) best = comparison;
  }
  return best;
}

function callScorer(
  golds: readonly ExactCall[],
  cut?: Cut,
): (calls: readonly ValidCall[]) => Score<SimRlDetail> {
  const byName = new Map<string, Gold[]>();
  for (const [index, { name, arguments: given }] of golds.entries()) {
    const values = new Map<string, ValueScorer>();
    for (const [key, value] of given) values.set(key, valueScorer(value, cut));
    const group = byName.get(name) ?? [];
    group.push({ index, arguments: values });
    byName.set(name, group);
  }
  return (calls) => {
    const taken = golds.map(() => false);
    const matches: CallMatch[] = [];
    let sum = 0;
    for (const call of calls) {
      const { name } = call;
      const best = bestOf(call, byName.get(name) ?? [], taken);
      if (best !== undefined) taken[best.gold] = true;
      const { gold = null, similarity = 0, arguments: earned = [] } = best ?? {};
      sum += similarity;
      matches.push({ predicted: matches.length, name, gold, similarity, arguments: earned });
    }
    const missing = [...taken.keys()].filter((index) => taken[index] !== true);
    const divisor = calls.length + missing.length;
    return wellFormed(sum / divisor, { kind: 'calls', matches, missing, divisor });
  };
}

/** The similarity of calls to gold ones, 0 to 1, without a task around them; 1 if there are none of either. */
export function callSimilarity(made: readonly ValidCall[], gold: readonly ExactCall[]): number {
  if (made.length === 0) return gold.length === 0 ? 1 : 0;
  return callScorer(gold)(made).answer;
}

/** Scores generations of one task by similarity; `cut` finds the words of ROUGE, by default as the reference does. */
export function similarityScore(task: PreparedTask, cut?: Cut): (generation: string) => Score<SimRlDetail> {
  const { label } = task;
  const scoreCalls = callScorer(label.kind === 'calls' ? label.calls : [], cut);
  const scoreReply = valueScorer(label.kind === 'reply' ? label.reply : '', cut);
  return (generation) => {
    const answer = task.read(generation);
    if (answer.kind === 'malformed') return formatError(answer);
    if (label.kind === 'unusable') return wellFormed(0, { kind: 'unusable_label', message: label.message });
    if (label.kind === 'calls' && answer.kind === 'calls') return scoreCalls(answer.calls);
    if (label.kind === 'reply' && answer.kind === 'reply') {
      const rougeL = scoreReply(answer.reply);
      return wellFormed(rougeL, { kind: 'reply', rougeL });
    }
    const got = answer.kind === 'nothing' ? answer.why : answer.kind;
    return wellFormed(0, { kind: 'wrong_mode', wanted: label.kind, got });
  };
}

export const simrl = rewardOf(
  'simrl',
  'similarity of calls, arguments and replies to the gold answer; -1 for a wrong form (STAR)',
  (prepared) => similarityScore(prepared),
);
