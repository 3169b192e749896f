/** All of `tinystar fit`: the student, the answer about it, and its files. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeReport } from '../../../report/src/page.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { latencyOf } from '../acceptance/latency.ts';
import { verdictOf, verdictText } from '../acceptance/verdict.ts';
import { type Card, STUDENT, type Suite } from '../artefacts/card.ts';
import { exportStudent, writeTexts } from '../artefacts/index.ts';
import type { Case } from '../types.ts';
import { Rng } from '../../../../src/base/rng.ts';
import { mean } from '../../../report/src/numbers.ts';
import { accept } from './accept.ts';
import { countIn } from './pace.ts';
import { fit, type FitInput } from './fit.ts';

/** Test lines of a person's own. */
export interface OwnTest {
  readonly path: string;
  readonly cases: readonly Case[];
}

export interface Outcome {
  readonly card: Card;
  readonly isReady: boolean;
  readonly gguf: string;
  readonly runs: string;
  /** Files of a person's own that were left as they are. */
  readonly beside: readonly string[];
}

/** Part of the time that the answer on the test cases may take, and cases that are asked in any case. */
const [ANSWER_SHARE, LEAST_ASKED] = [0.1, 100];

/**
 * Test cases that some models answer in the time that there is, `each` second an answer; drawn by the seed. Where the
 * verdict is over lines of a person's own, there are few.
 */
function askedOf(
  { project, cases: { test } }: Pick<FitInput, 'project' | 'cases'>,
  each: number,
  models: number,
  own: OwnTest | undefined,
): readonly Case[] {
  const { minutes, seed } = project.settings;
  const seconds = own === undefined ? ANSWER_SHARE * 60 * minutes : 0;
  const count = countIn(seconds, each * models, LEAST_ASKED, test.length);
  return count >= test.length ? test : Rng.seeded(seed, 'asked').shuffled(test).slice(0, count);
}

/** Fits a project. Throws UserErrors, and the signal's reason when it fires. */
export async function* fitProject(
  input: Omit<FitInput, 'asked'>,
  own: OwnTest | undefined,
  signal: AbortSignal,
): AsyncGenerator<RunEvent, Outcome> {
  const { project, cases, now } = input;
  const { functions, settings } = project;
  const least = Math.min(LEAST_ASKED, cases.test.length);
  const asked = own === undefined ? cases.test.length : own.cases.length + least;
  const fitted = yield* fit({ ...input, asked }, signal);
  const { runs, lengths, verbatim, calibration, bases, why, round } = fitted;
  const exported = exportStudent(project, fitted);
  const models = {
    // Nobody could call functions that it was never told of.
    ...(bases.shown === 'none' ? {} : { 'untuned base': bases.untuned }),
    SFT: round.sft,
    [STUDENT]: exported.path,
    ...(round.teacher === undefined ? {} : { teacher: round.teacher }),
  };
  const shared = {
    models,
    functions,
    verbatim,
    generate_max_len: lengths.answer,
    device: settings.device,
    calibration,
    abstain: settings.abstain,
    signal,
    now,
  };
  const suites: Suite[] = [];
  if (own !== undefined)
    suites.push(
      yield* accept(STUDENT, {
        ...shared,
        title: `Requests of ${own.path}`,
        cases: own.cases,
        folder: join(runs, 'own-test'),
      }),
    );
  const each = mean(round.student.answers.map(({ seconds }) => seconds));
  const drawn = askedOf(input, each, Object.keys(models).length, own);
  const title =
    drawn.length === cases.test.length
      ? 'Test requests'
      : `Test requests (${drawn.length} of ${cases.test.length}, as many as there was time for)`;
  suites.push(
    yield* accept(STUDENT, {
      ...shared,
      title,
      cases: drawn,
      folder: join(runs, 'acceptance'),
    }),
  );
  const [deciding] = suites;
  const scores = deciding?.models.find(({ label }) => label === STUDENT)?.scores;
  const verdict =
    scores === undefined ? { isReady: false, because: ['nothing was measured'] } : verdictOf(scores);
  const card: Card = {
    verdict: verdictText(verdict),
    functions,
    counts: { train: cases.train.length, dev: cases.dev.length, test: cases.test.length },
    base: bases.about,
    why,
    suites,
    latency: await latencyOf(exported.path, functions, cases.test, lengths.answer, now),
    bytes: exported.bytes,
    weights: exported.weights,
    dtype: settings.dtype,
  };
  for (const name of readdirSync(runs))
    if (existsSync(join(runs, name, 'recipe.yaml'))) await writeReport(join(runs, name));
  const texts = writeTexts(project, exported.path, cases.test, card);
  return {
    card,
    isReady: verdict.isReady,
    gguf: exported.path,
    runs,
    beside: [...exported.beside, ...texts],
  };
}
