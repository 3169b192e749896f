/** Recipes of a fit, made of its project: which stages, and with what they begin. */
import { UserError } from '../../../../src/base/errors.ts';
import type { JsonValue } from '../../../../src/json/value.ts';
import { parseRecipe } from '../../../../src/recipe/load.ts';
import type { Recipe } from '../../../../src/recipe/schema.ts';
import { SETTINGS_FILE } from '../project.ts';
import type { Settings } from '../settings.ts';
import type { Bases, Lengths, Shape } from './bases.ts';

/** A stage as a recipe states it. */
export type StageOptions = { readonly name: string; readonly kind: string } & Readonly<
  Record<string, JsonValue>
>;

/** Parts that all recipes of a fit share. */
export interface Around {
  readonly settings: Settings;
  readonly bases: Bases;
  readonly lengths: Lengths;
  /** Number of functions. */
  readonly functions: number;
  /** Files of dialogues by split, and of their functions. */
  readonly data: {
    readonly train: string;
    /** Of the training cases with short lists of functions, where the whole list is long. */
    readonly some?: string;
    /** Of cases that the student meets in Sim-RL alone, where there are enough: those that it was taught it answers right. */
    readonly unseen?: string;
    readonly dev: string;
    readonly test: string;
    readonly tools: string;
  };
}

/** Likeliest tokens a position that are stored of a teacher, and that count of a student. */
const TOP_K = 50;

/** Throws a UserError where settings have options for a stage that there is none of. */
export function checkStages({ settings }: Pick<Around, 'settings'>): void {
  for (const stage of Object.keys(settings.stages))
    if (!STAGES.includes(stage))
      throw new UserError(
        'SETTINGS',
        `${SETTINGS_FILE} has options for a stage ${stage}, and there is none; the stages are ${STAGES.join(', ')}.`,
      );
}

/** Options that say how long a supervised stage is; who sets one of them sets all. */
const SIZES = ['max_epochs', 'max_samples', 'token_budget'];

/** A stage with options of the user's in place of its own. */
function resized(stage: StageOptions, own: Settings['stages'][string]): object {
  const isSized = SIZES.some((name) => Object.hasOwn(own, name));
  const kept = Object.entries(stage).filter(([name]) => !isSized || !SIZES.includes(name));
  return { ...Object.fromEntries(kept), ...own };
}

/** The same with other cases as its training split. */
export const withCases = (around: Around, train: string): Around => ({
  ...around,
  data: { ...around.data, train },
});

/** A recipe of some stages on the training split, evaluated on the split `held`. Throws UserErrors. */
export function recipeOf(
  { settings, bases, lengths, data }: Around,
  name: string,
  held: 'dev' | 'test',
  stages: readonly StageOptions[],
  models: Readonly<Record<string, string>> = {},
): Recipe {
  const recipe = {
    name,
    seed: settings.seed,
    ...(settings.threads === undefined ? {} : { threads: settings.threads }),
    device: settings.device,
    thinking: 'off',
    data: { source: 'file', train: data.train, test: data[held], tools: data.tools },
    models: { ...bases.models, ...models },
    stages: stages.map((stage) => ({
      prompt_max_len: lengths.prompt,
      generate_max_len: lengths.answer,
      ...resized(stage, settings.stages[stage.name] ?? {}),
    })),
  };
  try {
    // JSON is YAML.
    return parseRecipe(JSON.stringify(recipe), SETTINGS_FILE, { checkFiles: true });
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    // Places in what nobody wrote tell nothing.
    throw new UserError(thrown.code, thrown.message.replaceAll(/^( *)(fit\.yaml):\d+:\d+/gm, '$1$2'));
  }
}

/** Stages whose options fit.yaml may set. */
const STAGES = ['teacher', 'teacher-rl', 'sft-some', 'sft', 'sft-longer', 'rollouts', 'ckd', 'star'];

/** Sequences of an optimiser step, and of the trees that they are computed in. */
export interface Batch {
  readonly size: number;
  readonly tree: number;
  /** Gradient checkpointing. */
  readonly recompute: boolean;
}

/** Bytes that the scores of attention may take, those of all trees that are computed at once; and where prompts are long. */
const ROOM = { small: 0.5e9, large: 1.2e9, long: 1.4e9 };
/** Copies of a score that a training graph keeps. */
const COPIES = 2.5;
/** Sequences of a tree; if no more than `FEW` fit, the inside of layers is computed twice. */
const [FEWEST, FEW, USUAL, MOST] = [4, 11, 16, 64];
/** Tokens of a tree's sequences for each that they all begin with: what is shared is then a quarter of the work. */
const OWN_TOKENS = 3;

/**
 * Batches that fit into memory, and in which what prompts begin with alike is not most of the work. Those of a small model are
 * computed side by side, a tree a core; a larger one keeps all cores busy with one. Where prompts are so long that few sequences
 * would fit, the inside of layers is computed twice.
 */
export function batchOf(
  { isSmall }: Pick<Bases, 'isSmall'>,
  { heads, layers }: Shape,
  { shared, meanOwn }: Pick<Lengths, 'shared' | 'meanOwn'>,
): Batch {
  const sequences = (bytes: number, depth: number): number => {
    const score = 4 * heads * depth * COPIES;
    const left = bytes / (isSmall ? 2 : 1) - score * shared * shared;
    return Math.floor(left / (score * meanOwn * (shared + meanOwn)));
  };
  const wanted = Math.max(USUAL, Math.min(MOST, Math.round((OWN_TOKENS * shared) / meanOwn)));
  const room = isSmall ? ROOM.small : ROOM.large;
  const whole = sequences(room, layers);
  const recompute = whole <= FEW;
  const inside = sequences(room, 1);
  const most = !recompute ? whole : inside > FEW ? inside : sequences(ROOM.long, 1);
  const tree = Math.max(FEWEST, Math.min(wanted, most));
  return { size: (isSmall ? 2 : 1) * Math.max(USUAL, tree), tree, recompute };
}

/** Learning rate, optimiser and batches of supervised stages. */
export interface Chosen {
  readonly lr: number;
  readonly optimizer: 'muon' | 'adamw';
  readonly batch: Batch;
}

/** Length of a supervised stage. */
export interface Passes {
  readonly max_epochs: number;
  readonly max_samples?: number;
  readonly token_budget?: number;
}

const supervised = ({ lr, optimizer, batch }: Chosen, passes: Passes) => ({
  optimizer,
  lr,
  train_batch_size: batch.size,
  tree_size: batch.tree,
  micro_train_batch_size: 1,
  gradient_checkpointing: batch.recompute,
  save_steps: 20,
  ...passes,
});

export const sftStage = (name: string, model: string, chosen: Chosen, passes: Passes): StageOptions => ({
  name,
  kind: 'sft',
  model,
  ...supervised(chosen, passes),
});

export const rolloutStage = (model: string, prompts: number): StageOptions => ({
  name: 'rollouts',
  kind: 'rollout',
  model,
  prompts,
  by_tools: true,
  // A teacher that has learned the cases says mostly the same: more prompts tell more than more answers.
  n_samples_per_prompt: 4,
  rollout_batch_size: 64,
  kd_topk: TOP_K,
});

/** Reward from which an answer is learned from: a word of a free text may differ. */
export const RIGHT = 0.9;

export const ckdStage = (model: string, chosen: Chosen, passes: Passes): StageOptions => ({
  name: 'ckd',
  kind: 'distill',
  model,
  data: 'rollouts',
  reward_threshold: RIGHT,
  kd_topk: TOP_K,
  kd_student_topm: TOP_K,
  ...supervised(chosen, passes),
});

export const simrlStage = (
  name: string,
  model: string,
  steps: number,
  { lr, batch }: Pick<Chosen, 'lr' | 'batch'>,
): StageOptions => ({
  name,
  kind: 'simrl',
  model,
  steps,
  rollout_batch_size: 24,
  n_samples_per_prompt: 8,
  // Cooler than the paper's 1, at which many of so small a model's answers are malformed by chance.
  temperature: 0.6,
  lr: lr / 20,
  train_batch_size: 192,
  micro_train_batch_size: 1,
  gradient_checkpointing: batch.recompute,
  save_steps: 4,
});
