/**
 * Preference optimisation on pairs of answers to one prompt, or of trajectories of one problem; the model that the stage
 * begins from is the reference.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { Owned } from '../base/owned.ts';
import { Speech } from '../../packages/environments/src/speech.ts';
import { preference } from '../losses/all.ts';
import { Scorer } from '../model/tree/scoring.ts';
import { loadReward } from '../rewards/index.ts';
import { CHAIN_PAIRINGS, chooseChainPairs } from '../train/chain-pairs.ts';
import { checkpointsIn } from '../train/checkpoints.ts';
import { someSamples } from '../train/events.ts';
import {
  type AnsweredPrompt,
  choosePairs,
  countedRows,
  pairExample,
  type PreferencePair,
} from '../train/pairs.ts';
import { scoredPrompts } from '../train/prompts.ts';
import { ReferenceCache } from '../train/reference-cache.ts';
import { joinAlike } from '../train/shared-prefix.ts';
import { epochOrder, type PendingExample } from '../train/supervised.ts';
import {
  epochOptions,
  leftOut,
  overEpochs,
  storedPrompts,
  learnedTrajectories,
  thresholdOption,
  treeLimit,
} from './lessons.ts';
import {
  answerRewardOption,
  count,
  type OpenModel,
  type OptionsOf,
  positive,
  refersTo,
  type StageContext,
  type Lessons,
} from './stage.ts';
import { defineTraining, trainingOptions } from './training.ts';

/** Reward that rollout stages score their answers with. */
const STORED_REWARD = 'simrl';

const options = {
  ...trainingOptions,
  data: refersTo('rollouts', 'trajectories').describe(
    'the name of a rollout stage, or of a trajectories stage with right and wrong ones',
  ),
  reward: answerRewardOption.describe('rollouts: what tells the better answer of a prompt from the worse'),
  reward_margin: positive.default(0.5).describe('drop prompts whose best and worst answer differ by less'),
  reward_threshold: thresholdOption('drop prompts whose best answer earns less'),
  pairing: z
    .enum(CHAIN_PAIRINGS)
    .default('first_difference')
    .describe('trajectories: the first step at which a wrong one leaves a right one, or whole ones'),
  pairs_per_problem: count.default(4).describe('trajectories: pairs a problem at most'),
  ...preference.options,
  max_epochs: epochOptions.max_epochs,
  max_samples: epochOptions.max_samples.describe('use at most this many pairs'),
  train_batch_size: count.default(128).describe('pairs an optimiser step'),
  lr: trainingOptions.lr.default(5e-7),
};
type Options = OptionsOf<typeof options>;

async function rescored(
  context: StageContext,
  given: Options,
  model: OpenModel,
  prompts: readonly AnsweredPrompt[],
): Promise<readonly AnsweredPrompt[]> {
  if (given.reward === STORED_REWARD) return prompts;
  const dialogues = context.dialogues('train');
  const reward = await loadReward(given.reward);
  const asked = scoredPrompts({ ...model, stage: context.name, dialogues, reward, maxTokens: Infinity });
  const places = new Map<string, number[]>();
  let place = 0;
  for (const { id } of dialogues) places.set(id, [...(places.get(id) ?? []), place++]);
  return prompts.map((stored) => {
    const found = asked.at(places.get(stored.id) ?? []).find(({ text }) => text === stored.prompt);
    if (found === undefined)
      throw new UserError(
        'ROLLOUTS',
        `Stage ${context.name}: the prompt ${stored.id} of ${given.data} is not among the training dialogues any more; make the rollouts anew.`,
      );
    const rewardOf = (text: string): number => found.scorer.score(text).reward;
    return {
      ...stored,
      samples: stored.samples.map((sample) => ({ ...sample, reward: rewardOf(sample.text) })),
    };
  });
}

interface Chosen {
  readonly pairs: readonly PreferencePair[];
  /** Problems or prompts that there are, in words. */
  readonly of: string;
  /** Those that make no pair, by the reason and what to do about it. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

function fromTrajectories(context: StageContext, given: Options, model: OpenModel): Chosen {
  const stored = learnedTrajectories(context, given.data, model);
  const speech = new Speech(model.tokenizer, model.template);
  const { pairs: all, dropped } = chooseChainPairs(stored, speech, given);
  const pairs = all.filter(({ promptIds }) => promptIds.length <= given.prompt_max_len);
  const tooLong = all.length - pairs.length;
  const { right, wrong, same } = dropped;
  return {
    pairs,
    of: `${stored.length} problems`,
    dropped: {
      'are always solved (take harder ones)': right,
      'are never solved (train the model of that stage first, or draw more)': wrong,
      'have wrong trajectories that only end too early (raise max_turns there)': same,
      'have prompts longer than prompt_max_len (raise it)':
        tooLong > 0 ? stored.length - right - wrong - same : 0,
    },
    warnings: leftOut(tooLong, 'pairs'),
  };
}

/** Pairs of a rollout stage: of each prompt the best and the worst answer. */
async function fromRollouts(context: StageContext, given: Options, model: OpenModel): Promise<Chosen> {
  const { prompts, tooLong } = storedPrompts(context, given, model);
  const asked = await rescored(context, given, model, prompts);
  const { pairs, dropped } = choosePairs(asked, given);
  const all = prompts.length + tooLong;
  return {
    pairs,
    of: `${all} prompts`,
    dropped: {
      'are longer than prompt_max_len (raise it)': tooLong,
      'have a single answer (draw more, or set validity_filter to false in the rollout stage)': dropped.alone,
      [`have answers that differ by less than reward_margin ${given.reward_margin} (lower it)`]:
        dropped.alike,
      [`have no answer that earns reward_threshold ${given.reward_threshold} (lower it)`]: dropped.poor,
    },
    warnings: [
      ...leftOut(tooLong),
      ...(pairs.length < all / 4 ? [`only ${pairs.length} of ${all} prompts give a pair`] : []),
    ],
  };
}

/** Pairs of what the stage learns from; throws a UserError that says why, where nothing makes one. */
async function pairsOf(context: StageContext, given: Options, model: OpenModel): Promise<Chosen> {
  const choose = context.referent(given.data).is === 'trajectories' ? fromTrajectories : fromRollouts;
  const chosen = await choose(context, given, model);
  if (chosen.pairs.length > 0) return { ...chosen, pairs: chosen.pairs.slice(0, given.max_samples) };
  const reasons = Object.entries(chosen.dropped).flatMap(([why, n]) => (n > 0 ? [`${n} ${why}`] : []));
  throw new UserError(
    'NO_PAIRS',
    `Stage ${context.name} has no pair to learn from: of the ${chosen.of} of ${given.data}, ${reasons.join(', ')}.`,
  );
}

/** Pairs as examples; the reference is opened while there is something for it to score. */
async function lessons(
  context: StageContext,
  given: Options,
  model: OpenModel,
  held: Owned,
): Promise<Lessons> {
  const { pairs, warnings } = await pairsOf(context, given, model);
  const cache = held.add(
    new ReferenceCache({
      folder: join(checkpointsIn(context.folder), 'reference'),
      pairs,
      order: epochOrder(pairs.length, context.seed),
      group: given.train_batch_size,
      open(own) {
        const how = { trainable: false, dtype: given.compute_dtype };
        const { config, parameters } = own.add(context.openModel(given.model, how));
        return own.add(new Scorer(context.device, config, parameters));
      },
    }),
  );
  const examples = pairs.map((pair, index): PendingExample => ({
    sequences: 1,
    rows: countedRows(pair.chosen).length + countedRows(pair.rejected).length,
    make: async (signal) => pairExample(pair, await cache.of(index, signal)),
  }));
  return {
    examples,
    // Of a step's pairs, many begin with the same tools, and some with the same chain.
    arrange: (step) => joinAlike(step, 2 * treeLimit(given)),
    warnings,
    // The chosen answer first.
    shown: someSamples(
      pairs.map(({ chosen, rejected, ...pair }) => ({ ...pair, samples: [chosen, rejected] })),
    ),
  };
}

export const dpo = defineTraining({
  about: 'preference optimisation (DPO, IPO) on pairs of answers or trajectories',
  options,
  watch: ['preference_accuracy', 'loss'],
  reads: () => 'train',
  samples: 'Pairs that {stage} learned from, the chosen answer first',
  *check({ data, loss_type, label_smoothing }, { stage }) {
    if (loss_type === 'ipo' && label_smoothing > 0)
      yield ['label_smoothing', `is ${label_smoothing}, and IPO has none; set it to 0 or loss_type to dpo.`];
    const source = stage(data);
    if (
      source !== undefined &&
      'keep_wrong' in source &&
      (source['keep_wrong'] !== true || Number(source['keep']) < 2)
    )
      yield [
        'data',
        `is ${data}, which keeps no right and wrong trajectories of one problem; set its keep_wrong to true and its keep to n_samples_per_prompt (${String(source['n_samples_per_prompt'])}).`,
      ];
  },
  loss: preference,
  async open(context, given, { model, trainer, held }) {
    const data = await lessons(context, given, model, held);
    // The reference model, which makes the examples, computes on the same device.
    return overEpochs(context, given, { model, trainer }, data, true);
  },
});
