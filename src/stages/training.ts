/**
 * Stages that train a model: their options, how the model is opened for it, the loop with its
 * checkpoints, and the Hugging Face folder that is left behind.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { Owned } from '../base/owned.ts';
import { Rng } from '../base/rng.ts';
import { tokenizerFilesOf } from '../chat/gguf-tokenizer.ts';
import type { Objective } from '../losses/objective.ts';
import { type LoadedModel, type LoadModelOptions, saveCheckpoint } from '../model/checkpoint/checkpoint.ts';
import { computeCopies } from '../model/compute-copies.ts';
import { loraOptions, loraWeights } from '../model/lora.ts';
import type { TrainedWeights } from '../model/trained-weights.ts';
import { scheduleOptions } from '../tensor/optim/schedule.ts';
import { runSteps, type SteppedStage } from '../train/loop.ts';
import { Trainer, type TrainerOptions, trainerOptions } from '../train/trainer.ts';
import {
  computeOptions,
  count,
  type Learner,
  lengthOptions,
  type Lessons,
  type OpenModel,
  type OptionsOf,
  refersTo,
  type StageContext,
  type StageKind,
} from './stage.ts';

export const trainingOptions = {
  model: refersTo('model'),
  ...scheduleOptions,
  ...trainerOptions,
  train_batch_size: count.default(128).describe('sequences an optimiser step'),
  ...computeOptions,
  lora: z
    .strictObject(loraOptions)
    .exactOptional()
    .describe('train matrices of low rank beside the weights; they are merged when the model is saved'),
  tree_size: count
    .exactOptional()
    .describe(
      'sequences whose prompts begin alike that are computed as one tree, so that the beginning is computed once; without it 8 dialogues, or 16 answers',
    ),
  save_steps: count.default(100).describe('optimiser steps between checkpoints'),
  token_budget: count.exactOptional().describe('stop after this many trained tokens'),
  ...lengthOptions,
};
export type TrainingOptions = OptionsOf<typeof trainingOptions>;

export interface TrainableModel extends OpenModel {
  /** Weights that it computes with and those that are trained, where these are not `parameters`. */
  readonly training?: TrainedWeights;
}

export interface Opening {
  readonly model: TrainableModel;
  readonly trainer: () => Trainer;
  /** Holds what is to be freed when the stage ends. */
  readonly held: Owned;
}

type Shape = z.core.$ZodLooseShape;

/** A kind of stage that trains: beside what every kind says, the loss that it minimises, and its lessons, if all are there before it begins. */
export interface TrainingKind<S extends Shape> extends StageKind<S, 'model'> {
  loss(options: OptionsOf<S>): Objective;
  /** Throws UserErrors, and the signal's reason when it fires. */
  lessons?(context: StageContext, options: OptionsOf<S>, model: Learner): Lessons | Promise<Lessons>;
}

/** Declares a kind of stage that trains; `open` throws the signal's reason when that fires. */
export function defineTraining<const S extends Shape>(
  kind: Omit<TrainingKind<S>, 'run' | 'makes'> & {
    readonly open: (
      context: StageContext,
      options: OptionsOf<S>,
      opening: Opening,
    ) => SteppedStage | Promise<SteppedStage>;
  },
): TrainingKind<S> {
  const { open, ...rest } = kind;
  return {
    ...rest,
    makes: 'model',
    async *run(context, given) {
      const options = given as OptionsOf<S> & TrainingOptions;
      using held = new Owned();
      const model = held.add(
        openForTraining((how) => context.openModel(options.model, how), options, context.seed),
      );
      const trainer = () => held.add(trainerFor(model, options, kind.loss(options), context.folder));
      const stage = await open(context, options, { model, trainer, held });
      yield* runSteps(context, stage, options.save_steps, [model.template.formatReason]);
      const path = join(context.folder, 'model');
      saveCheckpoint(path, model.config, model.training ?? model.parameters, {
        tokenizerFiles: tokenizerFilesOf(context.tokenizerSource(options.model)),
        stopIds: model.tokenizer.stopIds,
      });
      return { model: path };
    },
  };
}

/** Opens the model that a stage trains, with the weights that its options say. */
export function openForTraining<M extends LoadedModel & Disposable>(
  open: (options: LoadModelOptions) => M,
  { lora, compute_dtype: dtype }: Pick<TrainingOptions, 'lora' | 'compute_dtype'>,
  seed: number,
): M & { readonly training?: TrainedWeights } {
  const held = new Owned();
  const model = held.add(open(lora === undefined ? { trainable: true } : { trainable: false, dtype }));
  return held.opening(() => {
    if (lora === undefined && dtype === 'f32') return model;
    const training =
      lora === undefined
        ? computeCopies(model.parameters, dtype)
        : loraWeights(model.parameters, lora, Rng.seeded(seed, 'lora'));
    return { ...model, training, [Symbol.dispose]: () => training[Symbol.dispose]() };
  });
}

/** Trainer of a stage's model; what it keeps on the disk while it trains is in `folder`. */
export function trainerFor(
  { config, parameters, training }: Pick<TrainableModel, 'config' | 'parameters' | 'training'>,
  options: TrainerOptions,
  objective: Objective,
  folder: string,
): Trainer {
  return new Trainer(config, training?.trained ?? parameters, objective, {
    ...options,
    ...(training === undefined ? {} : { weights: training }),
    folder,
  });
}
