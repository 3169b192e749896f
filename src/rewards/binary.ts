/**
 * The reward that Sim-RL is compared with: 1 if the answer is right as a whole, 0 if it is not, -1 if the form is wrong.
 *
 * The form is judged as in Sim-RL (think pair, JSON, known functions and arguments), and right means what evaluation means by it (exact.ts):
 * the same calls, or a reply where a reply is wanted. STAR reports such a baseline without publishing its code, so the treatment of
 * replies is this project's choice. A label that cannot be read earns every well-formed generation 0.
 */
import type { ToolFormat } from '../chat/formats/format.ts';
import { type ErrorClass, goldOfLabel, judge, type Outcome, outcomeOf } from './exact.ts';
import { type Answer, formatError, type FormatErrorDetail, rewardOf, wellFormed } from './reward.ts';

export type BinaryDetail =
  | FormatErrorDetail
  | { readonly kind: 'right' }
  | { readonly kind: 'wrong'; readonly error: ErrorClass }
  | { readonly kind: 'unusable_label' };

/** An answer as far as it matters to a verdict. */
function outcomeOfAnswer(answer: Answer, format: ToolFormat): Outcome {
  if (answer.kind !== 'nothing') return outcomeOf(answer, format);
  return answer.why === 'empty_reply' ? { kind: 'reply', reply: '' } : undefined;
}

export const binary = rewardOf<BinaryDetail>(
  'binary',
  '1 for exactly the gold calls (or a reply where one is wanted), else 0; -1 for a wrong form',
  (prepared) => {
    const gold = goldOfLabel(prepared.label);
    return (generation) => {
      const answer = prepared.read(generation);
      if (answer.kind === 'malformed') return formatError(answer);
      if (gold === undefined) return wellFormed(0, { kind: 'unusable_label' });
      const verdict = judge(gold, outcomeOfAnswer(answer, prepared.format));
      return verdict.correct
        ? wellFormed(1, { kind: 'right' })
        : wellFormed(0, { kind: 'wrong', error: verdict.error });
    };
  },
);
