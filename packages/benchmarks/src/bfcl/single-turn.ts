/** The verdict on one answer of one turn, by the official rules and with the official names of errors. */
import { isList, type PyValue } from '../../../../src/json/python.ts';
import { checkCalls } from './ast/calls.ts';
import type { AstError } from './ast/errors.ts';
import { rulesOf } from './categories.ts';
import { type DecodeRule, decodeResponse } from './decode.ts';
import type { SingleTurnEntry } from './entries.ts';

export type SingleTurnError =
  | AstError
  | 'irrelevance_error:decoder_success'
  | 'relevance_error:decoder_failed';

/** The error of a response, or undefined where it is right. A call is wanted or not; for relevance its content plays no part. */
export function checkSingleTurn(
  entry: SingleTurnEntry,
  response: string | readonly PyValue[] | null,
  rule: DecodeRule,
): SingleTurnError | undefined {
  const { check } = rulesOf(entry.category);
  const decoded = decodeResponse(response, rule);
  if (check.kind === 'ast') {
    if (!decoded.ok) return decoded.error;
    const { functions, answers } = entry;
    // Lists come from services whose names of functions cannot have dots.
    const task = { functions, answers, language: check.language, areDotsUnderscores: isList(response) };
    return checkCalls(check.pattern, task, decoded.calls);
  }
  const calls = decoded.ok && decoded.calls.length > 0;
  if (check.kind === 'irrelevance') return calls ? 'irrelevance_error:decoder_success' : undefined;
  return calls ? undefined : 'relevance_error:decoder_failed';
}
