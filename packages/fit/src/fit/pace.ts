/** Sizes of stages by time: how much a model can learn in some seconds, by what steps took on this machine. */
import { Rng } from '../../../../src/base/rng.ts';
import type { Case } from '../types.ts';
import type { Passes } from './recipe.ts';

/** Seconds that one sequence takes in supervised training. */
export interface Pace {
  readonly student: number;
  /** Infinity where none is to be tried, and the student's where even that is too slow for one. */
  readonly teacher: number;
  /** Of a student with a short list of functions, where the whole one is long. */
  readonly some?: number;
  /** Seconds that a greedy answer takes. */
  readonly answer: number;
}

/** Passes over the cases from which more of them teach a small model little. */
const MOST_EPOCHS = 12;
/** Sequences that a stage learns from at least, whatever time there is. */
export const LEAST = 128;

/** Passes over `count` sequences of so many tokens that count, in the mean, that fit into some seconds. */
export function passesIn(seconds: number, perSequence: number, count: number, tokens: number): Passes {
  const room = perSequence > 0 ? Math.floor(seconds / perSequence) : Infinity;
  const sequences = Math.min(MOST_EPOCHS * count, Math.max(room, Math.min(count, LEAST)));
  const epochs = sequences / count;
  // A whole number of epochs needs no budget of tokens, which ends the last one before its end.
  if (Number.isInteger(epochs)) return { max_epochs: epochs };
  return { max_epochs: Math.ceil(epochs), token_budget: Math.ceil(sequences * tokens) };
}

/** A whole number of things that fit into some seconds, within bounds. */
export function countIn(seconds: number, each: number, least: number, most: number): number {
  const room = each > 0 ? Math.floor(seconds / each) : most;
  return Math.max(Math.min(least, most), Math.min(most, room));
}

/** Share of the time for all of it that a search may take. */
export const SEARCH = 0.1;

/** Shares of the time for learning. The rest is for what cannot be sized: loading, graphs that are built, the export. */
export const SHARES = {
  teacher: 0.29,
  sft: 0.08,
  rollouts: 0.15,
  ckd: 0.25,
  star: 0.1,
  /** Of a student without a teacher. */
  alone: 0.74,
  /** Part of that for lessons with short lists of functions, where the whole list is long. */
  short: 0.55,
} as const;

/** Cases that a teacher reads at least: with fewer it knows no more than a student that has its time as well. */
export const LEAST_CASES = 24_000;

/** Cases that a teacher reads in its part of these seconds, at so many seconds a case. */
export const casesOfTeacher = (seconds: number, pace: number): number =>
  Math.floor((SHARES.teacher * seconds) / Math.max(1e-9, pace));

/** As many cases as there is time to read once, where they are too many: people's own words before what is made of them. */
export function readOf(cases: readonly Case[], room: number, seed: number): readonly Case[] {
  if (room >= cases.length) return cases;
  const drawn = Rng.seeded(seed, 'read').shuffled(cases);
  const own = drawn.filter(({ made }) => made === 'example');
  return [...own, ...drawn.filter(({ made }) => made !== 'example')].slice(0, room);
}
