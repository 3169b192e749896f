/**
 * From the cases of a project to a student and the answer about it: settings, rounds of the curriculum, calibration, export,
 * acceptance. All of it lies in `runs/<identity of the cases and settings>` of the project, and resumes from there.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../../../../src/base/files.ts';
import { identityOf } from '../../../../src/base/identity.ts';
import { checkpointContents } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { shareOf } from '../../../report/src/numbers.ts';
import { Rng } from '../../../../src/base/rng.ts';
import { required } from '../../../../src/base/errors.ts';
import type { Verbatim } from '../../../constrain/src/calls.ts';
import type { runRecipe } from '../../../../src/run/runner.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { type Calibration, calibrate } from '../acceptance/confidence.ts';
import { measure, type Measured } from '../acceptance/measure.ts';
import { verbatimOf } from '../acceptance/verbatim.ts';
import type { Case, Project, Split } from '../types.ts';
import {
  type Bases,
  basesOf,
  type Lengths,
  lengthsOf,
  requireRoom,
  STUDENT_BASE,
  TEACHER_BASE,
} from './bases.ts';
import { byHeart, isOpen, tooFew } from './by-heart.ts';
import { curriculum, type RoundResult } from './curriculum.ts';
import { writeDialogues, writeSome } from './dialogues.ts';
import type { Doing } from './growing.ts';
import { type Around, checkStages, withCases } from './recipe.ts';
import { countIn, LEAST, readOf, SHARES } from './pace.ts';
import { chooseSettings } from './search.ts';
import { SHORT_LIST, withSomeFunctions } from './some.ts';

export interface FitInput {
  readonly project: Project;
  readonly cases: Readonly<Record<Split, readonly Case[]>>;
  readonly runRecipe: typeof runRecipe;
  readonly now: () => number;
  /** Answers that each of the models is to give at the end, at least. */
  readonly asked: number;
  /** Makes more training cases of what went wrong, for the rounds of `improve`. */
  readonly more?: (wrong: readonly Measured[], round: number) => readonly Case[];
}

/** Outcome of a fit up to the student. */
export interface Fitted {
  /** Folder of the runs. */
  readonly runs: string;
  readonly bases: Bases;
  readonly lengths: Lengths;
  readonly verbatim: Verbatim;
  readonly round: RoundResult;
  readonly calibration: Calibration | undefined;
  /** Reasons for what was chosen. */
  readonly why: readonly string[];
}

/** Tokens of a list of functions from which short lists come first. */
const LONG_LIST = 1200;
/** Cases that are shown the same short list. */
const SOME_TOGETHER = 64;

/** Cases that Sim-RL has for itself, and how many times as many there have to be for that. */
const [UNSEEN, TIMES] = [1200, 5];

/** Cases that are taught, and those that are kept for Sim-RL. */
function taughtOf(
  train: readonly Case[],
  seed: number,
): { taught: readonly Case[]; unseen: readonly Case[] } {
  if (train.length < TIMES * UNSEEN) return { taught: train, unseen: [] };
  const kept = new Set(Rng.seeded(seed, 'unseen').shuffled(train).slice(0, UNSEEN));
  return { taught: train.filter((one) => !kept.has(one)), unseen: [...kept] };
}

/** Files of dialogues of a fit, by split, and of its functions. */
function writeData(
  folder: string,
  { project, cases }: FitInput,
  { taught, unseen }: ReturnType<typeof taughtOf>,
  { shared }: Lengths,
): Around['data'] {
  const at = (name: string): string => join(folder, name);
  const data = {
    train: at('train.jsonl'),
    ...(unseen.length === 0 ? {} : { unseen: at('train-unseen.jsonl') }),
    dev: at('dev.jsonl'),
    test: at('test.jsonl'),
    tools: at('functions.json'),
  };
  writeAtomic(data.tools, `${JSON.stringify(project.functions)}\n`);
  const { functions, settings } = project;
  const { seed } = settings;
  writeDialogues(data.train, taught, functions, seed);
  if (data.unseen !== undefined) writeDialogues(data.unseen, unseen, functions, seed);
  for (const split of ['dev', 'test'] as const) writeDialogues(data[split], cases[split], functions, seed);
  if (shared < LONG_LIST || functions.length < 2 * SHORT_LIST) return data;
  const some = at('train-some.jsonl');
  writeSome(some, withSomeFunctions(taught, functions, { seed, most: SOME_TOGETHER }));
  return { ...data, some };
}

/** Identity of a fit: what it is made of. */
function identity({ project, cases }: FitInput, bases: Bases): string {
  const models = Object.values(bases.models).map((model) =>
    typeof model === 'string' ? checkpointContents(model) : model,
  );
  const { minutes, improve, search, teacher_rl, seed, stages, device } = project.settings;
  return identityOf([
    project.functions,
    cases,
    models,
    minutes,
    improve,
    search,
    teacher_rl,
    seed,
    stages,
    device,
  ]);
}

/** Checks that a project's settings and functions suit a fit, before any work; throws a UserError. */
export function checkProject(project: Project): void {
  checkStages(project);
  const given = basesOf(project);
  const bases = isOpen(project, given) ? basesOf(byHeart(project)) : given;
  const { functions, examples } = project;
  requireRoom(bases, lengthsOf(bases, functions, examples), functions.length);
}

/** A project with the models that it begins with, and their prompts and answers measured. */
function planOf(project: Project, { train, dev, test }: FitInput['cases']) {
  const bases = basesOf(project);
  return { project, bases, lengths: lengthsOf(bases, project.functions, [...train, ...dev, ...test]) };
}

/** Development cases that models answer between stages, at most. */
const CHECKED = 240;
/** Models that answer them in a round, and those that answer at the end. */
const [BETWEEN, LAST] = [2, 3];
/** Part of the time that answers take at most, as it is planned. */
const ANSWERS = 0.3;

/** Does all of it up to the student. Throws UserErrors, and the signal's reason when it fires. */
export async function* fit(input: FitInput, signal: AbortSignal): AsyncGenerator<RunEvent, Fitted> {
  const { cases, now } = input;
  const given = basesOf(input.project);
  const runs = join(input.project.folder, 'runs', `fit-${identity(input, given)}`);
  mkdirSync(runs, { recursive: true });
  const doing: Doing = { runs, runRecipe: input.runRecipe, signal, now };
  const parts = taughtOf(cases.train, input.project.settings.seed);
  const aroundOf = ({
    project: { settings, functions },
    bases,
    lengths,
  }: ReturnType<typeof planOf>): Around => {
    const data = writeData(join(runs, 'data'), input, parts, lengths);
    return { settings, bases, lengths, functions: functions.length, data };
  };
  let plan = planOf(input.project, cases);
  const reasons: string[] = [];
  if (isOpen(input.project, given)) {
    const heart = planOf(byHeart(input.project), cases);
    const because = yield* tooFew(aroundOf(heart), plan, doing, parts.taught.length);
    if (because !== undefined) {
      plan = heart;
      reasons.push(because);
    }
  }
  const { project, bases, lengths } = plan;
  const { settings } = project;
  const around = aroundOf(plan);
  requireRoom(bases, lengths, project.functions.length);
  const verbatim = verbatimOf(project.functions, cases.train);
  const checked = Rng.seeded(settings.seed, 'checked').shuffled(cases.dev).slice(0, CHECKED);
  const ask = async function* (
    stage: string,
    model: string,
    most = CHECKED,
  ): AsyncGenerator<RunEvent, readonly Measured[]> {
    return yield* measure({
      stage,
      model,
      tools: project.functions,
      verbatim,
      cases: checked.slice(0, most),
      file: join(runs, 'answers', `${stage.replaceAll(/[^A-Za-z0-9]+/g, '-')}.jsonl`),
      generate_max_len: lengths.answer,
      device: settings.device,
      signal,
      now,
    });
  };
  const {
    chosen,
    teacherBatch,
    shortBatch,
    pace,
    why,
    seconds: searched,
  } = yield* chooseSettings(around, doing, parts.taught.length, ask);
  reasons.push(...why);
  for (const text of reasons) yield { type: 'waiting', stage: 'settings', text };
  const rounds = settings.improve + 1;
  const total = 60 * settings.minutes;
  const answers =
    rounds * BETWEEN * checked.length + (bases.shown === 'none' ? LAST - 1 : LAST) * input.asked;
  const answering = Math.min(ANSWERS * total, pace.answer * answers);
  // The first round has as much time as two of the others.
  const part = (total - searched - answering) / (rounds + 1);
  let best: RoundResult | undefined;
  const count = parts.taught.length;
  const room = countIn(2 * part * (SHARES.alone + SHARES.star), pace.student, LEAST, count);
  let train = pace.some === undefined ? readOf(parts.taught, room, settings.seed) : parts.taught;
  let used = around;
  if (train.length < count) {
    used = withCases(around, join(runs, 'data', 'train-read.jsonl'));
    writeDialogues(used.data.train, train, project.functions, settings.seed);
  }
  for (let index = 0; index < rounds; index++) {
    let from: Record<string, string> = {};
    if (best !== undefined) {
      const wrong = best.student.answers.filter(({ correct }) => !correct);
      const fresh = input.more?.(wrong, index) ?? [];
      if (wrong.length === 0 || fresh.length === 0) break;
      train = [...train, ...fresh];
      const path = join(runs, 'data', `train-${index + 1}.jsonl`);
      writeDialogues(path, train, project.functions, settings.seed + index);
      used = withCases(around, path);
      const { student, teacher } = best;
      from = {
        [STUDENT_BASE]: student.model,
        ...(teacher === undefined ? {} : { [TEACHER_BASE]: teacher }),
      };
    }
    const round: RoundResult = yield* curriculum(used, doing, {
      name: `round-${index + 1}`,
      // Knowledge of earlier rounds is disturbed less.
      chosen: index === 0 ? chosen : { ...chosen, lr: chosen.lr / 4 },
      teacherBatch,
      shortBatch,
      pace,
      seconds: part * (index === 0 ? 2 : 1),
      count: train.length,
      ask,
      from,
    });
    reasons.push(...round.why);
    if (best === undefined || shareOf(round.student.score) > shareOf(best.student.score)) best = round;
  }
  const round = required(best, 'a round');
  return {
    runs,
    bases,
    lengths,
    verbatim,
    round,
    calibration: calibrate(round.student.answers, verbatim),
    why: reasons,
  };
}
