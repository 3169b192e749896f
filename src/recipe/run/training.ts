/** The stages that train: from a recipe's words to the training floor's objects. */
import { existsSync, rmSync } from 'node:fs';
import { InternalError } from '../../base/errors.ts';
import { groupByTools } from '../../data/source.ts';
import { type LoadedModel, saveCheckpoint } from '../../model/checkpoint.ts';
import { Generator } from '../../model/generation.ts';
import { Scorer } from '../../model/scoring.ts';
import { crossEntropy, distillation, type Objective, policyGradient } from '../../objective/index.ts';
import { rewardNamed } from '../../reward/index.ts';
import type { ScheduleOptions } from '../../tensor/schedule.ts';
import type { RunEvent } from '../../train/events.ts';
import { rowCount, type TrainExample } from '../../train/examples.ts';
import { runSteps, type SteppedStage } from '../../train/loop.ts';
import { PromptSet } from '../../train/prompts.ts';
import { readRollouts } from '../../train/rollout-store.ts';
import { distillExample, limitSamples, sequenceExample } from '../../train/stages/distill.ts';
import { groupExample, pretrainExamples } from '../../train/stages/pretrain.ts';
import { simRlStage } from '../../train/stages/simrl.ts';
import { epochOrder, type ExampleSource, supervisedStage } from '../../train/stages/supervised.ts';
import { Trainer } from '../../train/trainer.ts';
import type { OptimizerOptions, StageOf, TrainingStage } from '../stages.ts';
import {
  assistantSeed,
  promptLimit,
  checkpointFolder,
  dialoguesOf,
  modelFolder,
  openModel,
  rolloutFolder,
  type RunContext,
  seedOf,
  tokenizerFolder,
  tokenizerOf,
} from './context.ts';

/** Dialogues that share one tool set in a supervised tree. */
const GROUP_LIMIT = 8;
/** Tokens of a micro-batch, padding included: what bounds a training graph's memory. */
const MICRO_BATCH_TOKENS = 4096;

function scheduleOf(stage: OptimizerOptions): ScheduleOptions {
  return {
    scheduler: stage.lr_scheduler,
    lr: stage.lr,
    warmupRatio: stage.warmup_ratio,
    minLrRatio: stage.min_lr_ratio,
  };
}

function trainerFor(model: LoadedModel, objective: Objective, stage: OptimizerOptions): Trainer {
  return new Trainer(model.config, model.parameters, objective, {
    adamw: {
      beta1: stage.adam_beta1,
      beta2: stage.adam_beta2,
      eps: stage.adam_eps,
      weightDecay: stage.weight_decay,
      maxNorm: stage.max_norm,
    },
    microBatchTokens: MICRO_BATCH_TOKENS,
    microBatchPrompts: stage.micro_train_batch_size,
  });
}

/** Examples by step: whole examples in epoch order, as many as make `train_batch_size` sequences. */
function epochs(
  examples: readonly TrainExample[],
  stage: OptimizerOptions & { max_epochs: number },
  seed: number,
): { source: ExampleSource; total: number } {
  const sequences = examples.reduce((n, { completions }) => n + completions.length, 0);
  const perStep = Math.max(1, Math.round((stage.train_batch_size * examples.length) / sequences));
  const order = epochOrder(examples.length, seed);
  const total = Math.max(1, Math.floor((examples.length * stage.max_epochs) / perStep));
  const source: ExampleSource = (step) =>
    Array.from({ length: perStep }, (_, i) => examples[order(step * perStep + i)]).filter(
      (example) => example !== undefined,
    );
  if (stage.token_budget === undefined) return { source, total };
  const rows = examples.reduce((n, example) => n + rowCount(example), 0);
  // The schedule ends where the budget does.
  const wanted = Math.ceil((stage.token_budget * examples.length) / (rows * perStep));
  return { source, total: Math.min(total, Math.max(1, wanted)) };
}

function supervised(
  stage: TrainingStage,
  trainer: Trainer,
  source: ExampleSource,
  total: number,
): SteppedStage {
  return supervisedStage({
    name: stage.name,
    kind: stage.kind,
    total,
    trainer,
    saveSteps: stage.save_steps,
    schedule: scheduleOf(stage),
    examples: source,
    ...(stage.token_budget === undefined ? {} : { tokenBudget: stage.token_budget }),
  });
}

function pretrain(run: RunContext, stage: StageOf<'pretrain'>, model: LoadedModel): SteppedStage {
  const { seed: dataSeed, groups: assistantGroups } = assistantSeed(run);
  const source = pretrainExamples({
    ...tokenizerOf(run, stage.model),
    mixture: stage.mixture,
    dataSeed,
    assistantGroups,
    seed: seedOf(run.recipe, stage),
    groups: Math.max(1, Math.round(stage.train_batch_size / GROUP_LIMIT)),
  });
  return supervised(stage, trainerFor(model, crossEntropy(), stage), source, stage.steps);
}

function sft(run: RunContext, stage: StageOf<'sft'>, model: LoadedModel): SteppedStage {
  const { tokenizer, template } = tokenizerOf(run, stage.model);
  const gold = (): TrainExample[] =>
    groupByTools(dialoguesOf(run, 'train').slice(0, stage.max_samples), GROUP_LIMIT).map((group) =>
      groupExample(group, tokenizer, template),
    );
  const rolledOut = (): TrainExample[] =>
    limitSamples(readRollouts(rolloutFolder(run, stage.data), model.config.vocabSize), stage.max_samples).map(
      sequenceExample,
    );
  const examples = (stage.data === 'train' ? gold() : rolledOut()).filter(
    ({ prompt }) => prompt.length <= stage.prompt_max_len,
  );
  const { source, total } = epochs(examples, stage, seedOf(run.recipe, stage));
  return supervised(stage, trainerFor(model, crossEntropy(), stage), source, total);
}

function distill(run: RunContext, stage: StageOf<'distill'>, model: LoadedModel): SteppedStage {
  const { tokenizer } = tokenizerOf(run, stage.model);
  const stored = readRollouts(rolloutFolder(run, stage.data), model.config.vocabSize);
  const examples = limitSamples(stored, stage.max_samples)
    .filter(({ promptIds }) => promptIds.length <= stage.prompt_max_len)
    .map((prompt) =>
      distillExample(prompt, {
        topK: stage.kd_topk,
        mask: stage.ref_mask_type,
        thinkEndId: tokenizer.idOf('</think>'),
        head: stage.kd_kl_type === 'akl',
      }),
    );
  const objective = distillation({
    divergence: stage.kd_kl_type,
    topK: stage.kd_topk,
    studentTopM: stage.kd_student_topm,
    tailCoefficient: stage.kd_kl_l1_coef,
    ratio: stage.kd_ratio,
  });
  const { source, total } = epochs(examples, stage, seedOf(run.recipe, stage));
  return supervised(stage, trainerFor(model, objective, stage), source, total);
}

interface Opened extends Disposable {
  readonly stage: SteppedStage;
}

function simrl(run: RunContext, stage: StageOf<'simrl'>, model: LoadedModel): Opened {
  const { tokenizer, template } = tokenizerOf(run, stage.model);
  const prompts = new PromptSet({
    dialogues: dialoguesOf(run, 'train').slice(0, stage.prompts),
    tokenizer,
    template,
    reward: rewardNamed(stage.reward),
    maxTokens: promptLimit(stage, model.config),
  });
  const objective = policyGradient({
    clip: stage.eps_clip,
    klCoefficient: stage.init_kl_coef,
    klEstimator: stage.kl_estimator,
  });
  const trainer = trainerFor(model, objective, stage);
  const generator = new Generator(run.device, model.config, model.parameters);
  const anchor = stage.init_kl_coef > 0 ? openModel(run, stage.model, false) : undefined;
  const reference =
    anchor === undefined ? undefined : new Scorer(run.device, anchor.config, anchor.parameters);
  const byEpisodes = Math.ceil((stage.num_episodes * prompts.length) / stage.rollout_batch_size);
  return {
    stage: simRlStage({
      name: stage.name,
      trainer,
      generator,
      reference,
      tokenizer,
      prompts,
      sampling: {
        temperature: stage.temperature,
        topP: stage.top_p,
        topK: stage.top_k,
        maxTokens: stage.generate_max_len,
        samples: stage.n_samples_per_prompt,
      },
      total: Math.min(stage.steps ?? byEpisodes, byEpisodes),
      episodes: stage.num_episodes,
      groups: stage.rollout_batch_size,
      updateGroups: Math.max(1, Math.round(stage.train_batch_size / stage.n_samples_per_prompt)),
      epochs: stage.max_epochs,
      advantages: stage.advantage_estimator,
      clipRange: stage.reward_clip_range,
      filter: stage.dynamic_filtering
        ? { range: stage.dynamic_filtering_range, minDiff: stage.dynamic_filtering_min_diff }
        : undefined,
      schedule: scheduleOf(stage),
      saveSteps: stage.save_steps,
      tokenBudget: stage.token_budget,
      seed: seedOf(run.recipe, stage),
    }),
    [Symbol.dispose]() {
      generator[Symbol.dispose]();
      reference?.[Symbol.dispose]();
      anchor?.parameters[Symbol.dispose]();
    },
  };
}

function open(run: RunContext, stage: TrainingStage, model: LoadedModel): Opened {
  const plain = (stepped: SteppedStage): Opened => ({ stage: stepped, [Symbol.dispose]: () => undefined });
  switch (stage.kind) {
    case 'pretrain':
      return plain(pretrain(run, stage, model));
    case 'sft':
      return plain(sft(run, stage, model));
    case 'distill':
      return plain(distill(run, stage, model));
    case 'simrl':
      return simrl(run, stage, model);
    default:
      throw new InternalError(`unknown stage ${JSON.stringify(stage satisfies never)}`);
  }
}

/** Trains a stage's model and saves it as a Hugging Face folder; returns what was made, nothing if it was stopped. */
export async function* runTraining(
  run: RunContext,
  stage: TrainingStage,
): AsyncGenerator<RunEvent, Record<string, string> | undefined> {
  const model = openModel(run, stage.model, true);
  try {
    using opened = open(run, stage, model);
    using _trainer = opened.stage.trainer;
    const checkpoints = checkpointFolder(run, stage.name);
    yield* runSteps(opened.stage, { folder: checkpoints, signal: run.signal, now: run.now });
    if (run.signal.aborted) return undefined;
    const folder = modelFolder(run, stage.name);
    saveCheckpoint(folder, model.config, model.parameters, {
      tokenizerFiles: tokenizerFolder(run, stage.model),
    });
    // The model is saved: the optimiser's state is of no more use.
    if (existsSync(checkpoints)) rmSync(checkpoints, { recursive: true, force: true });
    return { model: folder };
  } finally {
    model.parameters[Symbol.dispose]();
  }
}
