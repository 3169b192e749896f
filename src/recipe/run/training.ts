/** The stages that train: from a recipe's words to the training floor's objects. */
import { InternalError, isAbort } from '../../base/errors.ts';
import { GROUP_SIZE } from '../../data/assistant/index.ts';
import { saveCheckpoint } from '../../model/checkpoint.ts';
import { isLayerParameter } from '../../model/config.ts';
import { Generator } from '../../model/generation.ts';
import { Scorer } from '../../model/scoring.ts';
import {
  crossEntropy,
  distillation,
  type Objective,
  policyGradient,
  preference,
} from '../../objective/index.ts';
import { rewardNamed } from '../../reward/index.ts';
import type { ScheduleOptions } from '../../tensor/schedule.ts';
import type { DrawnSample, RunEvent } from '../../train/events.ts';
import { runSteps, type SteppedStage } from '../../train/loop.ts';
import { PromptSet } from '../../train/prompts.ts';
import { pretrainExamples } from '../../train/stages/pretrain.ts';
import { simRlStage } from '../../train/stages/simrl.ts';
import { epochSource, type ExampleSource, supervisedStage } from '../../train/stages/supervised.ts';
import { Trainer } from '../../train/trainer.ts';
import type { OptimizerOptions, StageOf, TrainingStage } from '../stages.ts';
import {
  checkpointFolder,
  dialoguesOf,
  generatorSeed,
  modelFolder,
  openModel,
  type OpenModel,
  type Outputs,
  promptLimit,
  type RunContext,
  seedOf,
  tokenizerFolder,
} from './context.ts';
import { distillData, goldData, GROUP_LIMIT, type LearningData, sequenceData } from './examples.ts';
import { preferenceData } from './preferences.ts';

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

function trainerFor(model: OpenModel, objective: Objective, stage: OptimizerOptions): Trainer {
  return new Trainer(model.config, model.parameters, objective, {
    adamw: {
      beta1: stage.adam_beta1,
      beta2: stage.adam_beta2,
      eps: stage.adam_eps,
      weightDecay: stage.weight_decay,
      maxNorm: stage.max_norm,
      ...(stage.optimizer === 'muon'
        ? { muon: { momentum: stage.muon_momentum, matrices: isLayerParameter } }
        : {}),
    },
    microBatchTokens: MICRO_BATCH_TOKENS,
    microBatchPrompts: stage.micro_train_batch_size,
  });
}

function supervised(
  stage: TrainingStage,
  trainer: Trainer,
  examples: ExampleSource,
  total: number,
  told: { readonly warnings?: readonly string[]; readonly shown?: readonly DrawnSample[] } = {},
): SteppedStage {
  return supervisedStage({
    name: stage.name,
    kind: stage.kind,
    total,
    trainer,
    saveSteps: stage.save_steps,
    schedule: scheduleOf(stage),
    examples,
    tokenBudget: stage.token_budget,
    ...told,
  });
}

function overEpochs(
  run: RunContext,
  stage: StageOf<'sft' | 'distill' | 'dpo'>,
  trainer: Trainer,
  data: LearningData & { readonly shown?: readonly DrawnSample[] },
): SteppedStage {
  const { examples, total } = epochSource(data.examples, {
    batch: stage.train_batch_size,
    epochs: stage.max_epochs,
    tokenBudget: stage.token_budget,
    seed: seedOf(run.recipe, stage),
  });
  const { warnings, shown = [] } = data;
  return supervised(stage, trainer, examples, total, { warnings, shown });
}

function pretrain(run: RunContext, stage: StageOf<'pretrain'>, model: OpenModel): SteppedStage {
  const { data } = run.recipe;
  const source = pretrainExamples({
    tokenizer: model.tokenizer,
    template: model.template,
    mixture: stage.mixture,
    dataSeed: generatorSeed(run),
    assistantGroups: data.source === 'assistant' ? Math.ceil(data.train / GROUP_SIZE) : 1,
    seed: seedOf(run.recipe, stage),
    groups: Math.max(1, Math.round(stage.train_batch_size / GROUP_LIMIT)),
  });
  return supervised(stage, trainerFor(model, crossEntropy(), stage), source, stage.steps);
}

async function sft(run: RunContext, stage: StageOf<'sft'>, model: OpenModel): Promise<SteppedStage> {
  const data = stage.data === 'train' ? await goldData(run, stage, model) : sequenceData(run, stage, model);
  return overEpochs(run, stage, trainerFor(model, crossEntropy(), stage), data);
}

function distill(run: RunContext, stage: StageOf<'distill'>, model: OpenModel): SteppedStage {
  const data = distillData(run, stage, model);
  const objective = distillation({
    divergence: stage.kd_kl_type,
    topK: stage.kd_topk,
    studentTopM: Math.min(stage.kd_student_topm, model.config.vocabSize),
    tailCoefficient: stage.kd_kl_l1_coef,
    ratio: stage.kd_ratio,
  });
  return overEpochs(run, stage, trainerFor(model, objective, stage), data);
}

interface Opened extends Disposable {
  readonly stage: SteppedStage;
}

function simrl(run: RunContext, stage: StageOf<'simrl'>, model: OpenModel): Opened {
  const { tokenizer, template } = model;
  const prompts = new PromptSet({
    stage: stage.name,
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
      anchor?.[Symbol.dispose]();
    },
  };
}

function dpo(run: RunContext, stage: StageOf<'dpo'>, model: OpenModel): Opened {
  const data = preferenceData(run, stage, model);
  const objective = preference({
    loss: stage.loss_type,
    beta: stage.beta,
    labelSmoothing: stage.label_smoothing,
    nllCoefficient: stage.nll_loss_coef,
  });
  return {
    stage: overEpochs(run, stage, trainerFor(model, objective, stage), data),
    [Symbol.dispose]: () => data[Symbol.dispose](),
  };
}

async function open(run: RunContext, stage: TrainingStage, model: OpenModel): Promise<Opened> {
  const plain = (stepped: SteppedStage): Opened => ({ stage: stepped, [Symbol.dispose]: () => undefined });
  switch (stage.kind) {
    case 'pretrain':
      return plain(pretrain(run, stage, model));
    case 'sft':
      return plain(await sft(run, stage, model));
    case 'distill':
      return plain(distill(run, stage, model));
    case 'simrl':
      return simrl(run, stage, model);
    case 'dpo':
      return dpo(run, stage, model);
    default:
      throw new InternalError(`unknown stage ${JSON.stringify(stage satisfies never)}`);
  }
}

/** Trains a stage's model and saves it as a Hugging Face folder; returns what was made, nothing if it was stopped. */
export async function* runTraining(
  run: RunContext,
  stage: TrainingStage,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  using model = openModel(run, stage.model, true);
  let opened: Opened;
  try {
    opened = await open(run, stage, model);
  } catch (thrown) {
    if (!isAbort(thrown, run.signal)) throw thrown;
    return undefined;
  }
  using _opened = opened;
  using _trainer = opened.stage.trainer;
  const { signal, now } = run;
  const complete = yield* runSteps(opened.stage, { folder: checkpointFolder(run, stage.name), signal, now });
  if (!complete) return undefined;
  const folder = modelFolder(run, stage.name);
  saveCheckpoint(folder, model.config, model.parameters, {
    tokenizerFiles: tokenizerFolder(run, stage.model),
  });
  return { model: folder };
}
