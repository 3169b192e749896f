/**
 * Choice of the learning rate on the development split by successive halving: all candidates learn from a few cases, the
 * better half of them from twice as many, from the beginning. The pace of training is measured first, and says how many
 * cases there is time for; where they are too few to tell candidates apart, none is preferred to the usual one.
 */
import { formatDuration, sum } from '../../../report/src/numbers.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import type { Measured } from '../acceptance/measure.ts';
import { likenessOf } from '../acceptance/scores.ts';
import { type Bases, STUDENT_BASE, TEACHER_BASE } from './bases.ts';
import type { Ask } from './curriculum.ts';
import { type Doing, Growing } from './growing.ts';
import { casesOfTeacher, LEAST_CASES, type Pace, SEARCH } from './pace.ts';
import {
  type Around,
  type Batch,
  batchOf,
  type Chosen,
  sftStage,
  type StageOptions,
  withCases,
} from './recipe.ts';
import { shortened } from './some.ts';

export interface Choice {
  readonly chosen: Chosen;
  readonly teacherBatch: Batch;
  /** With short lists of functions. */
  readonly shortBatch: Batch;
  readonly pace: Pace;
  /** Reasons for it, for people. */
  readonly why: readonly string[];
  /** Seconds that it took. */
  readonly seconds: number;
}

/** Optimiser of supervised stages, and candidates for its rate, the usual one first. */
interface Candidates extends Pick<Chosen, 'optimizer'> {
  readonly rates: readonly [number, ...number[]];
}

/** Candidates for a base. Muon's update of a larger model's matrices takes as long as a step's gradients. */
export const candidatesFor = ({ isSmall }: Pick<Bases, 'isSmall'>): Candidates =>
  isSmall
    ? { optimizer: 'muon', rates: [2e-3, 1e-3, 4e-3] }
    : { optimizer: 'adamw', rates: [3e-4, 6e-4, 1.5e-4] };

/** Steps that a pace is measured by, of a small student twice as many; and those that a candidate takes at least. */
const PACE_STEPS = { small: 8, large: 2 } as const;
const LEAST_STEPS = 12;
/** Part of the time for learning; the rest is for answering. */
const LEARNING = 0.6;
/** Development cases that candidates answer. */
const ASKED = 96;

/** Development cases by whose answers it is known how long one takes: the second batch of them, as the first builds graphs. */
const TIMED = 64;

/** Seconds of an answer of the usual length, by those of the second half: a model that has not learned when to end writes on. */
function answerSeconds(timed: readonly Measured[], usual: number): number {
  const half = timed.slice(timed.length >> 1);
  const tokens = sum(half.map((one) => one.tokens)) / Math.max(1, half.length);
  return (half.at(-1)?.seconds ?? 0) * Math.min(1, usual / Math.max(1, tokens));
}

/** A candidate with its answers to development cases. */
interface Candidate {
  readonly lr: number;
  readonly right: number;
  readonly total: number;
  readonly likeness: number;
}

/** Tells whether a model of this pace reads enough cases to teach, if it has all of the minutes that are given. */
const canRead = (minutes: number, pace: number): boolean => casesOfTeacher(60 * minutes, pace) >= LEAST_CASES;

const nameOf = (lr: number, rung: number): string => `lr-${lr}-${rung}`;

/** Measures the pace, and chooses the learning rate of supervised stages. */
export async function* chooseSettings(
  around: Around,
  doing: Doing,
  count: number,
  ask: Ask,
): AsyncGenerator<RunEvent, Choice> {
  const { settings, bases, lengths } = around;
  const run = new Growing(around, doing, 'search');
  const { optimizer, rates } = candidatesFor(bases);
  const [usual] = rates;
  const batch = batchOf(bases, bases.shapes.student, lengths);
  const { some } = around.data;
  // A teacher of a long list would take all of the time.
  const teaches = bases.distils && (some === undefined || settings.stages['teacher'] !== undefined);
  const teacherBatch = batchOf(bases, bases.shapes.teacher, { ...lengths, shared: lengths.whole });
  const of = (lr: number): Chosen => ({ lr, optimizer, batch });
  const steps = bases.isSmall ? PACE_STEPS.small : PACE_STEPS.large;
  const probe = (name: string, model: string, own: Batch, times = 1): StageOptions =>
    sftStage(
      name,
      model,
      { ...of(usual), batch: own },
      { max_epochs: 1, max_samples: Math.min(count, times * steps * own.size) },
    );
  yield* run.grow('pace', () => ({ stages: [probe('pace', STUDENT_BASE, batch, bases.isSmall ? 2 : 1)] }));
  const short = some === undefined ? undefined : new Growing(withCases(around, some), doing, 'search-some');
  const shortBatch = batchOf(bases, bases.shapes.student, shortened(lengths, around.functions));
  // Short lists are of several lengths, each of which has a graph that is built when it first comes.
  if (short !== undefined)
    yield* short.grow('pace', () => ({ stages: [probe('pace-some', STUDENT_BASE, shortBatch, 2)] }));
  /** Seconds a sequence of steps of a batch. */
  const each = (of: Growing, stage: string, own: Batch): number =>
    of.stepSeconds(stage) / Math.min(own.size, count);
  const student = each(run, 'pace', batch);
  // A teacher is the larger model: where even a student could not read enough cases in its time, it is not tried.
  const tries = teaches && (canRead(settings.minutes, student) || settings.stages['teacher'] !== undefined);
  if (tries)
    yield* run.grow('pace of the teacher', () => ({
      stages: [probe('pace-teacher', TEACHER_BASE, teacherBatch)],
    }));
  const timed = yield* ask('pace on development cases', run.model('pace'), TIMED);
  const pace: Pace = {
    answer: answerSeconds(timed, lengths.meanAnswer),
    student,
    teacher: tries ? each(run, 'pace-teacher', teacherBatch) : teaches ? student : Infinity,
    ...(short === undefined ? {} : { some: each(short, 'pace-some', shortBatch) }),
  };
  const spent = [run, ...(short === undefined ? [] : [short])].flatMap((one) => one.seconds());
  const seconds = SEARCH * 60 * settings.minutes - spent.reduce((a, b) => a + b, 0);
  // Each candidate takes one part of it, and the better half of them two more.
  const half = Math.ceil(rates.length / 2);
  const room = Math.floor((LEARNING * seconds) / pace.student / (rates.length + 2 * half));
  const cases = Math.min(room, Math.floor(count / 2));
  const done = (lr: number, ...why: string[]): Choice => ({
    chosen: of(lr),
    teacherBatch,
    shortBatch,
    pace,
    why,
    seconds: run.seconds().reduce((a, b) => a + b, 0),
  });
  if (!settings.search) return done(usual, `learning rate ${usual}: the usual one, as search is off`);
  if (cases < LEAST_STEPS * batch.size) {
    const lack =
      room < LEAST_STEPS * batch.size
        ? `${formatDuration(Math.max(0, seconds))} for a search is`
        : `half of ${count} training cases is`;
    return done(usual, `learning rate ${usual}: the usual one, as ${lack} too little to compare others`);
  }
  const race = async function* (
    rung: number,
    candidates: readonly number[],
  ): AsyncGenerator<RunEvent, Candidate[]> {
    const passes = { max_epochs: 1, max_samples: rung * cases };
    yield* run.grow(`rung ${rung}`, () => ({
      stages: candidates.map((lr) => sftStage(nameOf(lr, rung), STUDENT_BASE, of(lr), passes)),
    }));
    const found: Candidate[] = [];
    for (const lr of candidates) {
      const name = nameOf(lr, rung);
      const answers = yield* ask(`${name} on development cases`, run.model(name), ASKED);
      const right = answers.filter(({ correct }) => correct).length;
      found.push({
        lr,
        right,
        total: answers.length,
        likeness: likenessOf(answers),
      });
    }
    return found.toSorted((a, b) => b.likeness - a.likeness || b.right - a.right);
  };
  const first = yield* race(1, rates);
  const second = yield* race(
    2,
    first.slice(0, half).map(({ lr }) => lr),
  );
  const [best, ...others] = second;
  if (best === undefined || best.likeness === 0)
    return done(usual, `learning rate ${usual}: the usual one, as no candidate has learned to answer yet`);
  const text = ({ lr, right, likeness }: Candidate): string =>
    `${right} with ${lr} (likeness ${likeness.toFixed(2)})`;
  const behind = first.slice(half).map((one) => `after half of them ${text(one)}`);
  return done(
    best.lr,
    `learning rate ${best.lr}: of ${best.total} development cases right after ${2 * cases} training cases ${[best, ...others].map(text).join(', ')}; ${behind.join(', ')}`,
  );
}
