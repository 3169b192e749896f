/** From what every training stage says to the objects that optimise. */
import { InternalError } from '../base/errors.ts';
import { isLayerParameter } from '../model/arch/config.ts';
import type { ResidentOptions } from '../tensor/optim/adamw.ts';
import type { ScheduleOptions } from '../tensor/optim/schedule.ts';
import type { SteppedStage } from '../train/loop.ts';
import { type OffloadedOptions, Trainer } from '../train/trainer.ts';
import type { OptimizerOptions, TrainingStage } from '../stages/schema.ts';
import type { OpenModel } from './context.ts';
import { objectiveOf } from './objectives.ts';

/** Tokens of a micro-batch, padding included: what bounds a training graph's memory. */
const MICRO_BATCH_TOKENS = 4096;

/** How the learning rate changes over a stage. */
export function scheduleOf(stage: OptimizerOptions): ScheduleOptions {
  return {
    scheduler: stage.lr_scheduler,
    lr: stage.lr,
    warmupRatio: stage.warmup_ratio,
    minLrRatio: stage.min_lr_ratio,
  };
}

/** What a stage's optimiser does otherwise than AdamW. */
function variantOf(
  { optimizer, muon_momentum: momentum }: TrainingStage,
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
 * What trains a stage's model, or a part of the model `partOf` as the whole would be trained. What it keeps on the disk
 * while it trains is in `folder`.
 */
export function trainerFor(
  { config, parameters, training }: Pick<OpenModel, 'config' | 'parameters' | 'training'>,
  stage: TrainingStage,
  folder: string,
  partOf = config,
): Trainer {
  const objective = objectiveOf(stage);
  return new Trainer(config, training?.trained ?? parameters, objective, {
    ...(training === undefined ? {} : { weights: training }),
    partOf,
    recompute: stage.gradient_checkpointing,
    adamw: {
      beta1: stage.adam_beta1,
      beta2: stage.adam_beta2,
      eps: stage.adam_eps,
      weightDecay: stage.weight_decay,
      maxNorm: stage.max_norm,
      ...variantOf(stage, folder),
    },
    microBatchTokens: MICRO_BATCH_TOKENS,
    microBatchPrompts: stage.micro_train_batch_size,
  });
}

/** A stage that is ready to run, with what it holds beside its trainer. */
export interface Opened extends Disposable {
  readonly stage: SteppedStage;
}
