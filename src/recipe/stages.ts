/**
 * The stages of a curriculum and their options: one strict schema a kind, chosen by the key `kind`.
 * Names are the ones of the reference implementations (OpenRLHF and STAR's patch of it), and so are the
 * defaults: what the paper's scripts pass at the scale of Qwen3, which a smaller recipe overrides.
 */
import { z } from 'zod';
import { teacherSchema } from './teacher-options.ts';
import { type RewardName, rewards } from '../reward/index.ts';

/** A name that can be a folder: of a run, a stage, a model. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a name of letters, digits, dots, dashes and underscores');

const count = z.int().positive();
const seed = z.int().min(0).max(0xffffffff);
const fraction = z.number().min(0).max(1);
const reference = z.string().min(1);
const reward = z.enum(Object.keys(rewards) as RewardName[]).default('simrl');

const samplingOptions = {
  temperature: z.number().positive().default(1).describe('divides the logits before a token is drawn'),
  top_p: z.number().gt(0).max(1).default(1).describe('draw from the smallest set of tokens with this mass'),
  top_k: z
    .union([count, z.literal(-1)])
    .default(-1)
    .describe('draw from this many likeliest tokens; -1 is all of them'),
};

const lengthOptions = {
  prompt_max_len: count.default(5120).describe('tokens of a prompt; longer prompts are left out'),
  generate_max_len: count.default(512).describe('tokens of a completion'),
};

const optimizerOptions = {
  lr: z.number().positive().describe('peak learning rate'),
  lr_scheduler: z.enum(['cosine_with_min_lr', 'constant']).default('cosine_with_min_lr'),
  warmup_ratio: fraction.default(0.03).describe('share of the steps in which the rate rises from 0'),
  min_lr_ratio: fraction.default(0.1).describe("the cosine's floor, as a share of lr"),
  optimizer: z
    .enum(['adamw', 'muon'])
    .default('adamw')
    .describe("muon updates the layers' matrices by orthogonalised momentum, and AdamW the rest"),
  muon_momentum: z.number().min(0).lt(1).default(0.95),
  weight_decay: z.number().min(0).default(0).describe("AdamW's decoupled decay (OpenRLHF: l2)"),
  adam_beta1: z.number().min(0).lt(1).default(0.9),
  adam_beta2: z.number().min(0).lt(1).default(0.95),
  adam_eps: z.number().positive().default(1e-8),
  max_norm: z.number().min(0).default(1).describe('global gradient norm is clipped to this; 0 is off'),
  train_batch_size: count.default(128).describe('sequences an optimiser step'),
  micro_train_batch_size: count.default(2).describe('prompt trees that go through the model at once'),
  save_steps: count.default(100).describe('optimiser steps between checkpoints'),
  token_budget: count.exactOptional().describe('stop after this many trained tokens'),
  ...lengthOptions,
};

const common = {
  name: nameSchema,
  seed: seed.exactOptional().describe("this stage's own seed; without it one is derived from the recipe's"),
};

/** Next-token training of a new or given model on a mixture of generated dialogues. */
export const pretrainSchema = z.strictObject({
  ...common,
  kind: z.literal('pretrain'),
  model: reference,
  mixture: z
    .array(
      z.strictObject({ source: z.enum(['assistant', 'invented', 'copying']), weight: z.number().positive() }),
    )
    .min(1),
  steps: count,
  ...optimizerOptions,
  lr: optimizerOptions.lr.default(3e-4),
});

/** Cross-entropy on the gold answers, or on a teacher's rollouts. */
export const sftSchema = z.strictObject({
  ...common,
  kind: z.literal('sft'),
  model: reference,
  data: reference.default('train').describe('"train", the gold answers, or the name of a rollout stage'),
  max_epochs: count.default(1),
  max_samples: count.exactOptional().describe('use at most this many sequences'),
  reward_threshold: z
    .number()
    .min(-1)
    .max(1)
    .exactOptional()
    .describe('leave out answers of a rollout stage with a lower reward'),
  ...optimizerOptions,
  lr: optimizerOptions.lr.default(5e-6),
});

/** Off-policy distillation of a rollout stage's sequences and stored teacher distributions: FKL, RKL, AKL, CKD. */
export const distillSchema = z.strictObject({
  ...common,
  kind: z.literal('distill'),
  model: reference,
  data: reference.describe('the name of a rollout stage'),
  kd_kl_type: z.enum(['fkl', 'rkl', 'akl']).default('fkl'),
  kd_topk: count.default(100).describe("teacher's tokens a position that are matched"),
  kd_student_topm: count.default(100).describe("student's own top tokens among which the tail is penalised"),
  kd_kl_l1_coef: z
    .number()
    .min(0)
    .default(10)
    .describe('weight of the tail penalty; 0 is plain distillation'),
  kd_ratio: fraction.default(1).describe('1 is distillation alone, 0 cross-entropy alone'),
  ref_mask_type: z.enum(['all', 'think', 'answer']).default('all').describe('which target tokens count'),
  max_epochs: count.default(1),
  max_samples: count.exactOptional().describe('use at most this many sequences'),
  ...optimizerOptions,
  lr: optimizerOptions.lr.default(3e-6),
  weight_decay: optimizerOptions.weight_decay.default(1e-4),
});

/** A model answers training prompts; valid, distinct answers are kept with the model's top-k log-probabilities. */
export const rolloutSchema = z.strictObject({
  ...common,
  kind: z.literal('rollout'),
  model: reference.describe('who answers; with a teacher, whose tokenizer and template the prompts are in'),
  teacher: teacherSchema.exactOptional().describe('a server that answers instead of the model'),
  prompts: count.exactOptional().describe('use at most this many prompts of the training set'),
  n_samples_per_prompt: count.default(8),
  rollout_batch_size: count.default(128).describe('prompts that are answered at once'),
  ...samplingOptions,
  ...lengthOptions,
  kd_topk: count.default(100).describe('log-probabilities a position that are stored for distillation'),
  validity_filter: z.boolean().default(true).describe('keep well-formed, finished answers only'),
  reward_threshold: z
    .number()
    .min(-1)
    .max(1)
    .exactOptional()
    .describe('drop answers with a lower Sim-RL reward'),
});

/** GRPO with the similarity-guided reward, or a binary one. */
export const simrlSchema = z.strictObject({
  ...common,
  kind: z.literal('simrl'),
  model: reference,
  reward,
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
});

/** Preference optimisation on pairs of answers to one prompt; the model that it begins from is the reference. */
export const dpoSchema = z.strictObject({
  ...common,
  kind: z.literal('dpo'),
  model: reference,
  data: reference.describe('the name of a rollout stage'),
  reward: reward.describe('what tells the better answer of a prompt from the worse'),
  reward_margin: z
    .number()
    .positive()
    .default(0.5)
    .describe('drop prompts whose best and worst answer differ by less'),
  reward_threshold: z
    .number()
    .min(-1)
    .max(1)
    .exactOptional()
    .describe('drop prompts whose best answer earns less'),
  loss_type: z.enum(['dpo', 'ipo']).default('dpo'),
  beta: z.number().positive().default(0.1).describe('how strongly the model is held to the reference'),
  label_smoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .describe('DPO: share of pairs that are taken to be the wrong way round'),
  nll_loss_coef: z
    .number()
    .min(0)
    .default(0)
    .describe("weight of the chosen answer's cross-entropy (RPO); 0 is off"),
  max_epochs: count.default(1),
  max_samples: count.exactOptional().describe('use at most this many pairs'),
  ...optimizerOptions,
  train_batch_size: count.default(128).describe('pairs an optimiser step'),
  lr: optimizerOptions.lr.default(5e-7),
});

/** Exact-match accuracy of several models on the held-out split. */
export const evalSchema = z.strictObject({
  ...common,
  kind: z.literal('eval'),
  models: z.record(z.string().min(1), reference).describe('label in the table: model or stage'),
  limit: count.exactOptional().describe('use at most this many test dialogues'),
  temperature: z.number().min(0).default(0).describe('0 takes the likeliest token'),
  rollout_batch_size: count.default(32).describe('prompts that are answered at once'),
  ...lengthOptions,
});

/** Every kind of stage: a new kind is one schema and one entry here. */
export const stageSchemas = {
  pretrain: pretrainSchema,
  sft: sftSchema,
  distill: distillSchema,
  rollout: rolloutSchema,
  simrl: simrlSchema,
  dpo: dpoSchema,
  eval: evalSchema,
} as const;

export const stageSchema = z.discriminatedUnion('kind', [
  pretrainSchema,
  sftSchema,
  distillSchema,
  rolloutSchema,
  simrlSchema,
  dpoSchema,
  evalSchema,
]);

export type Stage = z.output<typeof stageSchema>;
export type StageKind = Stage['kind'];
export type StageOf<K extends StageKind> = Extract<Stage, { kind: K }>;
/** The kinds that train and hand on a model. */
const TRAINING = ['pretrain', 'sft', 'distill', 'simrl', 'dpo'] as const satisfies readonly StageKind[];
export type TrainingStage = StageOf<(typeof TRAINING)[number]>;
/** What every training stage tells the optimiser, batcher and checkpointer. */
export type OptimizerOptions = Pick<TrainingStage, keyof typeof optimizerOptions>;

/** Whether a stage hands on a model, to be named by later stages. */
export function outputsModel(stage: Stage): stage is TrainingStage {
  return TRAINING.some((kind) => kind === stage.kind);
}
