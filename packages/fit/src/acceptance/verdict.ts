/** The verdict on a student: ready or not yet, and why. */
import { type Count, formatPercent, shareOf, wilson } from '../../../report/src/numbers.ts';
import type { Scores } from './scores.ts';

export interface Verdict {
  readonly isReady: boolean;
  /** Reasons, each a clause; of a student that is ready none. */
  readonly because: readonly string[];
}

/** Share of right answers below which, at the lower end of its interval, a student is not ready. */
const READY = 0.9;
/** Share of its calls below which a function is not. */
const READY_FUNCTION = 0.8;
/** Number of calls from which a function's share says something. */
const ENOUGH_CALLS = 5;
/** Number of requests from which the whole says something. */
const ENOUGH_REQUESTS = 50;

const of = (count: Count): string => `${count.correct} of ${count.total} (${formatPercent(shareOf(count))})`;

/** Judges the scores of a student. */
export function verdictOf({ all, functions, restrained }: Scores): Verdict {
  const because: string[] = [];
  const { low } = wilson(all.correct, all.total);
  if (all.total < ENOUGH_REQUESTS)
    because.push(
      `${all.total} test requests are too few to tell; write more examples (${ENOUGH_REQUESTS} test requests at least)`,
    );
  else if (low < READY)
    because.push(
      `${of(all)} of the requests are right, and ${formatPercent(READY)} cannot be told from that (at least ${formatPercent(low)})`,
    );
  const weak = functions.filter((score) => score.total >= ENOUGH_CALLS && shareOf(score) < READY_FUNCTION);
  for (const score of weak.toSorted((a, b) => shareOf(a) - shareOf(b)).slice(0, 3)) {
    const instead = score.instead === '' ? '' : `, ${score.instead} is called in its place`;
    because.push(`${score.name} is right in ${of(score)}${instead}: write more examples of it`);
  }
  if (weak.length > 3)
    because.push(`${weak.length - 3} more functions are below ${formatPercent(READY_FUNCTION)}`);
  const unseen = functions.filter(({ total }) => total === 0).map(({ name }) => name);
  if (unseen.length > 0) {
    const shown = unseen.slice(0, 3).join(', ') + (unseen.length > 3 ? ` and ${unseen.length - 3} more` : '');
    because.push(`no test request calls ${shown}`);
  }
  if (restrained.total >= ENOUGH_CALLS && shareOf(restrained) < READY)
    because.push(
      `it calls a function in ${restrained.total - restrained.correct} of ${restrained.total} requests that need none`,
    );
  return { isReady: because.length === 0, because };
}

/** The verdict as a line. */
export const verdictText = ({ isReady, because }: Verdict): string =>
  isReady ? 'ready' : `not yet, because ${because.join('; ')}`;
