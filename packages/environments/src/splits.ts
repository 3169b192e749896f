/** Splits that cannot overlap: a problem's own text says whether it is one to learn from or one to be tested on. */
import { hashString, Rng } from '../../../src/base/rng.ts';
import type { Problem, ProblemRequest, Split } from './environment.ts';

/** One of so many problems of the training domain is a test problem. */
const TEST_SHARE = 6;
/** Draws a problem wanted, at most: a domain may have fewer different problems than are asked for. */
const MAX_DRAWS = 60;

/** The split that a question of the training domain is in. */
function splitOf(question: string): Exclude<Split, 'transfer'> {
  return hashString(question) % TEST_SHARE === 0 ? 'test' : 'train';
}

/**
 * The first problems of a split: `draw` makes candidate after candidate, for the split's domain. No question comes
 * twice, and none of train is one of test; questions of transfer come from a domain of their own.
 */
export function drawProblems(
  { split, seed, count }: ProblemRequest,
  draw: (rng: Rng, index: number, split: Split) => Omit<Problem, 'id'> | undefined,
): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (let i = 0; problems.length < count && i < count * MAX_DRAWS; i++) {
    const drawn = draw(Rng.seeded(seed, `${split}:${i}`), problems.length, split);
    if (drawn === undefined || seen.has(drawn.question)) continue;
    if (split !== 'transfer' && splitOf(drawn.question) !== split) continue;
    seen.add(drawn.question);
    problems.push({ id: `${split}-${problems.length}`, ...drawn });
  }
  return problems;
}
