/** What a dpo stage learns from: pairs of a rollout stage's answers, with the reference's log-probabilities. */
import { join } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { Scorer } from '../../model/scoring.ts';
import { rewardNamed } from '../../reward/index.ts';
import type { DrawnSample } from '../../train/events.ts';
import {
  type AnsweredPrompt,
  choosePairs,
  type ChosenPairs,
  countedRows,
  pairExample,
  type PreferencePair,
  shownPair,
} from '../../train/pairs.ts';
import { PromptSet } from '../../train/prompts.ts';
import { ReferenceCache } from '../../train/reference-cache.ts';
import { epochOrder, type PendingExample } from '../../train/stages/supervised.ts';

import type { StageOf } from '../stages.ts';
import {
  checkpointFolder,
  dialoguesOf,
  openModel,
  type OpenModel,
  type RunContext,
  seedOf,
} from './context.ts';
import { type LearningData, storedPrompts } from './examples.ts';

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
  for (const [place, { id }] of dialogues.entries()) places.set(id, [...(places.get(id) ?? []), place]);
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

function noPairs(stage: DpoStage, prompts: number, { dropped }: ChosenPairs, tooLong: number): UserError {
  const { alone, alike, poor } = dropped;
  const parts = [
    [tooLong, 'are longer than prompt_max_len (raise it)'],
    [alone, 'have a single answer (draw more, or set validity_filter to false in the rollout stage)'],
    [alike, `have answers that differ by less than reward_margin ${stage.reward_margin} (lower it)`],
    [poor, `have no answer that earns reward_threshold ${stage.reward_threshold} (lower it)`],
  ] as const;
  const reasons = parts.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : [])).join(', ');
  return new UserError(
    'NO_PAIRS',
    `Stage ${stage.name} has no pair to learn from: of the ${prompts} prompts of ${stage.data}, ${reasons}.`,
  );
}

function choose(
  run: RunContext,
  stage: DpoStage,
  model: OpenModel,
): { pairs: readonly PreferencePair[]; warnings: readonly string[] } {
  const { prompts, tooLong } = storedPrompts(run, stage, model);
  const chosen = choosePairs(rescored(run, stage, model, prompts), {
    margin: stage.reward_margin,
    threshold: stage.reward_threshold,
  });
  const all = prompts.length + tooLong;
  const pairs = chosen.pairs.slice(0, stage.max_samples);
  if (pairs.length === 0) throw noPairs(stage, all, chosen, tooLong);
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
      const reference = openModel(run, stage.model, false);
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
    warnings,
    shown: pairs.slice(0, SHOWN).flatMap(shownPair),
    [Symbol.dispose]: () => cache[Symbol.dispose](),
  };
}
