/**
 * The losses of STAR, GRPO and DPO as formulas over plain arrays of float64, written from the papers and from the
 * reference code's rules, without a look at ours. Gradients are central differences of these formulas: in float64
 * they are good to nine digits.
 */
import { Rng } from '../../src/base/rng.ts';

/** One row: logits, the target, and whatever the objective wants to know of it. */
export interface Row {
  readonly logits: readonly number[];
  readonly target: number;
  readonly weight: number;
  readonly teacherIds: readonly number[];
  readonly teacherLogprobs: readonly number[];
  readonly advantage: number;
  readonly oldLogprob: number;
  readonly refLogprob: number;
  /** +1, -1 or 0 for each pair. */
  readonly pairSigns: readonly number[];
  /** Of a teacher's token, all tokens by those of the teacher; 0 of the model's own. */
  readonly offPolicy?: number;
  /** All tokens by those of the row's kind, where a loss has two kinds. */
  readonly policyShare?: number;
  readonly kdShare?: number;
}

export function logSoftmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const total = logits.reduce((sum, z) => sum + Math.exp(z - top), 0);
  return logits.map((z) => z - top - Math.log(total));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const clip = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

export const crossEntropy = (row: Row): number => -logSoftmax(row.logits)[row.target]!;

export function entropy(row: Row): number {
  return -sum(logSoftmax(row.logits).map((l) => Math.exp(l) * l));
}

/** sum over the teacher's ids of p_T (log p_T - log p_S). */
export function forwardKl(row: Row): number {
  const student = logSoftmax(row.logits);
  return sum(
    row.teacherIds.map(
      (id, i) => Math.exp(row.teacherLogprobs[i]!) * (row.teacherLogprobs[i]! - student[id]!),
    ),
  );
}

/** sum over the teacher's ids of p_S (log p_S - log p_T). */
export function reverseKl(row: Row): number {
  const student = logSoftmax(row.logits);
  return sum(
    row.teacherIds.map((id, i) => Math.exp(student[id]!) * (student[id]! - row.teacherLogprobs[i]!)),
  );
}

/** sum over the teacher's ids of p (log p - log q), of functions of the probabilities of teacher and student. */
function truncatedKl(row: Row, of: (t: number, s: number) => readonly [p: number, q: number]): number {
  const student = logSoftmax(row.logits);
  return sum(
    row.teacherIds.map((id, i) => {
      const [p, q] = of(Math.exp(row.teacherLogprobs[i]!), Math.exp(student[id]!));
      return p === 0 ? 0 : p * Math.log(p / q);
    }),
  );
}

/** DistiLLM's skewed divergences: KL to the mixture with a share of what is compared. */
export const sfkl = (row: Row, share: number): number =>
  truncatedKl(row, (t, s) => [t, share * t + (1 - share) * s]);
export const srkl = (row: Row, share: number): number =>
  truncatedKl(row, (t, s) => [s, share * s + (1 - share) * t]);

/** GKD's equation 1, with its limits. */
export function jsd(row: Row, beta: number): number {
  if (beta === 0) return forwardKl(row);
  if (beta === 1) return reverseKl(row);
  const mixed = (t: number, s: number): number => beta * t + (1 - beta) * s;
  return (
    beta * truncatedKl(row, (t, s) => [t, mixed(t, s)]) +
    (1 - beta) * truncatedKl(row, (t, s) => [s, mixed(t, s)])
  );
}

/** The smallest prefix of the teacher's sorted probabilities whose mass reaches a half. */
function headLength(row: Row): number {
  let mass = 0;
  const crossing = row.teacherLogprobs.findIndex((logprob) => (mass += Math.exp(logprob)) >= 0.5);
  return crossing < 0 ? row.teacherLogprobs.length : crossing + 1;
}

export function adaptiveKl(row: Row): number {
  const student = logSoftmax(row.logits);
  const gaps = row.teacherIds.map((id, i) =>
    Math.abs(Math.exp(row.teacherLogprobs[i]!) - Math.exp(student[id]!)),
  );
  const length = headLength(row);
  const [head, tail] = [sum(gaps.slice(0, length)), sum(gaps.slice(length))];
  return (head * forwardKl(row) + tail * reverseKl(row)) / (head + tail || 1e-9);
}

/** Ids of the student's m largest logits. */
export function topIds(logits: readonly number[], m: number): number[] {
  return [...logits.keys()].toSorted((a, b) => logits[b]! - logits[a]!).slice(0, m);
}

/** The student's mass on its own top m outside of the teacher's ids. */
export function tail(row: Row, m: number): number {
  const student = logSoftmax(row.logits);
  const outside = topIds(row.logits, m).filter((id) => !row.teacherIds.includes(id));
  return sum(outside.map((id) => Math.exp(student[id]!)));
}

/** -min(ratio A, clip(ratio, 1 - eps, 1 + eps) A). */
export function policy(row: Row, eps: number): number {
  const ratio = Math.exp(logSoftmax(row.logits)[row.target]! - row.oldLogprob);
  return -Math.min(ratio * row.advantage, clip(ratio, 1 - eps, 1 + eps) * row.advantage);
}

/** LUFFY's loss of a token (arXiv 2504.14945, section 3): the ratio, or the shaped probability, times -A. */
export function luffy(row: Row, gamma: number): number {
  const logprob = logSoftmax(row.logits)[row.target]!;
  const p = Math.exp(logprob);
  return -row.advantage * (row.offPolicy ? p / (p + gamma) : Math.exp(logprob - row.oldLogprob));
}

export function kl(row: Row, estimator: 'k1' | 'k2' | 'k3'): number {
  const r = logSoftmax(row.logits)[row.target]! - row.refLogprob;
  const raw = { k1: r, k2: 0.5 * r * r, k3: Math.exp(-r) - 1 + r }[estimator];
  return clip(raw, -10, 10);
}

/** Numbers of pair `p`, by the definitions of DPO's paper: log-ratios of either answer, and the chosen one's mean cross-entropy. */
export function pair(rows: readonly Row[], p: number): { chosen: Row[]; rejected: Row[]; margin: number } {
  const [chosen, rejected] = [1, -1].map((sign) => rows.filter((row) => row.pairSigns[p] === sign));
  return { chosen: chosen!, rejected: rejected!, margin: logRatio(chosen!) - logRatio(rejected!) };
}

const logprob = (row: Row): number => logSoftmax(row.logits)[row.target]!;

/** log pi(y) - log ref(y) of an answer, summed over its tokens. */
export const logRatio = (answer: readonly Row[]): number =>
  sum(answer.map((row) => logprob(row) - row.refLogprob));

/** log pi(y). */
export const logLikelihood = (answer: readonly Row[]): number => sum(answer.map(logprob));

/** Mean over pairs of `value`. */
export function overPairs(rows: readonly Row[], value: (given: ReturnType<typeof pair>) => number): number {
  const pairs = rows[0]!.pairSigns.length;
  return sum(Array.from({ length: pairs }, (_, p) => value(pair(rows, p)))) / pairs;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** DPO's equation 7, and its form with noisy labels (Mitchell, "A note on DPO with noisy preferences", 2023). */
export const dpo = (margin: number, beta: number, smoothing: number): number =>
  -(1 - smoothing) * Math.log(sigmoid(beta * margin)) - smoothing * Math.log(1 - sigmoid(beta * margin));

/** IPO's equation 17. */
export const ipo = (margin: number, beta: number): number => (margin - 1 / (2 * beta)) ** 2;

/** sum of weight x value. */
export function weighted(rows: readonly Row[], value: (row: Row) => number): number {
  return sum(rows.map((row) => row.weight * value(row)));
}

/** Central differences of `loss` in every logit, row after row. */
export function gradient(rows: readonly Row[], loss: (rows: readonly Row[]) => number): number[] {
  const step = 1e-5;
  return rows.flatMap((row, r) =>
    row.logits.map((z, j) => {
      const moved = (by: number): number =>
        loss(rows.map((other, i) => (i === r ? { ...row, logits: row.logits.with(j, z + by) } : other)));
      return (moved(step) - moved(-step)) / (2 * step);
    }),
  );
}

/** Random rows whose numbers are all f32, with a teacher that half agrees with the student. */
export function randomRows(
  seed: number,
  options: { rows: number; vocabulary: number; k: number; pairs?: number },
): Row[] {
  const rng = Rng.seeded(seed);
  const { vocabulary, k, pairs = 1 } = options;
  return Array.from({ length: options.rows }, (_, r) => {
    const logits = Array.from({ length: vocabulary }, () => Math.fround(2.5 * rng.normal()));
    const teacher = logSoftmax(logits.map((z) => 0.6 * z + 1.5 * rng.normal()));
    const teacherIds = topIds(teacher, k);
    const target = rng.below(vocabulary);
    const logprob = logSoftmax(logits)[target]!;
    return {
      logits,
      target,
      weight: Math.fround(0.05 + 0.2 * rng.uniform()),
      teacherIds,
      teacherLogprobs: teacherIds.map((id) => Math.fround(teacher[id]!)),
      advantage: Math.fround(rng.normal()),
      oldLogprob: Math.fround(logprob + 0.3 * rng.normal()),
      refLogprob: Math.fround(logprob + 0.5 * rng.normal()),
      pairSigns: Array.from({ length: pairs }, (_, p) =>
        Math.floor(r / 2) % pairs === p ? (r % 2 === 0 ? 1 : -1) : 0,
      ),
    };
  });
}
