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
 * Where the reference raises and would stop the training, the score is defined:
 *
 * - a label that cannot be read earns every well-formed generation 0, and the scorer's `problems` say so;
 * - arguments that are a string or a list of argument names (they pass the check of names) earn 0 for every one of them;
 * - tools in OpenAI's wrapper are unwrapped, and lines of `<tools>` that are no tools are left out (see chat/tools.ts).
 */
import type { GoldCall } from '../chat/generation.ts';
import type { ValidCall } from '../chat/tools.ts';
import { isDict, sameNumber, type PyDict, type PyValue } from '../json/python.ts';
import { pyStr } from '../json/repr.ts';
import {
  formatError,
  prepareTask,
  wellFormed,
  type FormatFault,
  type PreparedTask,
  type Reward,
  type Score,
} from './reward.ts';
import { RougeL } from './rouge.ts';

/** What one argument earned. */
export interface ArgumentMatch {
  readonly name: string;
  /** `extra` is only in the call that was made, `missing` only in the gold one; both earn 0. */
  readonly status: 'common' | 'extra' | 'missing';
  readonly earned: number;
}

/** What one call earned. */
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
  | { readonly kind: 'format_error'; readonly fault: FormatFault; readonly message: string }
  | {
      readonly kind: 'calls';
      readonly matches: readonly CallMatch[];
      /** The gold calls that nothing was matched to. */
      readonly missing: readonly number[];
      /** What the sum of similarities is divided by. */
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

/** A gold value, taken apart once for all the predictions it is compared with. */
class GoldValue {
  readonly #value: PyValue;
  #rouge: RougeL | undefined;
  #printed: string | undefined;

  constructor(value: PyValue) {
    this.#value = value;
  }

  /** What `predicted` earns, 0 to 1. */
  earned(predicted: PyValue): number {
    const gold = this.#value;
    if (typeof gold === 'string' && typeof predicted === 'string') return this.#textScore(gold, predicted);
    const [goldNumber, predictedNumber] = [asNumber(gold), asNumber(predicted)];
    if (goldNumber !== undefined && predictedNumber !== undefined)
      return sameNumber(goldNumber, predictedNumber) ? 1 : 0;
    this.#printed ??= pyStr(gold);
    return pyStr(predicted) === this.#printed ? 1 : 0;
  }

  /** Equality comes first, because equal texts without a Latin word have no ROUGE. */
  #textScore(gold: string, predicted: string): number {
    if (gold === predicted) return 1;
    this.#rouge ??= new RougeL(gold);
    return this.#rouge.score(predicted);
  }
}

/** In Python a boolean is a number. */
function asNumber(value: PyValue): bigint | number | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'bigint' || typeof value === 'number' ? value : undefined;
}

interface Gold {
  readonly index: number;
  readonly arguments: ReadonlyMap<string, GoldValue>;
}

interface Comparison {
  readonly similarity: number;
  readonly arguments: readonly ArgumentMatch[];
}

function compareArguments(predicted: PyDict, gold: Gold): Comparison {
  const matches: ArgumentMatch[] = [];
  let sum = 0;
  for (const [name, value] of predicted) {
    const goldValue = gold.arguments.get(name);
    const earned = goldValue?.earned(value) ?? 0;
    sum += earned;
    matches.push({ name, status: goldValue === undefined ? 'extra' : 'common', earned });
  }
  for (const name of gold.arguments.keys())
    if (!predicted.has(name)) matches.push({ name, status: 'missing', earned: 0 });
  return { similarity: matches.length > 0 ? sum / matches.length : 1, arguments: matches };
}

/** Arguments without values can only be right by being none where none are wanted. */
function compare(call: ValidCall, gold: Gold): Comparison {
  if (isDict(call.arguments)) return compareArguments(call.arguments, gold);
  const none = call.arguments.length === 0 && gold.arguments.size === 0;
  return { similarity: none ? 1 : 0, arguments: [] };
}

/** Takes the most similar gold call out of `left`, the first of several; undefined if none is left. */
function takeBest(
  call: ValidCall,
  left: Gold[],
): { readonly gold: Gold; readonly comparison: Comparison } | undefined {
  let best: { gold: Gold; comparison: Comparison; at: number } | undefined;
  for (const [at, gold] of left.entries()) {
    const comparison = compare(call, gold);
    if (best === undefined || comparison.similarity > best.comparison.similarity)
      best = { gold, comparison, at };
  }
  if (best !== undefined) left.splice(best.at, 1);
  return best;
}

function scoreCalls(
  calls: readonly ValidCall[],
  golds: ReadonlyMap<string, readonly Gold[]>,
): Score<SimRlDetail> {
  const left = new Map([...golds].map(([name, group]) => [name, [...group]]));
  let sum = 0;
  const matches = calls.map((call, predicted): CallMatch => {
    const { name } = call;
    const best = takeBest(call, left.get(name) ?? []);
    const similarity = best?.comparison.similarity ?? 0;
    sum += similarity;
    return {
      predicted,
      name,
      gold: best?.gold.index ?? null,
      similarity,
      arguments: best?.comparison.arguments ?? [],
    };
  });
  const missing = [...left.values()].flat().map((gold) => gold.index);
  const divisor = calls.length + missing.length;
  return wellFormed(sum / divisor, { kind: 'calls', matches, missing, divisor });
}

function groupByName(calls: readonly GoldCall[]): ReadonlyMap<string, readonly Gold[]> {
  const groups = new Map<string, Gold[]>();
  for (const [index, call] of calls.entries()) {
    const values = new Map([...call.arguments].map(([name, value]) => [name, new GoldValue(value)]));
    const group = groups.get(call.name);
    if (group === undefined) groups.set(call.name, [{ index, arguments: values }]);
    else group.push({ index, arguments: values });
  }
  return groups;
}

function scorerOf(task: PreparedTask): (generation: string) => Score<SimRlDetail> {
  const { label } = task;
  const golds = groupByName(label.kind === 'calls' ? label.calls : []);
  const goldReply = new GoldValue(label.kind === 'reply' ? label.reply : '');
  return (generation) => {
    const answer = task.read(generation);
    if (answer.kind === 'malformed') {
      return formatError({ kind: 'format_error', fault: answer.fault, message: answer.message });
    }
    if (label.kind === 'unusable') return wellFormed(0, { kind: 'unusable_label', message: label.message });
    if (label.kind === 'calls' && answer.kind === 'calls') return scoreCalls(answer.calls, golds);
    if (label.kind === 'reply' && answer.kind === 'reply') {
      const rougeL = goldReply.earned(answer.reply);
      return wellFormed(rougeL, { kind: 'reply', rougeL });
    }
    const got = answer.kind === 'nothing' ? answer.why : answer.kind;
    return wellFormed(0, { kind: 'wrong_mode', wanted: label.kind, got });
  };
}

/** STAR's reward; what it computes is said at the head of this file. */
export const simrl: Reward<SimRlDetail> = {
  name: 'simrl',
  description: 'similarity of calls, arguments and replies to the gold answer; -1 for a wrong form (STAR)',
  prepare(task) {
    const prepared = prepareTask(task);
    return { problems: prepared.problems, score: scorerOf(prepared) };
  },
};
