/**
 * One round of the curriculum: the teacher learns the cases, and its score on the development split decides if the student
 * learns from its answers (CKD) or from the cases alone; Sim-RL refines the student. The student of the round is the one
 * that does best on the development split.
 */
import { join } from 'node:path';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import { type Count, formatPercent, shareOf } from '../../../report/src/numbers.ts';
import { readRollouts } from '../../../../src/train/rollout-store.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import type { Measured } from '../acceptance/measure.ts';
import { likenessOf } from '../acceptance/scores.ts';
import { STUDENT_BASE, TEACHER_BASE } from './bases.ts';
import { type Doing, Growing } from './growing.ts';
import { casesOfTeacher, countIn, LEAST_CASES, type Pace, passesIn, SHARES } from './pace.ts';
import {
  type Around,
  type Batch,
  type Chosen,
  ckdStage,
  RIGHT,
  rolloutStage,
  sftStage,
  simrlStage,
  withCases,
} from './recipe.ts';
import { SHORT_LIST } from './some.ts';

/** Answers of a model to the development cases, or to the first so many of them. */
export type Ask = (
  stage: string,
  model: string,
  most?: number,
) => AsyncGenerator<RunEvent, readonly Measured[]>;

export interface Round {
  readonly name: string;
  readonly chosen: Chosen;
  readonly teacherBatch: Batch;
  readonly shortBatch: Batch;
  readonly pace: Pace;
  /** Seconds for all of its stages. */
  readonly seconds: number;
  /** Training cases. */
  readonly count: number;
  readonly ask: Ask;
  /** Models that it goes on from, in place of the bases. */
  readonly from: Readonly<Record<string, string>>;
}

/** A model that a round made. */
interface Made {
  readonly stage: string;
  readonly model: string;
  /** To the development cases. */
  readonly answers: readonly Measured[];
  readonly score: Count;
}

export interface RoundResult {
  /** The best student. */
  readonly student: Made;
  /** Folders of the student that learned from the cases alone, and of the teacher, if there is one. */
  readonly sft: string;
  readonly teacher?: string;
  readonly why: readonly string[];
}

/** Time that a prompt's samples take, by that of one greedy answer: four of a rollout, eight of Sim-RL. */
const SAMPLING = { rollout: 2.5, reinforcement: 4 } as const;
/** Prompts and samples of a step of Sim-RL. */
const [RL_PROMPTS, RL_SAMPLES] = [24, 8];
/** Steps of Sim-RL at most; and those below which a large model has no Sim-RL, as its time is worth more in SFT. */
const [MOST_STEPS, WORTH_STEPS] = [40, 8];
/** Share of right answers that a student will have, as it is planned. */
const HOPED = 0.8;
/** Share of right answers below which there are too few to learn from, of a teacher or of one's own. */
const LEAST_SHARE = 0.2;

/** Likeness of a teacher's answers to right ones, calls and words, below which hardly any could be kept. */
const LEAST_LIKENESS = 0.2;

const text = ({ score }: Made): string =>
  `${score.correct} of ${score.total} (${formatPercent(shareOf(score))})`;

/** Name of the student that Sim-RL begins with, in a run of its own. */
const LEARNED = 'learned';

/** Seconds that one greedy answer took. */
const pausesOf = ({ answers }: Made): number =>
  answers.reduce((sum, { seconds }) => sum + seconds, 0) / Math.max(1, answers.length);

export async function* curriculum(
  around: Around,
  doing: Doing,
  round: Round,
): AsyncGenerator<RunEvent, RoundResult> {
  const { name, chosen, teacherBatch, pace, seconds, count, ask } = round;
  const { bases, settings } = around;
  const from = yield* shortLists(around, doing, round);
  const run = new Growing(around, doing, name, from);
  const checked = async function* (stage: string, of = run): AsyncGenerator<RunEvent, Made> {
    const model = of.model(stage);
    const answers = yield* ask(`${name}: ${stage} on development cases`, model);
    const score = { correct: answers.filter(({ correct }) => correct).length, total: answers.length };
    return { stage, model, answers, score };
  };
  const reads = casesOfTeacher(seconds, pace.teacher);
  // Options for a teacher ask for one.
  const teaches = bases.distils && (reads >= LEAST_CASES || settings.stages['teacher'] !== undefined);
  /** Steps of Sim-RL that there is time for, of a model with so large a share of right answers of so many seconds. */
  const stepsIn = (share: number, pause: number): number => {
    // The better a model is, the more prompts have to be asked until enough of them have answers that differ.
    const differing = Math.min(0.6, Math.max(0.12, 1.5 * (1 - share)));
    const each = RL_PROMPTS * ((SAMPLING.reinforcement * pause) / differing + RL_SAMPLES * pace.student);
    return countIn(SHARES.star * seconds, each, 2, MOST_STEPS);
  };
  const planned = stepsIn(HOPED, pace.answer);
  const refines = bases.isSmall || settings.stages['star'] !== undefined || planned >= WORTH_STEPS;
  const learning = (share: number, perCase: number, cases = count) =>
    passesIn(share * seconds, perCase, cases, around.lengths.meanAnswer);
  const alone =
    (SHARES.alone + (refines ? 0 : SHARES.star)) * (pace.some === undefined ? 1 : 1 - SHARES.short);
  const candidates: Made[] = [];
  /** The time that distillation would take, for cases alone. */
  const longer = async function* (because: string, share: number): AsyncGenerator<RunEvent> {
    yield* run.grow('longer', () => ({
      stages: [sftStage('sft-longer', STUDENT_BASE, chosen, learning(SHARES.sft + share, pace.student))],
      why: `not distilled: ${because}; the student learns from the cases for longer`,
    }));
    candidates.push(yield* checked('sft-longer'));
  };
  const taught = { ...chosen, batch: teacherBatch };
  yield* run.grow('sft', () => ({
    stages: [
      ...(teaches ? [sftStage('teacher', TEACHER_BASE, taught, learning(SHARES.teacher, pace.teacher))] : []),
      sftStage('sft', STUDENT_BASE, chosen, learning(teaches ? SHARES.sft : alone, pace.student)),
    ],
    why:
      teaches || !bases.distils
        ? ''
        : `not distilled: in its time a teacher would read no more than ${reads} cases, and it needs ${LEAST_CASES}, so the student learns from them alone`,
  }));
  const sft = yield* checked('sft');
  candidates.push(sft);
  let teacher: Made | undefined;
  if (teaches) {
    teacher = yield* checked('teacher');
    const scores = `the teacher answers ${text(teacher)} of the development cases, the student that learned from the cases alone ${text(sft)}`;
    const isWorth =
      shareOf(teacher.score) >= Math.max(LEAST_SHARE, shareOf(sft.score)) &&
      // A teacher that only talks has no calls to learn from.
      likenessOf(teacher.answers) >= LEAST_LIKENESS;
    if (isWorth) {
      const pause = pausesOf(teacher);
      const adapts = settings.teacher_rl;
      yield* run.grow('rollouts', () => ({
        stages: [
          ...(adapts ? [simrlStage('teacher-rl', 'teacher', 8, taught)] : []),
          rolloutStage(
            adapts ? 'teacher-rl' : 'teacher',
            countIn(SHARES.rollouts * seconds, SAMPLING.rollout * pause, 64, count),
          ),
        ],
        why: `distilled: ${scores}`,
      }));
      const right = rightAnswers(around, run);
      if (right > 0) {
        yield* run.grow('ckd', () => ({
          stages: [ckdStage('sft', chosen, learning(SHARES.ckd, pace.student, right))],
        }));
        candidates.push(yield* checked('ckd'));
      } else yield* longer('no answer that the teacher drew is right', SHARES.ckd);
      if (adapts) teacher = yield* checked('teacher-rl');
    } else yield* longer(scores, SHARES.rollouts + SHARES.ckd);
  }
  const before = candidates.at(-1) ?? sft;
  const { unseen } = around.data;
  const refining =
    unseen === undefined
      ? run
      : new Growing(withCases(around, unseen), doing, `${name}-star`, { ...from, [LEARNED]: before.model });
  if (refines && shareOf(before.score) >= LEAST_SHARE) {
    yield* refining.grow('star', () => {
      const steps = stepsIn(shareOf(before.score), pausesOf(before));
      return { stages: [simrlStage('star', unseen === undefined ? before.stage : LEARNED, steps, chosen)] };
    });
    candidates.push(yield* checked('star', refining));
  } else
    yield* run.grow('no reinforcement', () => ({
      stages: [],
      why: refines
        ? `not refined by Sim-RL: ${text(before)} of the development cases are too few right answers to reinforce`
        : `not refined by Sim-RL: no more than ${planned} steps would fit into its time, and it needs ${WORTH_STEPS}, so SFT has had it`,
    }));
  // Of equal ones the later.
  const [student = sft] = candidates.toReversed().toSorted((a, b) => shareOf(b.score) - shareOf(a.score));
  const all = candidates.map((made) => `${made.stage} ${text(made)}`).join(', ');
  return {
    student,
    sft: (candidates.find(({ stage }) => stage === 'sft-longer') ?? sft).model,
    ...(teacher === undefined ? {} : { teacher: teacher.model }),
    why: [...run.reasons, `${name}: the student is ${student.stage}, of ${all} on the development cases`],
  };
}

/** Lessons with short lists of functions where the whole list is long; gives the models that the round begins with. */
async function* shortLists(
  around: Around,
  doing: Doing,
  { name, chosen, shortBatch, pace, seconds, count, from }: Round,
): AsyncGenerator<RunEvent, Round['from']> {
  const { some } = around.data;
  const each = pace.some;
  if (some === undefined || each === undefined) return from;
  const run = new Growing(withCases(around, some), doing, `${name}-some`, from);
  const time = SHARES.alone * SHARES.short * seconds;
  yield* run.grow('sft-some', () => ({
    stages: [
      sftStage(
        'sft-some',
        STUDENT_BASE,
        { ...chosen, batch: shortBatch },
        passesIn(time, each, count, around.lengths.meanAnswer),
      ),
    ],
    why: `the list of ${around.functions} functions is long: the student learns from lists of ${SHORT_LIST} first (--bake-tools would leave it out of prompts altogether)`,
  }));
  return { ...from, [STUDENT_BASE]: run.model('sft-some') };
}

/** Answers of the rollouts that are right. */
function rightAnswers({ bases }: Around, run: Growing): number {
  const tokenizer = Tokenizer.load(bases.spoken);
  const student = { vocabulary: tokenizer.fingerprint(), vocabSize: Infinity };
  const prompts = readRollouts(join(run.stageFolder('rollouts'), 'rollouts'), student);
  return prompts.flatMap(({ samples }) => samples).filter(({ reward }) => reward >= RIGHT).length;
}
