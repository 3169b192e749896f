/** Verdicts on responses, one an entry, and what they add up to. */
import { isList, type PyValue } from '../../../../src/json/python.ts';
import type { Category } from './categories.ts';
import { type DecodeRule, decodeStep } from './decode.ts';
import type { Entry, MultiTurnEntry } from './entries.ts';
import { checkMultiTurn } from './multi-turn/index.ts';
import type { Count } from './scores.ts';
import { checkSingleTurn } from './single-turn.ts';

/**
 * A response as a file has it: text, a list of calls, or null where nothing came of asking; for several turns a list of turns, each a list of
 * its steps, each of which is again one of those.
 */
export type Response = string | readonly PyValue[] | null;

export interface Verdict {
  readonly id: string;
  readonly category: Category;
  /** The official name of the error, or `no_response`; null where the answer is right. */
  readonly error: string | null;
}

/** A response if it is of the type that the entry asks for. */
export function readResponse(entry: Entry, result: PyValue): Response | undefined {
  if (entry.kind === 'single')
    return result === null || typeof result === 'string' || isList(result) ? result : undefined;
  return isList(result) && result.every(isList) ? result : undefined;
}

/** Judges one response; none at all is wrong. */
export function judge(entry: Entry, response: Response | undefined, rule: DecodeRule): Verdict {
  const { id, category } = entry;
  if (response === undefined) return { id, category, error: 'no_response' };
  const error =
    entry.kind === 'single'
      ? checkSingleTurn(entry, response, rule)
      : multiTurnError(entry, isList(response) ? response : [], rule);
  return { id, category, error: error ?? null };
}

/** Steps without calls are left out before anything is run. */
function multiTurnError(
  { simulated }: MultiTurnEntry,
  turns: readonly PyValue[],
  rule: DecodeRule,
): string | undefined {
  const decoded = turns.map((turn) =>
    (isList(turn) ? turn : []).map((step) => decodeStep(step, rule)).filter((calls) => calls.length > 0),
  );
  const verdict = checkMultiTurn(simulated, decoded);
  return verdict.valid ? undefined : verdict.errorType;
}

/** Adds up verdicts by category. */
export function countVerdicts(
  verdicts: readonly Pick<Verdict, 'category' | 'error'>[],
): ReadonlyMap<Category, Count> {
  const counts = new Map<Category, Count>();
  for (const { category, error } of verdicts) {
    const { correct, total } = counts.get(category) ?? { correct: 0, total: 0 };
    counts.set(category, { correct: correct + (error === null ? 1 : 0), total: total + 1 });
  }
  return counts;
}
