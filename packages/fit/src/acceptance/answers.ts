/** Answers of a model to cases, taken apart: the calls that were made, and which of those that were due are among them. */
import type { ToolFormat } from '../../../../src/chat/formats/format.ts';
import { parseGeneration } from '../../../../src/chat/generation.ts';
import type { ExactCall, Tool } from '../../../../src/chat/messages.ts';
import { argumentsIn, toolTable } from '../../../../src/chat/tools.ts';
import {
  callKey,
  type ErrorClass,
  goldOfMessage,
  judge,
  type Outcome,
  outcomeOf,
  without,
} from '../../../../src/rewards/exact.ts';
import { callSimilarity } from '../../../../src/rewards/simrl.ts';
import { answerOf } from '../fit/dialogues.ts';
import type { Case } from '../types.ts';

/** A name that was wanted, and the one that was called in its place; empty where there is none. */
export interface Confusion {
  readonly wanted: string;
  readonly made: string;
}

/** A model's answer to one case. */
export interface Answered {
  readonly case: Case;
  /** All that it wrote, its thought left out. */
  readonly output: string;
  /** Calls that it made; none where it answered in words, or in no form that is known. */
  readonly calls: readonly ExactCall[];
  readonly correct: boolean;
  /** Likeness to the right answer, from 0 to 1: of calls as Sim-RL's reward has it, of words that they are words. */
  readonly similarity: number;
  /** Class of the error; undefined where it is right. */
  readonly error: ErrorClass | undefined;
  /** Names of the calls that were due, each with whether just that call was made. */
  readonly due: readonly { readonly name: string; readonly isMade: boolean }[];
  readonly confusions: readonly Confusion[];
}

/** Names of wanted calls, each with whether just that call is among those made. */
function dueOf(wanted: readonly ExactCall[], made: readonly ExactCall[]): Answered['due'] {
  const missing = new Set(without(wanted, made, callKey));
  return wanted.map((call) => ({ name: call.name, isMade: !missing.has(call) }));
}

/** Functions that were called in place of others, one by one; what is left over has nothing beside it. */
function confusionsOf(wanted: readonly ExactCall[], made: readonly ExactCall[]): Confusion[] {
  const byName = ({ name }: ExactCall): string => name;
  const missing = without(wanted, made, byName);
  const surplus = without(made, wanted, byName);
  return Array.from({ length: Math.max(missing.length, surplus.length) }, (_, i) => ({
    wanted: missing[i]?.name ?? '',
    made: surplus[i]?.name ?? '',
  }));
}

/** Reader of what a model wrote after a prompt that closes the thought, so that all of it is the answer. */
const outcomeReader = (tools: readonly Tool[], format: ToolFormat): ((output: string) => Outcome) => {
  const find = argumentsIn(toolTable(tools));
  return (output) => outcomeOf(parseGeneration(output, { ...format, thinks: false }, find), format);
};

/** Calls of an output; none where it is words, or in no form that is known. */
export function callsIn(output: string, tools: readonly Tool[], format: ToolFormat): readonly ExactCall[] {
  const outcome = outcomeReader(tools, format)(output);
  return outcome?.kind === 'calls' ? outcome.calls : [];
}

/** Reader of a model's outputs, in its tool-call format. */
export function answerReader(
  tools: readonly Tool[],
  format: ToolFormat,
): (one: Case, output: string) => Answered {
  const read = outcomeReader(tools, format);
  return (one, output) => {
    const outcome = read(output);
    const gold = goldOfMessage(answerOf(one));
    const verdict = judge(gold, outcome);
    const calls = outcome?.kind === 'calls' ? outcome.calls : [];
    const wanted = gold.kind === 'calls' ? gold.calls : [];
    return {
      case: one,
      output,
      calls,
      correct: verdict.correct,
      similarity: gold.kind === 'calls' ? callSimilarity(calls, wanted) : verdict.correct ? 1 : 0,
      error: verdict.correct ? undefined : verdict.error,
      due: dueOf(wanted, calls),
      confusions: confusionsOf(wanted, calls),
    };
  };
}
