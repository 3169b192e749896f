/**
 * Choosing the next token on the host, from probabilities that the device computed. The order is the usual one
 * (Hugging Face, vLLM): temperature, then top-k, then top-p of what is left.
 */
import { z } from 'zod';
import { InternalError, UserError } from '../../base/errors.ts';
import type { Rng } from '../../base/rng.ts';

/** Options of a sampler; a temperature of 0, which recipes give to evaluations only, takes the most likely token. */
export const samplingOptions = {
  temperature: z.number().positive().default(1).describe('divides the logits before a token is drawn'),
  top_p: z.number().gt(0).max(1).default(1).describe('draw from the smallest set of tokens with this mass'),
  top_k: z
    .union([z.int().positive(), z.literal(-1)])
    .default(-1)
    .describe('draw from this many likeliest tokens; -1 is all of them'),
};

export type Sampling = Readonly<z.output<z.ZodObject<typeof samplingOptions>>>;

/** Throws a UserError for values outside of their range. */
export function checkSampling({ temperature, top_k, top_p }: Sampling): void {
  const fault = (rule: string): UserError => new UserError('SAMPLING', `Sampling: ${rule}.`);
  if (!(temperature >= 0 && temperature < Infinity))
    throw fault(`temperature must be 0 (greedy) or more, got ${temperature}`);
  if (top_k !== -1 && !(Number.isInteger(top_k) && top_k >= 1))
    throw fault(`top_k must be a whole number from 1, or -1 for off, got ${top_k}`);
  if (!(top_p > 0 && top_p <= 1)) throw fault(`top_p must be above 0 and at most 1 (off), got ${top_p}`);
}

/** Tokens that a sample may go on with. */
export interface Constraint {
  /** Those behind a token; undefined where that token may not come. */
  after(token: number): Constraint | undefined;
  /** All that may come. */
  tokens(): readonly number[];
}

/** The position of the largest of `values`, the first among equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  let most = values[0] ?? 0;
  for (let i = 1; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value > most) {
      most = value;
      best = i;
    }
  }
  return best;
}

/** The first id at which the running sum of `probabilities` passes `point`. */
function scan(probabilities: Float32Array, point: number): number {
  let sum = 0;
  let last = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i] ?? 0;
    if (p > 0) {
      sum += p;
      last = i;
      if (sum > point) return i;
    }
  }
  // Rounding may leave the sum a little short of the point.
  return last;
}

/** The `k` most likely ids, most likely first, the lower id first among equals. */
export function largest(probabilities: Float32Array, k: number): number[] {
  const ids: number[] = [];
  const at = (rank: number): number => probabilities[ids[rank] ?? 0] ?? 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i] ?? 0;
    // Few get past this line: the k largest so far rise quickly.
    if (ids.length === k && !(p > at(k - 1))) continue;
    let rank = Math.min(ids.length, k - 1);
    while (rank > 0 && at(rank - 1) < p) {
      ids[rank] = ids[rank - 1] ?? 0;
      rank -= 1;
    }
    ids[rank] = i;
  }
  return ids;
}

/** The ids with at least `floor`, most likely first, the lower id first among equals. */
function above(probabilities: Float32Array, floor: number): number[] {
  const ids: number[] = [];
  for (let i = 0; i < probabilities.length; i++) if ((probabilities[i] ?? 0) >= floor) ids.push(i);
  return ids.sort((a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0) || a - b);
}

const massOf = (probabilities: Float32Array, ids: readonly number[]): number =>
  ids.reduce((sum, id) => sum + (probabilities[id] ?? 0), 0);

/** Ids that top-k and top-p leave, most likely first. */
function nucleus(probabilities: Float32Array, top_k: number, top_p: number): number[] {
  const limited = top_k !== -1 && top_k < probabilities.length;
  // All ids below the floor together weigh less than 1 - top_p, so that none of them is in the nucleus.
  const ids = limited
    ? largest(probabilities, top_k)
    : above(probabilities, (1 - top_p) / probabilities.length);
  if (top_p === 1) return ids;
  const wanted = top_p * (limited ? massOf(probabilities, ids) : 1);
  let sum = 0;
  const last = ids.findIndex((id) => {
    sum += probabilities[id] ?? 0;
    return sum >= wanted;
  });
  return last === -1 ? ids : ids.slice(0, last + 1);
}

/** Draws one id from `probabilities` [V], which have the temperature in them already and sum to one. */
function draw(probabilities: Float32Array, sampling: Sampling, rng: Rng): number {
  const point = rng.uniform();
  const { top_k, top_p } = sampling;
  if (top_p === 1 && (top_k === -1 || top_k >= probabilities.length)) return scan(probabilities, point);
  const ids = nucleus(probabilities, top_k, top_p);
  const mass = massOf(probabilities, ids);
  let sum = 0;
  for (const id of ids) {
    sum += probabilities[id] ?? 0;
    if (sum > point * mass) return id;
  }
  return ids.at(-1) ?? argmax(probabilities);
}

/** Tokens that are tried one by one before all that may come are looked up. */
const TRIED = 4;

/**
 * Chooses one id that a constraint allows: the most likely one for temperature 0, else drawn from what is left of the
 * probabilities without the others. What the model would have said without a constraint it says with one, if it may.
 */
export function choose(
  preferences: Float32Array,
  sampling: Sampling,
  rng: Rng,
  constraint: Constraint | undefined,
): { readonly token: number; readonly next: Constraint | undefined } {
  const isGreedy = sampling.temperature === 0;
  let values = preferences;
  for (let tries = 1; ; tries++) {
    const token = isGreedy ? argmax(values) : draw(values, sampling, rng);
    if (constraint === undefined) return { token, next: undefined };
    const next = constraint.after(token);
    if (next !== undefined) return { token, next };
    // Other samples may draw from the same row.
    if (values === preferences) values = preferences.slice();
    values[token] = isGreedy ? -Infinity : 0;
    if (tries >= TRIED) values = allowed(preferences, constraint, isGreedy);
    if (!isGreedy) rescale(values);
  }
}

/** Values of what may come, and nothing of the rest; throws an InternalError where nothing may come. */
function allowed(preferences: Float32Array, constraint: Constraint, isGreedy: boolean): Float32Array {
  const none = isGreedy ? -Infinity : 0;
  const ids = constraint.tokens().filter((id) => id < preferences.length);
  if (ids.length === 0) throw new InternalError('a constraint allows no token');
  const values = new Float32Array(preferences.length).fill(none);
  // Probabilities of all that may come can be rounded to nothing.
  const isRare = ids.every((id) => !((preferences[id] ?? none) > none));
  for (const id of ids) values[id] = isRare ? 1 : (preferences[id] ?? none);
  return values;
}

function rescale(values: Float32Array): void {
  let sum = 0;
  for (const value of values) sum += value;
  if (sum > 0) for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) / sum;
}
