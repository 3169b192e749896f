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
  outcomeOf,
  without,
} from '../../../../src/rewards/exact.ts';
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

/** Reader of a model's outputs, in its tool-call format. */
export function answerReader(
  tools: readonly Tool[],
  format: ToolFormat,
): (one: Case, output: string) => Answered {
  const find = argumentsIn(toolTable(tools));
  return (one, output) => {
    // Prompts close the thought, so that all of an output is the answer.
    const outcome = outcomeOf(parseGeneration(output, { ...format, thinks: false }, find), format);
    const gold = goldOfMessage(answerOf(one));
    const verdict = judge(gold, outcome);
    const calls = outcome?.kind === 'calls' ? outcome.calls : [];
    const wanted = gold.kind === 'calls' ? gold.calls : [];
    return {
      case: one,
      output,
      calls,
      correct: verdict.correct,
      error: verdict.correct ? undefined : verdict.error,
      due: dueOf(wanted, calls),
      confusions: confusionsOf(wanted, calls),
    };
  };
}
