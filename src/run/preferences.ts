/** What a dpo stage learns from: pairs of a rollout stage's answers, with the reference's log-probabilities. */
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import { Scorer } from '../model/tree/scoring.ts';
import { rewardNamed } from '../rewards/index.ts';
import { chooseChainPairs } from '../train/chain-pairs.ts';
import type { DrawnSample } from '../train/events.ts';
import {
  type AnsweredPrompt,
  choosePairs,
  countedRows,
  pairExample,
  type PreferencePair,
  shownPair,
} from '../train/pairs.ts';
import { PromptSet } from '../train/prompts.ts';
import { ReferenceCache } from '../train/reference-cache.ts';
import { joinAlike } from '../train/shared-prefix.ts';
import { epochOrder, type PendingExample } from '../train/supervised.ts';
import type { StageOf } from '../stages/schema.ts';
import {
  checkpointFolder,
  dialoguesOf,
  openModel,
  type OpenModel,
  type RunContext,
  seedOf,
} from './context.ts';
import { trajectoriesOf } from './environments.ts';
import { type LearningData, storedPrompts, treeLimit } from './examples.ts';

/** Pairs whose two answers the report shows. */
const SHOWN = 2;
/** What rollout stages score their answers with. */
const STORED_REWARD = 'simrl';

type DpoStage = StageOf<'dpo'>;

export interface PreferenceData extends LearningData, Disposable {
  readonly shown: readonly DrawnSample[];
}

/** Stored answers with the rewards that the stage asks for. */
function rescored(
  run: RunContext,
  stage: DpoStage,
  { tokenizer, template }: OpenModel,
  prompts: readonly AnsweredPrompt[],
): readonly AnsweredPrompt[] {
  if (stage.reward === STORED_REWARD) return prompts;
  const dialogues = dialoguesOf(run, 'train');
  const asked = new PromptSet({
    stage: stage.name,
    dialogues,
    tokenizer,
    template,
    reward: rewardNamed(stage.reward),
    maxTokens: Infinity,
  });
  const places = new Map<string, number[]>();
  let place = 0;
  for (const { id } of dialogues) places.set(id, [...(places.get(id) ?? []), place++]);
  return prompts.map((stored) => {
    const found = asked.at(places.get(stored.id) ?? []).find(({ text }) => text === stored.prompt);
    if (found === undefined) {
      throw new UserError(
        'ROLLOUTS',
        `Stage ${stage.name}: the prompt ${stored.id} of ${stage.data} is not among the training dialogues any more; make the rollouts anew.`,
      );
    }
    const samples = stored.samples.map((sample) => ({
      ...sample,
      reward: found.scorer.score(sample.text).reward,
    }));
    return { ...stored, samples };
  });
}

/** Says why nothing of what there is makes a pair, with what to do about each reason. */
function noPairs(
  stage: DpoStage,
  total: number,
  what: string,
  counts: readonly (readonly [number, string])[],
): UserError {
  const reasons = counts.flatMap(([count, reason]) => (count > 0 ? [`${count} ${reason}`] : [])).join(', ');
  return new UserError(
    'NO_PAIRS',
    `Stage ${stage.name} has no pair to learn from: of the ${total} ${what} of ${stage.data}, ${reasons}.`,
  );
}

interface Chosen {
  readonly pairs: readonly PreferencePair[];
  readonly warnings: readonly string[];
}

/** Pairs of a trajectories stage, of problems with right and with wrong ones. */
function chooseFromChains(run: RunContext, stage: DpoStage, model: OpenModel): Chosen {
  const stored = trajectoriesOf(run, stage.data, model);
  const { pairing, pairs_per_problem: most } = stage;
  const { pairs: all, dropped } = chooseChainPairs(stored, model.tokenizer, { pairing, most });
  const fitting = all.filter(({ promptIds }) => promptIds.length <= stage.prompt_max_len);
  const tooLong = all.length - fitting.length;
  const pairs = fitting.slice(0, stage.max_samples);
  if (pairs.length === 0) {
    const counts = [
      [dropped.right, 'are always solved (take harder ones)'],
      [dropped.wrong, 'are never solved (train the model of that stage first, or draw more)'],
      [dropped.same, 'have wrong trajectories that only end too early (raise max_turns there)'],
      [
        tooLong > 0 ? stored.length - dropped.right - dropped.wrong - dropped.same : 0,
        'have prompts longer than prompt_max_len (raise it)',
      ],
    ] as const;
    throw noPairs(stage, stored.length, 'problems', counts);
  }
  const warnings = tooLong > 0 ? [`${tooLong} pairs are longer than prompt_max_len and are left out`] : [];
  return { pairs, warnings };
}

function choose(run: RunContext, stage: DpoStage, model: OpenModel): Chosen {
  const source = run.recipe.stages.find(({ name }) => name === stage.data);
  return source?.kind === 'trajectories'
    ? chooseFromChains(run, stage, model)
    : chooseFromRollouts(run, stage, model);
}

function chooseFromRollouts(run: RunContext, stage: DpoStage, model: OpenModel): Chosen {
  const { prompts, tooLong } = storedPrompts(run, stage, model);
  const chosen = choosePairs(rescored(run, stage, model, prompts), {
    margin: stage.reward_margin,
    threshold: stage.reward_threshold,
  });
  const all = prompts.length + tooLong;
  const pairs = chosen.pairs.slice(0, stage.max_samples);
  if (pairs.length === 0) {
    const { alone, alike, poor } = chosen.dropped;
    throw noPairs(stage, all, 'prompts', [
      [tooLong, 'are longer than prompt_max_len (raise it)'],
      [alone, 'have a single answer (draw more, or set validity_filter to false in the rollout stage)'],
      [alike, `have answers that differ by less than reward_margin ${stage.reward_margin} (lower it)`],
      [poor, `have no answer that earns reward_threshold ${stage.reward_threshold} (lower it)`],
    ]);
  }
  const warnings = [
    ...(tooLong > 0 ? [`${tooLong} prompts are longer than prompt_max_len and are left out`] : []),
    ...(chosen.pairs.length < all / 4 ? [`only ${chosen.pairs.length} of ${all} prompts give a pair`] : []),
  ];
  return { pairs, warnings };
}

/** Pairs of the stage's rollouts as examples; the reference is opened while there is something for it to score. */
export function preferenceData(run: RunContext, stage: DpoStage, model: OpenModel): PreferenceData {
  const { pairs, warnings } = choose(run, stage, model);
  const cache = new ReferenceCache({
    folder: join(checkpointFolder(run, stage.name), 'reference'),
    pairs,
    order: epochOrder(pairs.length, seedOf(run.recipe, stage)),
    group: stage.train_batch_size,
    open() {
      const reference = openModel(run, stage.model, { trainable: false, dtype: stage.compute_dtype });
      const scorer = new Scorer(run.device, reference.config, reference.parameters);
      return {
        scorer,
        [Symbol.dispose]() {
          scorer[Symbol.dispose]();
          reference[Symbol.dispose]();
        },
      };
    },
  });
  const examples = pairs.map((pair, index): PendingExample => ({
    sequences: 1,
    rows: countedRows(pair.chosen).length + countedRows(pair.rejected).length,
    make: async (signal) => pairExample(pair, await cache.of(index, signal)),
  }));
  return {
    examples,
    // Of a step's pairs, many begin with the same tools, and some with the same chain.
    arrange: (step) => joinAlike(step, 2 * treeLimit(stage)),
    warnings,
    shown: pairs.slice(0, SHOWN).flatMap(shownPair),
    [Symbol.dispose]: () => cache[Symbol.dispose](),
  };
}
