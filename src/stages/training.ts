/**
 * What all stages have in common that train a model: its options, how the model is opened for it, the loop with its
 * checkpoints, and the Hugging Face folder that is left behind.
 */
import { join } from 'node:path';
import type { z } from 'zod';
import { InternalError, isAbort } from '../base/errors.ts';
import { Rng } from '../base/rng.ts';
import { tokenizerFilesOf } from '../chat/gguf-tokenizer.ts';
import type { Objective } from '../losses/index.ts';
import { isLayerParameter } from '../model/arch/config.ts';
import { saveCheckpoint } from '../model/checkpoint/checkpoint.ts';
import { ComputeCopies } from '../model/compute-copies.ts';
import { LORA_TARGETS, LoraWeights } from '../model/lora.ts';
import type { TrainedWeights } from '../model/trained-weights.ts';
import type { ResidentOptions } from '../tensor/optim/adamw.ts';
import type { ScheduleOptions } from '../tensor/optim/schedule.ts';
import type { ParameterSet } from '../tensor/parameters.ts';
import { runSteps, type SteppedStage } from '../train/loop.ts';
import { type OffloadedOptions, Trainer } from '../train/trainer.ts';
import { optimizerOptions } from './options.ts';
import { type OpenModel, type OptionsOf, refersTo, type StageContext, type StageKind } from './stage.ts';

/** Options of every stage that trains. */
export const trainingOptions = { model: refersTo('model'), ...optimizerOptions };
export type TrainingOptions = OptionsOf<typeof trainingOptions>;

/** A model that is opened to be trained. */
export interface TrainableModel extends OpenModel {
  /** What it computes with and what is trained of it, where that is not `parameters`. */
  readonly training?: TrainedWeights;
}

/** A stage that is ready to run, with what it holds beside its trainer. */
export interface OpenedStage extends Disposable {
  readonly stage: SteppedStage;
}

type Shape = z.core.$ZodLooseShape;

/** A kind of stage that trains: beside what every kind says, its loss and how it is opened. */
export interface TrainingKind<S extends Shape> extends Omit<StageKind<S>, 'run' | 'makes'> {
  readonly makes: 'model';
  /** What the stage minimises. */
  loss(options: OptionsOf<S>): Objective;
  run: StageKind<S>['run'];
}

/** Declares a kind of stage that trains; `open` throws the signal's reason when that fires. */
export function defineTraining<const S extends Shape>(
  kind: Omit<TrainingKind<S>, 'run' | 'makes'> & {
    readonly open: (
      context: StageContext,
      options: OptionsOf<S>,
      model: TrainableModel,
      trainer: () => Trainer,
    ) => OpenedStage | Promise<OpenedStage>;
  },
): TrainingKind<S> {
  const { open, ...rest } = kind;
  return {
    ...rest,
    makes: 'model',
    async *run(context, given) {
      const options = given as OptionsOf<S> & TrainingOptions;
      using model = openForTraining(context, options);
      let opened: OpenedStage;
      try {
        opened = await open(context, options, model, () =>
          trainerFor(model, options, kind.loss(options), context.folder),
        );
      } catch (thrown) {
        if (!isAbort(thrown, context.signal)) throw thrown;
        return undefined;
      }
      using _opened = opened;
      using _trainer = opened.stage.trainer;
      const folder = checkpointsIn(context.folder);
      const { signal, now } = context;
      if (!(yield* runSteps(opened.stage, { folder, signal, now }))) return undefined;
      const path = join(context.folder, 'model');
      saveCheckpoint(path, model.config, model.training ?? model.parameters, {
        tokenizerFiles: tokenizerFilesOf(context.tokenizerSource(options.model)),
        stopIds: model.tokenizer.stopIds,
      });
      return { model: path };
    },
  };
}

/** A stage that holds nothing beside its trainer. */
export const plainly = (stage: SteppedStage): OpenedStage => ({ stage, [Symbol.dispose]: () => undefined });

/** Checkpoints of a stage, in its folder. */
export const checkpointsIn = (folder: string): string => join(folder, 'checkpoints');

/** What a stage computes with. */
export const sourceOf = (model: TrainableModel): TrainedWeights | ParameterSet =>
  model.training ?? model.parameters;

/** Opens the model that a stage trains, as its options say. */
export function openForTraining(context: StageContext, options: TrainingOptions): TrainableModel {
  const { lora, compute_dtype: dtype } = options;
  const model = context.openModel(
    options.model,
    lora === undefined ? { trainable: true } : { trainable: false, dtype },
  );
  try {
    const training = trainedWeights(model.parameters, options, context.seed);
    if (training === undefined) return model;
    return { ...model, training, [Symbol.dispose]: () => training[Symbol.dispose]() };
  } catch (thrown) {
    model[Symbol.dispose]();
    throw thrown;
  }
}

/** What a stage computes with and trains, where that is not the parameters themselves; it then owns them. */
export function trainedWeights(
  parameters: ParameterSet,
  { lora, compute_dtype: dtype }: Pick<TrainingOptions, 'lora' | 'compute_dtype'>,
  seed: number,
): TrainedWeights | undefined {
  if (lora !== undefined) return new LoraWeights(parameters, loraOptions(lora), Rng.seeded(seed, 'lora'));
  return dtype === 'f32' ? undefined : new ComputeCopies(parameters, dtype);
}

/** What a recipe says of LoRA, in the model's words. */
export function loraOptions({ rank, alpha, target_modules: targets }: NonNullable<TrainingOptions['lora']>) {
  return { rank, alpha, targets: targets === 'all-linear' ? LORA_TARGETS : targets };
}

/** How the learning rate changes over a stage. */
export function scheduleOf(options: TrainingOptions): ScheduleOptions {
  return {
    scheduler: options.lr_scheduler,
    lr: options.lr,
    warmupRatio: options.warmup_ratio,
    minLrRatio: options.min_lr_ratio,
  };
}

/** Tokens of a micro-batch, padding included: what bounds a training graph's memory. */
const MICRO_BATCH_TOKENS = 4096;

/** What a stage's optimiser does otherwise than AdamW. */
function variantOf(
  { optimizer, muon_momentum: momentum }: TrainingOptions,
  folder: string,
): Pick<ResidentOptions, 'muon' | 'eightBit'> | Pick<OffloadedOptions, 'offload'> {
  switch (optimizer) {
    case 'adamw':
      return {};
    case 'adamw_8bit':
      return { eightBit: true };
    case 'adamw_offloaded':
      return { offload: folder };
    case 'muon':
      return { muon: { momentum, matrices: isLayerParameter } };
    default:
      throw new InternalError(`unknown optimiser ${JSON.stringify(optimizer satisfies never)}`);
  }
}

/**
 * Trainer of a stage's model, or of a part of the model `partOf` as the whole would be trained. What it keeps on the
 * disk while it trains is in `folder`.
 */
export function trainerFor(
  { config, parameters, training }: Pick<TrainableModel, 'config' | 'parameters' | 'training'>,
  options: TrainingOptions,
  objective: Objective,
  folder: string,
  partOf = config,
): Trainer {
  return new Trainer(config, training?.trained ?? parameters, objective, {
    ...(training === undefined ? {} : { weights: training }),
    partOf,
    recompute: options.gradient_checkpointing,
    adamw: {
      beta1: options.adam_beta1,
      beta2: options.adam_beta2,
      eps: options.adam_eps,
      weightDecay: options.weight_decay,
      maxNorm: options.max_norm,
      ...variantOf(options, folder),
    },
    microBatchTokens: MICRO_BATCH_TOKENS,
    microBatchPrompts: options.micro_train_batch_size,
  });
}
