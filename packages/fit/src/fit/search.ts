/**
 * Choice of the learning rate on the development split by successive halving: all candidates learn from a few cases, the
 * better half of them from twice as many, from the beginning. The pace of training is measured first, and says how many
 * cases there is time for; where they are too few to tell candidates apart, none is preferred to the usual one.
 */
import { formatDuration, shareOf } from '../../../../src/report/numbers.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { STUDENT_BASE, TEACHER_BASE } from './bases.ts';
import { type Doing, Growing } from './growing.ts';
import { type Pace, SHARES } from './pace.ts';
import { type Around, batchOf, type Chosen, evalStage, sftStage } from './recipe.ts';

export interface Choice {
  readonly chosen: Chosen;
  readonly pace: Pace;
  /** Reasons for it, for people. */
  readonly why: readonly string[];
  /** Seconds that it took. */
  readonly seconds: number;
}

/** Candidates, the usual one first. */
const RATES = { small: [2e-3, 1e-3, 4e-3], large: [5e-4, 2e-4, 1e-3] } as const;

/** Steps whose time is measured, and those that a candidate takes at least. */
const PACE_STEPS = 4;
const LEAST_STEPS = 12;
/** Part of the time for learning; the rest is for answering. */
const LEARNING = 0.6;
/** Development cases that candidates answer. */
const ASKED = 96;

const nameOf = (lr: number, rung: number): string => `lr-${lr}-${rung}`;

/** Measures the pace, and chooses the learning rate of supervised stages. */
export async function* chooseSettings(
  around: Around,
  doing: Doing,
  counts: { readonly train: number; readonly dev: number },
): AsyncGenerator<RunEvent, Choice> {
  const { settings, bases } = around;
  const run = new Growing(around, doing, 'search');
  const rates: readonly number[] = bases.isSmall ? RATES.small : RATES.large;
  const [usual = 1e-3] = rates;
  const batch = batchOf(bases);
  const of = (lr: number): Chosen => ({ lr, optimizer: 'muon', batch });
  const probe = { max_epochs: 1, max_samples: Math.min(counts.train, PACE_STEPS * batch.size) };
  yield* run.grow('pace', () => ({
    stages: [
      sftStage('pace', STUDENT_BASE, of(usual), probe),
      ...(bases.distils ? [sftStage('pace-teacher', TEACHER_BASE, of(usual), probe)] : []),
    ],
  }));
  const perCase = (stage: string): number => run.stepSeconds(stage) / Math.min(batch.size, counts.train);
  const pace = { student: perCase('pace'), teacher: perCase(bases.distils ? 'pace-teacher' : 'pace') };
  const seconds = SHARES.search * 60 * settings.minutes - run.seconds().reduce((a, b) => a + b, 0);
  // Each candidate takes one part of it, and the better half of them two more.
  const half = Math.ceil(rates.length / 2);
  const cases = Math.floor((LEARNING * seconds) / pace.student / (rates.length + 2 * half));
  const done = (lr: number, ...why: string[]): Choice => ({
    chosen: of(lr),
    pace,
    why,
    seconds: run.seconds().reduce((a, b) => a + b, 0),
  });
  if (!settings.search) return done(usual, `learning rate ${usual}: the usual one, as search is off`);
  if (cases < LEAST_STEPS * batch.size || counts.train < LEAST_STEPS * batch.size) {
    const lack =
      counts.train < LEAST_STEPS * batch.size
        ? `${counts.train} training cases are`
        : `${formatDuration(seconds)} for a search is`;
    return done(usual, `learning rate ${usual}: the usual one, as ${lack} too little to compare others`);
  }
  const race = async function* (
    rung: number,
    candidates: readonly number[],
  ): AsyncGenerator<RunEvent, { readonly lr: number; readonly right: number; readonly total: number }[]> {
    const passes = { max_epochs: 1, max_samples: Math.min(counts.train, rung * cases) };
    const models = Object.fromEntries(candidates.map((lr) => [String(lr), nameOf(lr, rung)]));
    yield* run.grow(`rung ${rung}`, () => ({
      stages: [
        ...candidates.map((lr) => sftStage(nameOf(lr, rung), STUDENT_BASE, of(lr), passes)),
        evalStage(`rung-${rung}`, models, Math.min(ASKED, counts.dev)),
      ],
    }));
    const scores = run.scores(`rung-${rung}`);
    return candidates
      .map((lr) => ({ lr, right: scores[String(lr)]?.correct ?? 0, total: scores[String(lr)]?.total ?? 0 }))
      .toSorted(
        (a, b) =>
          shareOf({ correct: b.right, total: b.total }) - shareOf({ correct: a.right, total: a.total }),
      );
  };
  const first = yield* race(1, rates);
  const second = yield* race(
    2,
    first.slice(0, half).map(({ lr }) => lr),
  );
  const [best = { lr: usual, right: 0, total: 0 }, ...others] = second;
  if (best.right === 0)
    return done(
      usual,
      `learning rate ${usual}: the usual one, as no candidate answered a development case yet`,
    );
  const others2 = [
    ...others.map(({ lr, right }) => `${right} with ${lr}`),
    ...first.slice(half).map(({ lr, right }) => `${lr} fell behind at half of that (${right})`),
  ];
  return done(
    best.lr,
    `learning rate ${best.lr}: ${best.right} of ${best.total} development cases right after ${Math.min(counts.train, 2 * cases)} training cases, ${others2.join(', ')}`,
  );
}
