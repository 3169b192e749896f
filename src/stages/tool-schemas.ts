/**
 * The stages in which models call functions of an environment: a teacher's trajectories, MENTOR's reinforcement
 * learning, evaluation. Names and defaults of `mentor` are those of MENTOR's scripts and its verl configuration.
 */
import { z } from 'zod';
import { MENTOR_VARIANTS } from '../rewards/mentor.ts';
import {
  common,
  computeOptions,
  count,
  fraction,
  grpoOptions,
  lengthOptions,
  nameSchema,
  reference,
  samplingOptions,
  seed,
} from './options.ts';

const splitOptions = {
  seed: seed.default(7),
  train: count.default(2000).describe('problems to learn from'),
  test: count.default(200).describe('unseen problems of the same domain'),
  transfer: count.default(200).describe('problems of another domain'),
  manner: z
    .enum(['conversation', 'agent'])
    .default('conversation')
    .describe('answer in a conversation, or walk step by step: one call a step, then stop'),
  max_tries: count.default(10).describe('agent: how often a step that fails may be written'),
};

const shipped = <const Name extends string>(name: Name, words: string) =>
  z.strictObject({ source: z.literal(name).describe(words), ...splitOptions });

/** Where models call functions: one that comes along, or a module of the user's. */
export const environmentSchema = z.discriminatedUnion('source', [
  shipped('arithmetic', 'word problems with twelve arithmetic functions'),
  shipped('logic', 'puzzles of first-order logic, solved by steps that are checked'),
  z.strictObject({
    source: z.literal('module').describe('a module whose default export is an environment'),
    path: z.string().min(1).describe('file of the module, relative to the recipe'),
    trusted: z.boolean().default(false).describe('run it in this process, not in a worker with limits'),
    time_limit: z.number().positive().max(600).default(2).describe('seconds that a call may take'),
    memory_limit: count.default(128).describe("megabytes of the worker's heap"),
    result_limit: count.default(1000).describe('characters of a result; longer ones are cut'),
    ...splitOptions,
  }),
]);

const environment = nameSchema.describe("the name of one of the recipe's environments");
const maxTurns = count.default(5).describe('turns of the assistant in a conversation');

/** A teacher solves an environment's training problems; its right conversations are kept. */
export const trajectoriesSchema = z.strictObject({
  ...common,
  kind: z.literal('trajectories'),
  model: reference,
  environment,
  problems: count.exactOptional().describe('use at most this many training problems'),
  n_samples_per_prompt: count.default(4),
  rollout_batch_size: count.default(64).describe('problems that are solved at once'),
  max_turns: maxTurns,
  keep: count.default(1).describe('conversations a problem that are kept at most'),
  keep_wrong: z.boolean().default(false).describe('keep conversations without the right answer too'),
  ...samplingOptions,
  ...lengthOptions,
  ...computeOptions,
});

/** GRPO on conversations with functions, with MENTOR's composite reward or one of its variants. */
export const mentorSchema = z.strictObject({
  ...common,
  kind: z.literal('mentor'),
  model: reference,
  environment,
  data: reference
    .exactOptional()
    .describe(
      'the trajectories stage with the reference trajectories; its problems are the ones learned from',
    ),
  reward: z.enum(MENTOR_VARIANTS).default('mentor'),
  argument_weight: fraction
    .default(0)
    .describe("share of the tool match that is Sim-RL's similarity of the calls, arguments included"),
  max_turns: maxTurns,
  ...grpoOptions,
  num_episodes: count.default(2).describe('passes over the problems'),
  rollout_batch_size: count.default(32).describe('problems a rollout batch'),
  n_samples_per_prompt: count.min(2).default(10),
  train_batch_size: count.default(80).describe('conversations an optimiser step'),
  temperature: samplingOptions.temperature.default(0.6),
  top_k: samplingOptions.top_k.default(20),
  top_p: samplingOptions.top_p.default(0.99),
  kl_estimator: z.enum(['k1', 'k2', 'k3']).default('k3'),
  entropy_coef: grpoOptions.entropy_coef.default(1e-3),
  dynamic_filtering: grpoOptions.dynamic_filtering.default(false),
  lr: grpoOptions.lr.default(1e-6),
  lr_scheduler: grpoOptions.lr_scheduler.default('constant'),
  warmup_ratio: grpoOptions.warmup_ratio.default(0),
  prompt_max_len: lengthOptions.prompt_max_len.default(1536),
  generate_max_len: lengthOptions.generate_max_len
    .default(8192)
    .describe('tokens of a conversation after its prompt, results included'),
});

/** Accuracy in the domain and on transfer, and the use of tools, of several models. */
export const toolEvalSchema = z.strictObject({
  ...common,
  kind: z.literal('tool_eval'),
  environment,
  models: z.record(z.string().min(1), reference).describe('label in the table: model or stage'),
  teacher: z
    .string()
    .min(1)
    .exactOptional()
    .describe("the label whose use of tools the others' is compared with"),
  limit: count.exactOptional().describe('use at most this many problems of each split'),
  temperature: z.number().min(0).default(0).describe('0 takes the likeliest token'),
  max_turns: maxTurns,
  rollout_batch_size: count.default(64).describe('problems that are solved at once'),
  ...lengthOptions,
  ...computeOptions,
});
