/** Options that several kinds of stages have in common, and the small schemas that they are made of. */
import { z } from 'zod';
import { LORA_TARGETS } from '../model/lora.ts';

import { count, fraction, lengthOptions } from './stage.ts';

export const samplingOptions = {
  temperature: z.number().positive().default(1).describe('divides the logits before a token is drawn'),
  top_p: z.number().gt(0).max(1).default(1).describe('draw from the smallest set of tokens with this mass'),
  top_k: z
    .union([count, z.literal(-1)])
    .default(-1)
    .describe('draw from this many likeliest tokens; -1 is all of them'),
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
