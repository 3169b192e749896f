/** What supervised stages learn from: gold answers or a teacher's rollouts, as examples. */
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../base/errors.ts';
import { groupByTools, type ToolGroup } from '../data/dialogues.ts';
import { rowCount, type TrainExample } from '../train/examples.ts';
import { prefixRuns } from '../model/tree/shared-prefix.ts';
import { readRollouts, type StoredPrompt } from '../train/rollout-store.ts';
import { joinExamples } from '../train/shared-prefix.ts';
import { distillExample, limitSamples, maskedRows, sequenceExample } from '../stages/distill.ts';
import { groupExample } from '../stages/pretrain.ts';
import type { PendingExample } from '../train/supervised.ts';
import type { StageOf } from '../stages/schema.ts';
import { dialoguesOf, type OpenModel, rolloutFolder, type RunContext } from './context.ts';

/** Dialogues that share one tool set in a supervised tree. */
export const GROUP_LIMIT = 8;
/**
 * Sequences in a tree of prompts that begin alike: a tool set's questions, some of them with several answers. Not more than
 * an optimiser step has, as a tree is not divided.
 */
const TREE_LIMIT = 16;
export const treeLimit = ({
  train_batch_size: batch,
}: Pick<StageOf<'distill'>, 'train_batch_size'>): number => Math.min(TREE_LIMIT, batch);
/** Groups that are rendered before signals and the progress bar get their turn. */
const AT_ONCE = 16;

export interface LearningData {
  readonly examples: readonly PendingExample[];
  /** How those of a step go through the model; one tree each, if unset. */
  readonly arrange?: (examples: readonly TrainExample[]) => readonly TrainExample[];
  readonly warnings: readonly string[];
}

/** An example that is at hand. */
export function pending(example: TrainExample): PendingExample {
  return { sequences: example.completions.length, rows: rowCount(example), make: () => example };
}

/** Leaves out examples of which no token counts; throws when that leaves none. */
export function learnable(stage: string, examples: readonly PendingExample[], tooLong: number): LearningData {
  const usable = examples.filter(({ rows }) => rows > 0);
  if (usable.length === 0) {
    const why =
      tooLong > 0
        ? `all prompts are longer than prompt_max_len; raise it`
        : 'no token of its data counts; check its mask';
    throw new UserError('NO_EXAMPLES', `Stage ${stage} has nothing to learn from: ${why}.`);
  }
  const warnings = tooLong > 0 ? [`${tooLong} prompts are longer than prompt_max_len and are left out`] : [];
  return { examples: usable, warnings };
}

/** The gold answers of the training split. Throws the signal's reason when it fires. */
export async function goldData(
  run: RunContext,
  stage: StageOf<'sft'>,
  { tokenizer, template }: OpenModel,
): Promise<LearningData> {
  const dialogues = dialoguesOf(run, 'train').slice(0, stage.max_samples);
  let tooLong = 0;
  const examples: PendingExample[] = [];
  const make = ({ start, count }: ToolGroup): TrainExample => {
    const group = Array.from(dialogues.slice(start, start + count));
    const { prompt, completions } = groupExample(group, tokenizer, template);
    // What comes before the first token that counts is the rest of the prompt.
    const fitting = completions.filter(({ rows }) => prompt.length + (rows[0] ?? 0) <= stage.prompt_max_len);
    return { prompt, completions: fitting };
  };
  for (const [i, group] of groupByTools(dialogues, GROUP_LIMIT).entries()) {
    if (i % AT_ONCE === 0) await setImmediate();
    run.signal.throwIfAborted();
    const example = pending(make(group));
    tooLong += group.count - example.sequences;
    // Of a file that is larger than memory may be, an example is made again when its turn comes.
    examples.push(dialogues.isLarge === true ? { ...example, make: () => make(group) } : example);
  }
  return learnable(stage.name, examples, tooLong);
}

/** The prompts of the rollout stage that a stage learns from, without those that are too long for it. */
export function storedPrompts(
  run: RunContext,
  stage: Pick<StageOf<'sft' | 'distill' | 'dpo'>, 'data' | 'prompt_max_len'>,
  { config, tokenizer }: OpenModel,
): { prompts: readonly StoredPrompt[]; tooLong: number } {
  const student = { vocabulary: tokenizer.fingerprint(), vocabSize: config.vocabSize };
  const all = readRollouts(rolloutFolder(run, stage.data), student);
  const prompts = all.filter(({ promptIds }) => promptIds.length <= stage.prompt_max_len);
  return { prompts, tooLong: all.length - prompts.length };
}

/** The answers that earn a stage's reward_threshold; throws a UserError when none does. */
function rewarded(
  prompts: readonly StoredPrompt[],
  { name, data, reward_threshold: threshold = -Infinity }: StageOf<'sft' | 'distill'>,
): StoredPrompt[] {
  const good = prompts.flatMap((prompt) => {
    const samples = prompt.samples.filter(({ reward }) => reward >= threshold);
    return samples.length === 0 ? [] : [{ ...prompt, samples }];
  });
  if (good.length === 0 && prompts.length > 0) {
    throw new UserError(
      'NO_EXAMPLES',
      `Stage ${name} has nothing to learn from: no answer of ${data} earns ${threshold} (reward_threshold); lower it.`,
    );
  }
  return good;
}

/** A teacher's answers without its probabilities: sequence-level distillation. */
export function sequenceData(run: RunContext, stage: StageOf<'sft'>, model: OpenModel): LearningData {
  const { prompts, tooLong } = storedPrompts(run, stage, model);
  const good = rewarded(prompts, stage);
  return learnable(
    stage.name,
    prefixRuns(limitSamples(good, stage.max_samples), treeLimit(stage)).map((alike) =>
      pending(joinExamples(alike.map(sequenceExample))),
    ),
    tooLong,
  );
}

/** A teacher's answers with its probabilities, which stay on disk until they are needed. */
export function distillData(run: RunContext, stage: StageOf<'distill'>, model: OpenModel): LearningData {
  const { prompts: all, tooLong } = storedPrompts(run, stage, model);
  const prompts = limitSamples(rewarded(all, stage), stage.max_samples);
  const thinkEndId = model.tokenizer.idOf('</think>');
  const mask = stage.ref_mask_type;
  const head = stage.kd_kl_type === 'akl';
  const options = { topK: stage.kd_topk, mask, thinkEndId, head };
  const examples = prefixRuns(prompts, treeLimit(stage)).map((alike): PendingExample => {
    const samples = alike.flatMap((prompt) => prompt.samples);
    const rows = samples.map(({ tokens }) => maskedRows(tokens, mask, thinkEndId).length);
    return {
      sequences: samples.length,
      rows: rows.reduce((a, b) => a + b, 0),
      make: () => joinExamples(alike.map((prompt) => distillExample(prompt, options))),
    };
  });
  return learnable(stage.name, examples, tooLong);
}
