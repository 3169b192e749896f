/**
 * Off-policy distillation of a rollout stage's sequences and stored teacher distributions: FKL, RKL, AKL, their
 * skewed forms, CKD. Each prompt with its kept answers is one tree.
 */
import { thoughtLength } from '../chat/thought.ts';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { TokenIds } from '../base/token-ids.ts';
import { distillation } from '../losses/all.ts';
import { adaptiveHead } from '../losses/distillation.ts';
import { prefixRuns } from '../model/tree/shared-prefix.ts';
import { hasDistribution, pickedRows } from '../topk/format.ts';
import { rowsFrom, type TrainCompletion, type TrainExample } from '../train/examples.ts';
import type { StoredPrompt, StoredSample } from '../train/rollout-store.ts';
import { joinExamples } from '../train/shared-prefix.ts';
import type { PendingExample } from '../train/supervised.ts';
import {
  epochOptions,
  learnable,
  limitSamples,
  overEpochs,
  rewarded,
  storedPrompts,
  thresholdOption,
  treeLimit,
} from './lessons.ts';
import {
  type Learner,
  type Lessons,
  type Neighbours,
  type OptionsOf,
  refersTo,
  type StageContext,
  type StageProblem,
} from './stage.ts';
import { defineTraining, trainingOptions } from './training.ts';

const MASKS = ['all', 'think', 'answer'] as const;

/** Options of what is learned from a teacher's stored answers. */
export const distillOptions = {
  data: refersTo('rollouts').describe('the name of a rollout stage'),
  ...distillation.options,
  ref_mask_type: z.enum(MASKS).default('all').describe('which target tokens count'),
  reward_threshold: thresholdOption('leave out answers with a lower reward'),
  max_samples: epochOptions.max_samples,
};

const options = {
  ...trainingOptions,
  ...distillOptions,
  ...epochOptions,
  lr: trainingOptions.lr.default(3e-6),
  weight_decay: trainingOptions.weight_decay.default(1e-4),
};
type Options = OptionsOf<typeof trainingOptions & typeof distillOptions>;

/** Indices of the tokens that count: all, up to and including the end of the thought, or what follows it. */
function maskedRows(
  tokens: TokenIds,
  { ref_mask_type: mask, thoughtOf }: Pick<DistillRows, 'ref_mask_type' | 'thoughtOf'>,
): number[] {
  const all = rowsFrom(tokens);
  if (mask === 'all') return all;
  const length = thoughtOf(tokens);
  return all.filter((i) => (mask === 'think') === i < length);
}

export interface DistillRows extends Pick<Options, 'kd_topk' | 'kd_kl_type' | 'ref_mask_type'> {
  /** Number of leading tokens of an answer that are its thought. */
  readonly thoughtOf: (tokens: TokenIds) => number;
}

/** Says that `wanted` log-probabilities a token are more than the `stored` of `where`; the one place where that is decided. */
function topKFault(wanted: number, stored: number, where: string): string | undefined {
  if (wanted <= stored) return undefined;
  return `is ${wanted}, and ${where} stores only kd_topk ${stored}; lower the one or raise the other.`;
}

function completionOf(sample: StoredSample, given: DistillRows): TrainCompletion {
  const { kd_topk: k, kd_kl_type } = given;
  const stored = sample.topK;
  const top = sample.readTop();
  // A server may leave out a token's distribution; such a token does not count.
  const rows = maskedRows(sample.tokens, given).filter((row) => hasDistribution(top, stored, row));
  const { ids, logprobs } = pickedRows(top, stored, rows, k);
  const inputs: Record<string, Float32Array | Int32Array> = {
    teacher_ids: ids,
    teacher_logprobs: logprobs,
  };
  if (kd_kl_type === 'akl') {
    const head = new Float32Array(logprobs.length);
    for (let i = 0; i < head.length; i += k) head.set(adaptiveHead(logprobs.subarray(i, i + k)), i);
    inputs['teacher_head'] = head;
  }
  return { tokens: sample.tokens, rows, inputs };
}

/** A stored prompt as a training example. */
export function distillExample(prompt: StoredPrompt, given: DistillRows): TrainExample {
  return {
    prompt: prompt.promptIds,
    completions: prompt.samples.map((sample) => completionOf(sample, given)),
  };
}

/** A teacher's answers with its probabilities, which stay on disk until they are needed. */
export function distillLessons(context: StageContext, given: Options, model: Learner): Lessons {
  const { prompts: all, tooLong } = storedPrompts(context, given, model);
  const prompts = limitSamples(rewarded(context, all, given), given.max_samples);
  const stored = Math.min(...prompts.flatMap(({ samples }) => samples.map(({ topK }) => topK)));
  if (stored === 0)
    throw new UserError(
      'TOP_K',
      'The rollouts hold no log-probabilities, as their teacher gives none; train on them with a stage of kind sft.',
    );
  const fault = topKFault(given.kd_topk, stored, given.data);
  if (fault !== undefined) throw new UserError('TOP_K', `stages.${context.name}.kd_topk ${fault}`);
  const { tokenizer, template } = model;
  const rowsOf = {
    ...given,
    thoughtOf: (tokens: TokenIds) => thoughtLength(tokens, tokenizer, template.format),
  };
  const examples = prefixRuns(prompts, treeLimit(given)).map((alike): PendingExample => {
    const samples = alike.flatMap((prompt) => prompt.samples);
    const rows = samples.map(({ tokens }) => maskedRows(tokens, rowsOf).length);
    return {
      sequences: samples.length,
      rows: rows.reduce((a, b) => a + b, 0),
      make: () => joinExamples(alike.map((prompt) => distillExample(prompt, rowsOf))),
    };
  });
  return learnable(context.name, examples, tooLong);
}

/** Rollouts that do not have the log-probabilities which are to be learned from. */
export function* distillProblems(
  { data, kd_topk }: Pick<Options, 'data' | 'kd_topk'>,
  { stage }: Neighbours,
): Iterable<StageProblem> {
  const rollout = stage(data);
  const stored = rollout?.['kd_topk'];
  const fault = typeof stored === 'number' ? topKFault(kd_topk, stored, data) : undefined;
  if (fault !== undefined) yield ['kd_topk', fault];
  const teacher = rollout?.['teacher'];
  if (typeof teacher === 'object' && teacher !== null && 'kind' in teacher && teacher.kind === 'openai')
    yield [
      'data',
      `is ${data}, whose teacher of kind openai gives no log-probabilities; train on it with a stage of kind sft.`,
    ];
}

export const distill = defineTraining({
  about: "distillation of a teacher's stored answers and distributions: FKL, RKL, AKL, skewed ones, CKD",
  options,
  watch: ['loss'],
  check: distillProblems,
  loss: distillation,
  lessons: distillLessons,
  open: (context, given, { model, trainer }) =>
    overEpochs(context, given, { model, trainer }, distillLessons(context, given, model)),
});
