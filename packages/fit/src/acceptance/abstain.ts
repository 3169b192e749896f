/** Answers of a model that answers in words where it is too unsure of a call. */
import type { Verbatim } from '../../../constrain/src/calls.ts';
import { DEFAULT_REPLY } from '../fit/dialogues.ts';
import type { Answered } from './answers.ts';
import { type Calibration, confidenceOf, isForced } from './confidence.ts';
import type { Measured } from './measure.ts';
import type { Case } from '../types.ts';

/** The same answers, but words in place of calls that were forced, and of those whose probability of being right is below `least`. */
export function abstaining(
  answers: readonly Measured[],
  calibration: Calibration,
  verbatim: Verbatim,
  least: number,
  read: (one: Case, output: string) => Answered,
): Measured[] {
  return answers.map((answer) => {
    const p = answer.calls.length === 0 ? 1 : (confidenceOf(calibration, answer) ?? 1);
    return p >= least && !isForced(calibration, answer, verbatim)
      ? answer
      : { ...answer, ...read(answer.case, DEFAULT_REPLY) };
  });
}
