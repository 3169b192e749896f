/** Options of every stage that trains, as transformers' TrainingArguments have them: what TRL and Axolotl have in common. */
import type { StageOf } from '../../../../src/stages/index.ts';
import { type Around, batchOf, budgetSteps } from '../engine.ts';
import { done, type EngineValues, type HandedKind, lacking, type Mapping, to } from '../options.ts';

type Trained = StageOf<HandedKind>;

/** Optimisers of tinystar that are in transformers, by its names. */
const OPTIMIZERS = {
  adamw: 'adamw_torch',
  adamw_8bit: 'adamw_8bit',
  adamw_offloaded: 'adamw_torch',
} as const;

/** The optimiser and what belongs to it. */
export function optimizer(
  stage: Trained,
): Record<
  'optimizer' | 'muon_momentum' | 'weight_decay' | 'adam_beta1' | 'adam_beta2' | 'adam_eps' | 'max_norm',
  Mapping
> {
  const { optimizer: name } = stage;
  const notes = {
    adamw: undefined,
    adamw_8bit: 'needs the package bitsandbytes and a GPU',
    adamw_offloaded: 'moments stay in memory, divided among processes by FSDP',
  };
  return {
    optimizer:
      name === 'muon'
        ? lacking(
            'no Muon with AdamW for the other weights; AdamW in its place learns at another rate: set optimizer and lr anew',
            true,
          )
        : to({ optim: OPTIMIZERS[name] }, notes[name]),
    muon_momentum: name === 'muon' ? lacking('belongs to Muon') : done('not used: the optimiser is no Muon'),
    weight_decay: to({ weight_decay: stage.weight_decay }),
    adam_beta1: to({ adam_beta1: stage.adam_beta1 }),
    adam_beta2: to({ adam_beta2: stage.adam_beta2 }),
    adam_eps: to({ adam_epsilon: stage.adam_eps }),
    max_norm: to({ max_grad_norm: stage.max_norm }),
  };
}

/** Precision of the matrices that are computed with. */
export const precision = ({ compute_dtype }: Trained): Mapping =>
  to({ bf16: compute_dtype === 'bf16', fp16: compute_dtype === 'f16' }, 'weights that are trained stay f32');

/** Adapters as PEFT has them, under these names. */
export function adapters(
  { lora }: Trained,
  names: { readonly rank: string; readonly alpha: string; readonly targets: string },
): Record<'lora.rank' | 'lora.alpha' | 'lora.target_modules', Mapping> {
  const of = (name: string, value: EngineValues[string] | undefined): Mapping =>
    to({ [name]: value ?? null });
  return {
    'lora.rank': of(names.rank, lora?.rank),
    'lora.alpha': of(names.alpha, lora?.alpha),
    'lora.target_modules': of(names.targets, lora?.target_modules),
  };
}

/** Tree sizes change what is computed twice, not what comes of it. */
export const NO_TREES = lacking(
  'a shared prompt is computed anew for each of its answers: slower, with the same result',
);

/** A teacher's thoughts in the data. */
export const THOUGHTS = done('thoughts stand before the right answers in the data');

/** Name and seed. */
export const identity = (stage: Trained): Record<'name' | 'seed', Mapping> => ({
  name: to({ run_name: stage.name }),
  seed: to({ seed: stage.seed ?? 0 }, "orders are the engine's own"),
});

/** Sequences that a process computes at once, and how often before an update. */
export function batches(
  stage: Trained,
  { processes }: Around,
): Record<'train_batch_size' | 'micro_train_batch_size', Mapping> {
  const { micro, accumulate } = batchOf(stage, processes);
  return {
    train_batch_size: to(
      { gradient_accumulation_steps: accumulate },
      `${micro} x ${accumulate} x ${processes} processes = ${stage.train_batch_size} sequences`,
    ),
    micro_train_batch_size: to(
      { per_device_train_batch_size: micro },
      micro === stage.micro_train_batch_size
        ? 'sequences, where tinystar counts prompts with all of their answers'
        : `${stage.micro_train_batch_size} do not divide a process's share of a step`,
    ),
  };
}

/** Options of supervised stages that the data stand for, and a budget as a number of steps. */
export const inData = (
  stage: StageOf<'distill' | 'sft'>,
  { data }: Around,
): Record<
  'token_budget' | 'prompt_max_len' | 'generate_max_len' | 'reward_threshold' | 'max_samples',
  Mapping
> => ({
  token_budget: to(
    { max_steps: budgetSteps(stage.token_budget ?? 1, stage.train_batch_size, data) },
    "at the data's mean of trained tokens a sequence",
  ),
  prompt_max_len: done('longer prompts are not in the data'),
  generate_max_len: done('answers are in the data, as long as they were drawn'),
  reward_threshold: done('answers below it are not in the data'),
  max_samples: done('further ones are not in the data'),
});
