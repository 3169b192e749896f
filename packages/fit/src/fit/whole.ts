/** All of `tinystar fit`: the student, the answer about it, and its files. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeReport } from '../../../../src/report/page.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { latencyOf } from '../acceptance/latency.ts';
import { verdictOf, verdictText } from '../acceptance/verdict.ts';
import { type Card, STUDENT, type Suite } from '../artefacts/card.ts';
import { exportStudent, writeTexts } from '../artefacts/index.ts';
import type { Case } from '../types.ts';
import { accept } from './accept.ts';
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

/** Fits a project. Throws UserErrors, and the signal's reason when it fires. */
export async function* fitProject(
  input: FitInput,
  own: OwnTest | undefined,
  signal: AbortSignal,
): AsyncGenerator<RunEvent, Outcome> {
  const { project, cases, now } = input;
  const { functions, settings } = project;
  const fitted = yield* fit(input, signal);
  const { runs, lengths, calibration, bases, why, round } = fitted;
  const exported = exportStudent(project, fitted);
  const models = {
    'untuned base': bases.untuned,
    SFT: round.sft,
    [STUDENT]: exported.path,
    ...(round.teacher === undefined ? {} : { teacher: round.teacher }),
  };
  const shared = {
    models,
    functions,
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
  suites.push(
    yield* accept(STUDENT, {
      ...shared,
      title: 'Test requests',
      cases: cases.test,
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
