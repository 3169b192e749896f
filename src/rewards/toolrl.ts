/**
 * ToolRL's reward (arXiv 2504.13958, as its public code computes it), with Qwen's tags in place of its own. It adds R_format, 0 or 1, and
 * R_correct, -3 to 3; `reward` is that sum, mapped in a straight line from [-3, 4] to [-1, 1].
 *
 * - R_format is 1 if the turn is one `<think>...</think>` and then nothing but complete `<tool_call>` blocks, where calls are wanted; nothing but a
 *   reply, where a reply is. White space between them, and end tokens, are free.
 * - R_correct is 0 where a reply is wanted, whatever is given. Where calls are, it is -3 if there is no complete block, or one that is no call with
 *   a name in a string and arguments in an object; otherwise 6 s / S - 3. Here S = 1 + sum over gold calls of (1 + number of arguments), and
 *   s = overlap of the functions' names + sum over gold calls, in order, of the best that an unused call of that name earns:
 *   overlap of the arguments' names + number of gold arguments with an equal value.
 * - The overlap of two collections is the size of their multiset intersection by that of their union, and 1 if both are empty.
 *   Values are equal as in Python: 1 is 1.0 and true, "1" is not 1, and text has to be the same to the letter.
 *
 * Form and answer are judged apart, so calls in a turn without `<think>` still earn; and tools are not consulted: a function that does not exist is just
 * a wrong one. The answer score is (R_correct + 3) / 6 for calls and R_format for replies. A label that cannot be read counts as one without calls.
 */
import type { ToolFormat } from '../chat/formats/format.ts';
import { afterThink, splitTurn } from '../chat/generation.ts';
import type { ExactCall } from '../chat/messages.ts';
import { isObjectCall } from '../chat/tools.ts';
import { pyEquals } from '../json/equals.ts';
import { strip } from '../json/python.ts';
import { without, withoutEndTokens } from './exact.ts';
import { type PreparedTask, rewardOf } from './reward.ts';

const LEAST = -3;
const MOST = 4;

export interface ToolRlMatch {
  /** Its place among the gold calls. */
  readonly gold: number;
  readonly name: string;
  /** The place of the call that was matched to it, or null. */
  readonly predicted: number | null;
  /** The overlap of the arguments' names. */
  readonly names: number;
  /** The gold arguments, and whether each has an equal value: 1 or 0. */
  readonly arguments: readonly { readonly name: string; readonly earned: number }[];
}

export interface ToolRlDetail {
  readonly kind: 'toolrl';
  readonly format: 0 | 1;
  /** R_correct. */
  readonly correct: number;
  readonly calls:
    | {
        readonly kind: 'calls';
        /** The overlap of the functions' names. */
        readonly names: number;
        readonly matches: readonly ToolRlMatch[];
        /** The score and the highest one possible. */
        readonly score: number;
        readonly maximum: number;
      }
    | { readonly kind: 'unreadable'; readonly message: string }
    | { readonly kind: 'not_wanted' };
}

/** The overlap of two collections, each item as often as it occurs; linear in both. */
function overlap(a: readonly string[], b: readonly string[]): number {
  const common = a.length - without(a, b, (item) => item).length;
  const total = a.length + b.length - common;
  return total === 0 ? 1 : common / total;
}

/** The calls that were made, or why there are none that can be read. */
function callsOf(turn: string, { format, argumentsOf }: PreparedTask): readonly ExactCall[] | string {
  const calls: ExactCall[] = [];
  for (const block of format.callBlocks(afterThink(turn, format)) ?? []) {
    const call = format.readCall(block, argumentsOf);
    if ('kind' in call) return call.message;
    if (!isObjectCall(call))
      return 'A tool call has a name that is no string, or arguments that are no object.';
    calls.push(call);
  }
  return calls.length > 0 ? calls : 'There is no complete tool call.';
}

function compare(gold: ExactCall, made: ExactCall): Pick<ToolRlMatch, 'names' | 'arguments'> {
  const earned = [...gold.arguments].map(([name, value]) => {
    const given = made.arguments.get(name);
    return { name, earned: given !== undefined && pyEquals(given, value) ? 1 : 0 };
  });
  return { names: overlap([...gold.arguments.keys()], [...made.arguments.keys()]), arguments: earned };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function worth({ names, arguments: earned }: Pick<ToolRlMatch, 'names' | 'arguments'>): number {
  return names + sum(earned.map((one) => one.earned));
}

/** Gives a gold call the best of the unused calls of its name, the first of several, if that earns anything. */
function matchOf(gold: ExactCall, place: number, made: readonly ExactCall[], used: Set<number>): ToolRlMatch {
  const nothing = [...gold.arguments.keys()].map((name) => ({ name, earned: 0 }));
  let best: ToolRlMatch = { gold: place, name: gold.name, predicted: null, names: 0, arguments: nothing };
  for (const [predicted, call] of made.entries()) {
    if (used.has(predicted) || call.name !== gold.name) continue;
    const match = { ...best, predicted, ...compare(gold, call) };
    if (worth(match) > worth(best)) best = match;
  }
  if (best.predicted !== null) used.add(best.predicted);
  return best;
}

function correctness(
  gold: readonly ExactCall[],
  turn: string,
  task: PreparedTask,
): Pick<ToolRlDetail, 'correct' | 'calls'> {
  const made = callsOf(turn, task);
  if (typeof made === 'string') return { correct: LEAST, calls: { kind: 'unreadable', message: made } };
  const namesOf = (calls: readonly ExactCall[]): string[] => calls.map(({ name }) => name);
  const names = overlap(namesOf(gold), namesOf(made));
  const used = new Set<number>();
  const matches = gold.map((call, place) => matchOf(call, place, made, used));
  const score = names + sum(matches.map(worth));
  const maximum = 1 + sum(gold.map((call) => 1 + call.arguments.size));
  return { correct: (6 * score) / maximum - 3, calls: { kind: 'calls', names, matches, score, maximum } };
}

function hasForm(turn: string, wantsCalls: boolean, format: ToolFormat): boolean {
  const split = splitTurn(turn, format);
  if ('kind' in split || (format.thinks && !strip(turn).startsWith(format.think.open))) return false;
  const blocks = format.callBlocks(split.answer);
  const text = withoutEndTokens(format.outsideOfCalls(split.answer), format);
  return wantsCalls
    ? blocks !== undefined && blocks.length > 0 && text === ''
    : blocks === undefined && text !== '';
}

export const toolrl = rewardOf<ToolRlDetail>(
  'toolrl',
  'form plus overlap of names, arguments and equal values, -3 to 4 scaled to -1 to 1 (ToolRL)',
  (prepared) => {
    const gold = prepared.label.kind === 'calls' ? prepared.label.calls : undefined;
    return (generation) => {
      const turn = prepared.turn(generation);
      const format = hasForm(turn, gold !== undefined, prepared.format) ? 1 : 0;
      const { correct, calls } =
        gold === undefined
          ? { correct: 0, calls: { kind: 'not_wanted' } as const }
          : correctness(gold, turn, prepared);
      return {
        reward: (2 * (format + correct - LEAST)) / (MOST - LEAST) - 1,
        format: format === 1 ? 1 : -1,
        answer: gold === undefined ? format : (correct + 3) / 6,
        detail: { kind: 'toolrl', format, correct, calls },
      };
    };
  },
);
