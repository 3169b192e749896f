/** From an entry and a reply to a verdict. */
import { isDict } from '../../../../src/json/python.ts';
import { judgeCalls } from './check.ts';
import type { Entry } from './dataset.ts';
import { decodeCalls } from './decode.ts';
import { type Verdict, wrong } from './errors.ts';
import type { Revision } from './revision.ts';
import { judgeSpecial } from './special.ts';

/** Judges a reply by the rules of a revision; never throws. */
export function judgeReply(entry: Entry, reply: string, revision: Revision): Verdict {
  const { category, golds, functions } = entry;
  if (category.kind === 'special') return judgeSpecial(reply, category.name, golds[0] ?? null);
  const calls = decodeCalls(reply, revision, category.isDialogue);
  if (calls === undefined) return wrong('wrong_output_format');
  return judgeCalls(calls, golds.filter(isDict), functions);
}
