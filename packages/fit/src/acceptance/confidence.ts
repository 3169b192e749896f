/**
 * Confidence: how likely a call is right. The share of a model's samples that agree with its greedy answer is, on the
 * average over many, the probability that the model gives that answer; so that is taken, which needs no samples. It is
 * calibrated on the development split by logistic regression, with an offset for each function that few cases keep near
 * zero.
 */
import { z } from 'zod';
import type { Verbatim } from '../../../constrain/src/calls.ts';
import type { Measured } from './measure.ts';

export const calibrationSchema = z.object({
  version: z.literal(1),
  /** P(right) = 1 / (1 + exp(-(intercept + slope x evidence + offset))). */
  intercept: z.number(),
  slope: z.number(),
  /** By the function that is called first; "" of answers in words. */
  offsets: z.record(z.string(), z.number()),
  /** Answers that it was fitted to. */
  fitted: z.int(),
  /** Probability of a whole answer below which its call is one that the schemas forced on the model; see isForced. */
  forcedBelow: z.number().exactOptional(),
});
export type Calibration = z.output<typeof calibrationSchema>;

/** Key of a GGUF file's header that holds the calibration. */
export const CALIBRATION_KEY = 'tinystar.fit.confidence';

/** Least doubt that is told apart: answers without any have no finite logit. */
const DOUBT = 1e-4;

/** Logit of the probability of an answer. */
function evidence(logprob: number): number {
  const p = Math.min(1 - DOUBT, Math.max(DOUBT, Math.exp(logprob)));
  return Math.log(p / (1 - p));
}

/** Calls of an answer, as far as a calibration looks at them. */
interface Called {
  readonly calls: readonly { readonly name: string }[];
}

const keyOf = ({ calls }: Called): string => calls[0]?.name ?? '';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Pull of the coefficients towards where they begin (ridge), for slope and offsets; the intercept is free but for a little. */
const RIDGE = { intercept: 0.01, slope: 0.1, offset: 1 } as const;
const STEPS = 50;

/** Probabilities below which a call may be taken for a forced one, the usual one first. */
const FORCED = [3e-3, 1e-3, 3e-4] as const;

/**
 * Tells whether a call is one that the model would hardly have made by itself: of a room that there is not, it can only write
 * one that there is. Words are then the better answer. Functions with copied texts are left alone: those are forced rightly.
 */
export const isForced = (
  { forcedBelow = 0 }: Pick<Calibration, 'forcedBelow'>,
  { logprob, calls }: Pick<Measured, 'logprob'> & Called,
  verbatim: Verbatim,
): boolean =>
  logprob !== null &&
  Math.exp(logprob) < forcedBelow &&
  calls.length > 0 &&
  calls.every(({ name }) => (verbatim[name] ?? []).length === 0);

/** The first of these probabilities with which as many answers are right as without; undefined where there is none. */
function forcedBelowOf(answers: readonly Measured[], verbatim: Verbatim): number | undefined {
  const right = answers.filter(({ correct }) => correct).length;
  return FORCED.find(
    (forcedBelow) =>
      answers.filter((one) => (isForced({ forcedBelow }, one, verbatim) ? one.due.length === 0 : one.correct))
        .length >= right,
  );
}

/** Fits a calibration to answers whose log-probabilities are known; undefined where there are none. */
export function calibrate(answers: readonly Measured[], verbatim: Verbatim = {}): Calibration | undefined {
  const rows = answers.flatMap((answer) =>
    answer.logprob === null
      ? []
      : [{ key: keyOf(answer), x: evidence(answer.logprob), right: answer.correct }],
  );
  if (rows.length === 0) return undefined;
  const keys = [...new Set(rows.map(({ key }) => key))].toSorted();
  let [intercept, slope] = [0, 1];
  const offsets = new Map(keys.map((key) => [key, 0]));
  // Newton's method, a coefficient at a time: the problem is convex, and its parts are few.
  const solve = (
    value: number,
    from: number,
    ridge: number,
    parts: readonly (readonly [x: number, i: number])[],
  ): number => {
    let [gradient, curvature] = [ridge * (value - from), ridge];
    for (const [x, i] of parts) {
      const row = rows[i];
      if (row === undefined) continue;
      const p = sigmoid(intercept + slope * row.x + (offsets.get(row.key) ?? 0));
      gradient += x * (p - (row.right ? 1 : 0));
      curvature += x * x * Math.max(p * (1 - p), 1e-6);
    }
    const step = gradient / curvature;
    return value - Math.max(-1, Math.min(1, step));
  };
  const ones = rows.map((_, i) => [1, i] as const);
  const xs = rows.map(({ x }, i) => [x, i] as const);
  const own = new Map(keys.map((key) => [key, ones.filter(([, i]) => rows[i]?.key === key)]));
  for (let step = 0; step < STEPS; step++) {
    intercept = solve(intercept, 0, RIDGE.intercept, ones);
    slope = Math.max(0, solve(slope, 1, RIDGE.slope, xs));
    for (const [key, parts] of own) offsets.set(key, solve(offsets.get(key) ?? 0, 0, RIDGE.offset, parts));
  }
  const forcedBelow = forcedBelowOf(answers, verbatim);
  return {
    version: 1,
    intercept,
    slope,
    offsets: Object.fromEntries(offsets),
    fitted: rows.length,
    ...(forcedBelow === undefined ? {} : { forcedBelow }),
  };
}

/** Probability that an answer is right; undefined where its log-probability is not known. */
export function confidenceOf(
  { intercept, slope, offsets }: Calibration,
  answer: Pick<Measured, 'logprob'> & Called,
): number | undefined {
  if (answer.logprob === null) return undefined;
  return sigmoid(intercept + slope * evidence(answer.logprob) + (offsets[keyOf(answer)] ?? 0));
}

/** A threshold, the share of calls that stay above it, and the share of those that are wrong. */
export interface RiskPoint {
  readonly threshold: number;
  /** Of the requests that a call was made for, those whose call is kept. */
  readonly coverage: number;
  /** Of those, the wrong ones. */
  readonly risk: number;
  readonly kept: number;
}

const THRESHOLDS = [0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99] as const;

/** Risk and coverage of the calls of a model, where calls below a threshold are not made. */
export function riskCoverage(calibration: Calibration, answers: readonly Measured[]): RiskPoint[] {
  const called = answers
    .filter(({ calls }) => calls.length > 0)
    .flatMap((answer) => {
      const p = confidenceOf(calibration, answer);
      return p === undefined ? [] : [{ p, isWrong: !answer.correct }];
    });
  if (called.length === 0) return [];
  return THRESHOLDS.map((threshold) => {
    const kept = called.filter(({ p }) => p >= threshold);
    return {
      threshold,
      coverage: kept.length / called.length,
      risk: kept.filter(({ isWrong }) => isWrong).length / Math.max(1, kept.length),
      kept: kept.length,
    };
  });
}
