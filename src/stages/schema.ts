/**
 * The stages of a curriculum and their options: one strict schema a kind, chosen by the key `kind`.
 * Names are the ones of the reference implementations (OpenRLHF and STAR's patch of it), and so are the
 * defaults: what the paper's scripts pass at the scale of Qwen3, which a smaller recipe overrides.
 */
import { z } from 'zod';
import { acebenchSchema, bfclSchema } from './benchmark-schemas.ts';
import { lastingTeacher, teacherSchema } from './teacher-options.ts';
import { type RewardName, rewards } from '../rewards/index.ts';
import { CHAIN_PAIRINGS } from '../train/chain-pairs.ts';
import {
  common,
  computeOptions,
  count,
  fraction,
  grpoOptions,
  lengthOptions,
  nameSchema,
  optimizerOptions,
  reference,
  samplingOptions,
} from './options.ts';
import { mentorSchema, toolEvalSchema, trajectoriesSchema } from './tool-schemas.ts';

const reward = z.enum(Object.keys(rewards) as RewardName[]).default('simrl');

/** Next-token training of a new or given model on a mixture of generated dialogues. */
const pretrainSchema = z.strictObject({
  ...common,
  kind: z.literal('pretrain'),
  model: reference,
  mixture: z
    .array(
      z.strictObject({
        source: z.enum(['assistant', 'masked', 'renamed', 'invented', 'definitions', 'copying', 'solutions']),
        environment: nameSchema.exactOptional().describe('whose worked solutions, where they are the source'),
        weight: z.number().positive(),
        dialogues: count
          .exactOptional()
          .describe("how many dialogues the assistant's training split has here, in place of data.train"),
      }),
    )
    .min(1),
  steps: count,
  first_group: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'where the endless sequences of generated groups begin, so that a later stage reads what an earlier one has not',
    ),
  ...optimizerOptions,
  lr: optimizerOptions.lr.default(3e-4),
});

/** Cross-entropy on the gold answers, or on a teacher's rollouts. */
const sftSchema = z.strictObject({
  ...common,
  kind: z.literal('sft'),
  model: reference,
  data: reference
    .default('train')
    .describe(
      '"train", the gold answers; the name of a rollout or trajectories stage; or an environment, for its worked solutions',
    ),
  max_epochs: count.default(1),
  max_samples: count.exactOptional().describe('use at most this many sequences'),
  reward_threshold: z
    .number()
    .min(-1)
    .max(1)
    .exactOptional()
    .describe('leave out answers of a rollout stage with a lower reward; a right trajectory has 1'),
  ...optimizerOptions,
  lr: optimizerOptions.lr.default(5e-6),
});

/** Off-policy distillation of a rollout stage's sequences and stored teacher distributions: FKL, RKL, AKL, CKD. */
const distillSchema = z.strictObject({
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
  reward_threshold: z
    .number()
    .min(-1)
    .max(1)
    .exactOptional()
    .describe('leave out answers with a lower reward'),
  max_epochs: count.default(1),
  max_samples: count.exactOptional().describe('use at most this many sequences'),
  ...optimizerOptions,
  lr: optimizerOptions.lr.default(3e-6),
  weight_decay: optimizerOptions.weight_decay.default(1e-4),
});

/** A model answers training prompts; valid, distinct answers are kept with the model's top-k log-probabilities. */
const rolloutSchema = z.strictObject({
  ...common,
  kind: z.literal('rollout'),
  model: reference.describe('who answers; with a teacher, whose tokenizer and template the prompts are in'),
  teacher: teacherSchema.exactOptional().describe('a server that answers instead of the model'),
  from: reference
    .exactOptional()
    .describe('folder of rollouts, or of a run with some, that are taken over instead of drawn'),
  prompts: count.exactOptional().describe('use at most this many prompts of the training set'),
  by_tools: z
    .boolean()
    .default(false)
    .describe(
      'draw the prompts of a tool set together: what is trained on them shares its tools, and is faster',
    ),
  n_samples_per_prompt: count.default(8),
  rollout_batch_size: count.default(128).describe('prompts that are answered at once'),
  ...samplingOptions,
  ...lengthOptions,
  ...computeOptions,
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
const simrlSchema = z.strictObject({
  ...common,
  kind: z.literal('simrl'),
  model: reference,
  reward,
  ...grpoOptions,
});

/** Preference optimisation on pairs of answers to one prompt; the model that it begins from is the reference. */
const dpoSchema = z.strictObject({
  ...common,
  kind: z.literal('dpo'),
  model: reference,
  data: reference.describe(
    'the name of a rollout stage, or of a trajectories stage with right and wrong ones',
  ),
  reward: reward.describe('rollouts: what tells the better answer of a prompt from the worse'),
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
  pairing: z
    .enum(CHAIN_PAIRINGS)
    .default('first_difference')
    .describe('trajectories: the first step at which a wrong one leaves a right one, or whole ones'),
  pairs_per_problem: count.default(4).describe('trajectories: pairs a problem at most'),
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
const evalSchema = z.strictObject({
  ...common,
  kind: z.literal('eval'),
  models: z.record(z.string().min(1), reference).describe('label in the table: model or stage'),
  limit: count.exactOptional().describe('use at most this many test dialogues'),
  temperature: z.number().min(0).default(0).describe('0 takes the likeliest token'),
  rollout_batch_size: count.default(32).describe('prompts that are answered at once'),
  ...lengthOptions,
  ...computeOptions,
});

/** Every kind of stage: a new kind is one schema and one entry here. */
export const stageSchemas = {
  pretrain: pretrainSchema,
  sft: sftSchema,
  distill: distillSchema,
  rollout: rolloutSchema,
  simrl: simrlSchema,
  dpo: dpoSchema,
  trajectories: trajectoriesSchema,
  mentor: mentorSchema,
  eval: evalSchema,
  tool_eval: toolEvalSchema,
  bfcl: bfclSchema,
  acebench: acebenchSchema,
} as const;

export const stageSchema = z.discriminatedUnion('kind', [
  pretrainSchema,
  sftSchema,
  distillSchema,
  rolloutSchema,
  simrlSchema,
  dpoSchema,
  trajectoriesSchema,
  mentorSchema,
  evalSchema,
  toolEvalSchema,
  bfclSchema,
  acebenchSchema,
]);

export type Stage = z.output<typeof stageSchema>;
export type StageKind = Stage['kind'];
export type StageOf<K extends StageKind> = Extract<Stage, { kind: K }>;
/** The kinds that train and hand on a model. */
const TRAINING = [
  'pretrain',
  'sft',
  'distill',
  'simrl',
  'dpo',
  'mentor',
] as const satisfies readonly StageKind[];
export type TrainingStage = StageOf<(typeof TRAINING)[number]>;
/** What every training stage tells the optimiser, batcher and checkpointer. */
export type OptimizerOptions = Pick<TrainingStage, keyof typeof optimizerOptions>;

/** The kinds that measure several models. */
const MEASURING = ['eval', 'tool_eval', 'bfcl', 'acebench'] as const satisfies readonly StageKind[];
export type MeasuringStage = StageOf<(typeof MEASURING)[number]>;

/** Tells whether a kind of stage measures the models that it names by labels. */
export function measuresModels(kind: unknown): kind is MeasuringStage['kind'] {
  return MEASURING.some((one) => one === kind);
}

/** Tells whether a stage hands on a model, to be named by later stages. */
export function outputsModel(stage: Stage): stage is TrainingStage {
  return TRAINING.some((kind) => kind === stage.kind);
}

/** Options of a stage that stay while a server that answers for it moves: its answers stay what they are. */
export function lastingStage(stage: Stage): unknown {
  return stage.kind === 'rollout' && stage.teacher !== undefined
    ? { ...stage, teacher: lastingTeacher(stage.teacher) }
    : stage;
}
