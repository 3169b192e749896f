/**
 * Dialogues with invented functions, on which the base models are pre-trained: they stand for the broad corpus that a
 * real base model has read. From them a model learns to copy names and values out of the prompt, to choose a function
 * by its words and to keep to its schema; it learns nothing of the assistant's own functions.
 */
import { Rng } from '../../../../src/base/rng.ts';
import { buildCase, CATEGORIES, supports } from '../cases.ts';
import { toDialogues, type AssistantDialogue } from '../generate.ts';
import { drawFunction } from '../tools.ts';
import { clash, drawDeed, invent, type Deed, type Invention } from './functions.ts';

export interface InventedOptions {
  readonly seed: number;
  /** Number of groups; endless without it. */
  readonly groups?: number;
}

/** A deed that cannot be taken for any of `others`. */
function freshDeed(rng: Rng, others: readonly Deed[], like?: Deed): Deed {
  for (;;) {
    const deed = drawDeed(rng, like);
    if (!others.some((other) => clash(deed, other))) return deed;
  }
}

function drawSet(rng: Rng): Invention[] {
  for (;;) {
    const size = rng.pick([2, 3, 3, 3, 4, 4, 4, 5]);
    const deeds = [drawDeed(rng)];
    const [first] = deeds;
    deeds.push(freshDeed(rng, deeds, first));
    while (deeds.length < size)
      deeds.push(freshDeed(rng, deeds, rng.chance(0.35) ? rng.pick(deeds) : undefined));
    const set = deeds.map((deed, i) => invent(rng, deed, i < 2 ? 'pair' : `other-${i}`));
    const names = new Set(set.map(({ spec }) => spec.id));
    const complete = CATEGORIES.every((category) =>
      set.some(({ spec }) => supports(spec, category, 'train')),
    );
    if (complete && names.size === set.length) return rng.shuffled(set);
  }
}

/** Group `index` of the endless sequence of a seed. */
export function inventedGroup(seed: number, index: number): AssistantDialogue[] {
  const rng = Rng.seeded(seed, `invented:${index}`);
  const set = drawSet(rng);
  const deeds = set.map(({ deed }) => deed);
  const outside = [0.4, 0.4, 0].map((near) => {
    const deed = freshDeed(rng, deeds, rng.chance(near) ? rng.pick(deeds) : undefined);
    return invent(rng, deed, 'outside').spec;
  });
  const asked = set.map(({ spec }) => drawFunction(rng, spec));
  const extra = CATEGORIES[index % CATEGORIES.length] ?? 'single';
  const setting = { rng, split: 'train', asked, outside, smallTalk: true } as const;
  const cases = rng
    .shuffled([...CATEGORIES, extra])
    .map((category) => ({ category, made: buildCase(category, setting) }));
  return toDialogues(
    'invented',
    index,
    asked.map((drawn) => drawn.tool),
    cases,
  );
}

/** The groups one by one, made as they are asked for. */
export function* inventedGroups({
  seed,
  groups = Infinity,
}: InventedOptions): Generator<AssistantDialogue[]> {
  for (let index = 0; index < groups; index++) yield inventedGroup(seed, index);
}
