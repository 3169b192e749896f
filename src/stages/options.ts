/** Options that several kinds of stages have in common, and the small schemas that they are made of. */
import { z } from 'zod';
import { LORA_TARGETS } from '../model/lora.ts';

/** A name that can be a folder: of a run, a stage, a model. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a name of letters, digits, dots, dashes and underscores');

export const count = z.int().positive();
export const seed = z.int().min(0).max(0xffffffff);
export const fraction = z.number().min(0).max(1);
export const reference = z.string().min(1);

export const samplingOptions = {
  temperature: z.number().positive().default(1).describe('divides the logits before a token is drawn'),
  top_p: z.number().gt(0).max(1).default(1).describe('draw from the smallest set of tokens with this mass'),
  top_k: z
    .union([count, z.literal(-1)])
    .default(-1)
    .describe('draw from this many likeliest tokens; -1 is all of them'),
};

export const lengthOptions = {
  prompt_max_len: count.default(5120).describe('tokens of a prompt; longer prompts are left out'),
  generate_max_len: count.default(512).describe('tokens of a completion'),
};

export const computeOptions = {
  compute_dtype: z
    .enum(['f32', 'f16', 'bf16'])
    .default('f32')
    .describe('of the matrices that are computed with; those that are trained stay f32'),
};

const loraSchema = z.strictObject({
  rank: count.default(16),
  alpha: z.number().positive().default(32).describe('what is added is alpha / rank times the product'),
  target_modules: z
    .union([z.literal('all-linear'), z.array(z.enum(LORA_TARGETS)).min(1)])
    .default('all-linear')
    .describe('the matrices of every layer that are adapted'),
});

export const optimizerOptions = {
  lr: z.number().positive().describe('peak learning rate'),
  lr_scheduler: z.enum(['cosine_with_min_lr', 'constant']).default('cosine_with_min_lr'),
  warmup_ratio: fraction.default(0.03).describe('share of the steps in which the rate rises from 0'),
  min_lr_ratio: fraction.default(0.1).describe("the cosine's floor, as a share of lr"),
  optimizer: z
    .enum(['adamw', 'adamw_8bit', 'adamw_offloaded', 'muon'])
    .default('adamw')
    .describe(
      "adamw_8bit keeps its averages in 8 bits, adamw_offloaded in a file of the run; muon updates the layers' matrices by orthogonalised momentum, and AdamW the rest",
    ),
  muon_momentum: z.number().min(0).lt(1).default(0.95),
  weight_decay: z.number().min(0).default(0).describe("AdamW's decoupled decay (OpenRLHF: l2)"),
  adam_beta1: z.number().min(0).lt(1).default(0.9),
  adam_beta2: z.number().min(0).lt(1).default(0.95),
  adam_eps: z.number().positive().default(1e-8),
  max_norm: z.number().min(0).default(1).describe('global gradient norm is clipped to this; 0 is off'),
  train_batch_size: count.default(128).describe('sequences an optimiser step'),
  micro_train_batch_size: count.default(2).describe('prompt trees that go through the model at once'),
  gradient_checkpointing: z
    .boolean()
    .default(false)
    .describe(
      "keep only the layers' results, and compute the rest again: less memory, about a third more time",
    ),
  ...computeOptions,
  lora: loraSchema
    .exactOptional()
    .describe('train matrices of low rank beside the weights; they are merged when the model is saved'),
  save_steps: count.default(100).describe('optimiser steps between checkpoints'),
  token_budget: count.exactOptional().describe('stop after this many trained tokens'),
  ...lengthOptions,
};

export const common = {
  name: nameSchema,
  seed: seed.exactOptional().describe("this stage's own seed; without it one is derived from the recipe's"),
};

/** What every stage of GRPO says about its batches and its loss. */
export const grpoOptions = {
  prompts: count.exactOptional().describe('use at most this many prompts of the training set'),
  num_episodes: count.default(3).describe('passes over the prompts'),
  steps: count.exactOptional().describe('stop after this many rollout batches, if the episodes last longer'),
  rollout_batch_size: count.default(128).describe('prompts a rollout batch, after dynamic filtering'),
  n_samples_per_prompt: count.min(2).default(8),
  max_epochs: count.default(1).describe('passes over each rollout batch'),
  ...samplingOptions,
  advantage_estimator: z.enum(['group_norm', 'dr_grpo']).default('group_norm'),
  reward_clip_range: z
    .tuple([z.number(), z.number()])
    .default([-10, 10])
    .describe('advantages are clipped to it'),
  eps_clip: z.number().gt(0).lt(1).default(0.2).describe('clip range of the probability ratio'),
  kl_estimator: z.enum(['k1', 'k2', 'k3']).default('k2'),
  init_kl_coef: z.number().min(0).default(1e-3).describe("weight of the KL to the stage's first model"),
  entropy_coef: z.number().min(0).default(0).describe('weight of the entropy bonus'),
  dynamic_filtering: z.boolean().default(true).describe('drop prompts whose samples all score alike'),
  dynamic_filtering_range: z
    .tuple([fraction, fraction])
    .default([0.01, 0.99])
    .describe('keep groups whose mean answer score lies strictly inside'),
  dynamic_filtering_min_diff: z
    .number()
    .min(-1)
    .max(1)
    .default(0)
    .describe('and whose scores differ by more'),
  ...optimizerOptions,
  lr: optimizerOptions.lr.default(3e-7),
};
