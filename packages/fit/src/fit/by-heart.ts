/**
 * Choice of what the prompts of a large base show of the functions, where fit.yaml leaves it open: with whole schemas before
 * each request, most of the work is reading them. Where too few cases could be read so, the functions are learned by heart.
 */
import type { RunEvent } from '../../../../src/train/events.ts';
import type { Project } from '../types.ts';
import { type Bases, hasRoom, type Lengths, STUDENT_BASE } from './bases.ts';
import { type Doing, Growing } from './growing.ts';
import { SHARES } from './pace.ts';
import { type Around, batchOf, sftStage } from './recipe.ts';
import { candidatesFor } from './search.ts';

/** Steps that are timed: the first builds graphs. */
const STEPS = 3;

/** A project whose functions are learned by heart. */
export const byHeart = (project: Project): Project => ({
  ...project,
  settings: { ...project.settings, prompt_tools: 'none' },
});

/** Tells whether it is open what the student's prompts show of the functions. */
export const isOpen = ({ settings }: Project, { isSmall }: Pick<Bases, 'isSmall'>): boolean =>
  settings.prompt_tools === undefined && !isSmall;

/** Tokens that a step computes for each of its sequences. */
const work = (bases: Bases, lengths: Lengths): number =>
  lengths.meanOwn + lengths.shared / batchOf(bases, bases.shapes.student, lengths).tree;

/**
 * Times steps of `heart`, where functions are learned by heart, and tells how many of `count` cases could be read at most if
 * they stood in the prompts: by the numbers of tokens, without what attention to them costs. Undefined where all could and fit.
 */
export async function* tooFew(
  heart: Around,
  shown: Pick<Around, 'bases' | 'lengths'>,
  doing: Doing,
  count: number,
): AsyncGenerator<RunEvent, string | undefined> {
  const choice = `the functions are learned by heart, and stand in no prompt of the student's`;
  const tokens = `${shown.lengths.shared} tokens`;
  if (!hasRoom(shown.bases, shown.lengths))
    return `${choice}: with their ${tokens} the base has no room for a request and its answer`;
  const run = new Growing(heart, doing, 'prompts');
  const batch = batchOf(heart.bases, heart.bases.shapes.student, heart.lengths);
  const passes = { max_epochs: 1, max_samples: Math.min(count, STEPS * batch.size) };
  const { optimizer, rates } = candidatesFor(heart.bases);
  yield* run.grow('pace', () => ({
    stages: [sftStage('pace', STUDENT_BASE, { optimizer, lr: rates[0], batch }, passes)],
  }));
  const seconds = run.stepSeconds('pace') / Math.min(batch.size, count);
  const ratio = work(shown.bases, shown.lengths) / work(heart.bases, heart.lengths);
  const reads = Math.floor((SHARES.alone * 60 * heart.settings.minutes) / Math.max(1e-9, seconds * ratio));
  if (reads >= count) return undefined;
  return `${choice}: with their ${tokens} before requests no more than ${reads} of the ${count} cases could be read in the time (prompt_tools: all in fit.yaml shows them all the same)`;
}
