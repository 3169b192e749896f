/**
 * Dialogues of an on-device assistant with its functions, made from a seed. They come in groups of eight that share
 * one tool set, and group i depends on the seed, the split and i alone, so that any group can be made by itself.
 */
import { Rng } from '../../../src/base/rng.ts';
import type { Dialogue, Tool } from '../../../src/chat/messages.ts';
import { buildCase, CATEGORIES, supports, type Case, type Category, type Setting } from './cases.ts';
import { heldOutFunctions, trainingFunctions } from './library.ts';
import type { FunctionSpec } from './spec.ts';
import { drawFunction } from './tools.ts';
import type { Split } from './values.ts';

/** Dialogues that share a tool set. */
export const GROUP_SIZE = 8;
export const DEFAULT_GROUPS: Readonly<Record<Split, number>> = { train: 2560, test: 108 };

export interface AssistantDialogue extends Dialogue {
  /** Dialogues with the same number share one tool set, the same array. */
  readonly group: number;
  /** Words that a right answer in words must contain. */
  readonly mustMention: readonly string[];
}

export interface AssistantOptions {
  readonly seed: number;
  readonly split: Split;
  /** Number of groups; the first of the endless sequence. */
  readonly groups?: number;
}

/** Pairs of which a request can fit both, when an argument is left out. */
const CONFLICTS: readonly (readonly [string, string])[] = [
  ['play_song', 'play_artist'],
  ['queue_song', 'play_artist'],
];

function conflicting(set: readonly FunctionSpec[]): boolean {
  const ids = new Set(set.map((spec) => spec.id));
  return CONFLICTS.some((pair) => pair.every((id) => ids.has(id)));
}

/** Families whose functions do clearly different things, so that one is missed although its siblings are there. */
const STRICT_FAMILIES = new Set(['clock', 'home', 'calendar', 'lists', 'apps', 'money']);

function drawSize(rng: Rng): number {
  return rng.pick([2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5, 5]);
}

/** Two functions of one family and others, such that every category has something to ask for. */
function drawTrainingSet(rng: Rng, split: Split): FunctionSpec[] {
  for (;;) {
    const first = rng.pick(trainingFunctions());
    const family = trainingFunctions().filter((spec) => spec.family === first.family && spec !== first);
    if (family.length === 0) continue;
    const size = drawSize(rng);
    const set = [first, rng.pick(family)];
    for (const spec of rng.shuffled(trainingFunctions()))
      if (set.length < size && !set.includes(spec)) set.push(spec);
    if (conflicting(set)) continue;
    if (CATEGORIES.every((category) => set.some((spec) => supports(spec, category, split))))
      return rng.shuffled(set);
  }
}

/** Two or three held-out functions among one or two that training knows. */
function drawUnseenSet(rng: Rng): { unseen: FunctionSpec[]; seen: FunctionSpec[] } {
  for (;;) {
    const unseen = rng.shuffled(heldOutFunctions()).slice(0, 2 + rng.below(2));
    const seen = rng.shuffled(trainingFunctions()).slice(0, 1 + rng.below(2));
    const fits = (['parallel', 'optional'] as const).every((c) =>
      unseen.some((spec) => supports(spec, c, 'test')),
    );
    if (fits) return { unseen, seen };
  }
}

const UNSEEN_MIX: readonly Category[] = [
  'single',
  'single',
  'single',
  'parallel',
  'parallel',
  'optional',
  'optional',
  'multiple',
];

/** One test group in eight is about functions that training has never seen. */
function isUnseenGroup(split: Split, index: number): boolean {
  return split === 'test' && index % (CATEGORIES.length + 1) === CATEGORIES.length;
}

interface Plan {
  readonly tools: readonly Tool[];
  readonly setting: Setting;
  readonly categories: readonly Category[];
}

function planUnseen(rng: Rng): Plan {
  const { unseen, seen } = drawUnseenSet(rng);
  const asked = unseen.map((spec) => drawFunction(rng, spec));
  const others = seen.map((spec) => drawFunction(rng, spec));
  const tools = rng.shuffled([...asked, ...others]).map((drawn) => drawn.tool);
  return {
    tools,
    setting: { rng, split: 'test', asked, outside: [], smallTalk: false },
    categories: UNSEEN_MIX,
  };
}

function planSeen(rng: Rng, split: Split, index: number): Plan {
  const specs = drawTrainingSet(rng, split);
  const asked = specs.map((spec) => drawFunction(rng, spec));
  const families = new Set(specs.map((spec) => spec.family));
  const outside = trainingFunctions().filter(
    (spec) =>
      !families.has(spec.family) ||
      (STRICT_FAMILIES.has(spec.family) && !specs.includes(spec) && rng.chance(0.5)),
  );
  const extra = CATEGORIES[index % CATEGORIES.length] ?? 'single';
  return {
    tools: asked.map((drawn) => drawn.tool),
    setting: { rng, split, asked, outside, smallTalk: true },
    categories: rng.shuffled([...CATEGORIES, extra]),
  };
}

/** Turns the cases of a group into dialogues. */
export function toDialogues(
  name: string,
  index: number,
  tools: readonly Tool[],
  cases: readonly { readonly category: string; readonly made: Case }[],
): AssistantDialogue[] {
  return cases.map(({ category, made }, i) => ({
    id: `${name}-${index}-${i}`,
    tools,
    messages: [{ role: 'user', content: made.user }, made.gold],
    category,
    group: index,
    mustMention: made.mustMention,
  }));
}

/** Group `index` of the endless sequence of a seed and a split. */
export function assistantGroup({ seed, split }: AssistantOptions, index: number): AssistantDialogue[] {
  const rng = Rng.seeded(seed, `${split}:${index}`);
  const unseen = isUnseenGroup(split, index);
  const { tools, setting, categories } = unseen ? planUnseen(rng) : planSeen(rng, split, index);
  const cases = categories.map((category) => ({
    category: unseen ? 'unseen' : category,
    made: buildCase(category, setting),
  }));
  return toDialogues(`assistant-${split}`, index, tools, cases);
}

/** The groups one by one, made as they are asked for. */
export function* assistantGroups(options: AssistantOptions): Generator<AssistantDialogue[]> {
  const count = options.groups ?? DEFAULT_GROUPS[options.split];
  for (let index = 0; index < count; index++) yield assistantGroup(options, index);
}

export function generateAssistant(options: AssistantOptions): AssistantDialogue[] {
  return [...assistantGroups(options)].flat();
}
