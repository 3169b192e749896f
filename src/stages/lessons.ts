/** Lessons of supervised stages, as examples: gold answers, answers, conversations, worked solutions. */
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { TaskDialogue } from '../data/reading.ts';
import { renderDialogue } from '../data/render.ts';
import { Speech } from '../../packages/environments/src/speech.ts';
import type { SteppedStage } from '../train/loop.ts';
import { rowCount, type TrainExample } from '../train/examples.ts';
import { readRollouts, type StoredPrompt } from '../train/rollout-store.ts';
import {
  epochSource,
  type ExampleSource,
  type PendingExample,
  supervisedStage,
} from '../train/supervised.ts';
import { joinExamples } from '../train/shared-prefix.ts';
import { checkRoles, roleCounts } from '../train/trained-roles.ts';
import { readTrajectories } from '../train/trajectory-store.ts';
import { rowsOf } from '../train/trajectories.ts';
import { count, type Learner, type Lessons, type StageContext } from './stage.ts';
import type { Opening, TrainingOptions } from './training.ts';

/** Options of stages that pass over what there is to learn several times. */
export const epochOptions = {
  max_epochs: count.default(1),
  max_samples: count.exactOptional().describe('use at most this many sequences'),
};

/** An option that leaves out answers which earn too little. */
export const thresholdOption = (what: string) => z.number().min(-1).max(1).exactOptional().describe(what);

/** Dialogues that share one tool set in a supervised tree, unless an option says more. */
export const GROUP_LIMIT = 8;
/**
 * Sequences in a tree of prompts that begin alike: a tool set's questions, some of them with several answers. Not more than
 * an optimiser step has, as a tree is not divided.
 */
const TREE_LIMIT = 16;
export const treeLimit = ({
  train_batch_size: batch,
  tree_size: limit = TREE_LIMIT,
}: Pick<TrainingOptions, 'train_batch_size' | 'tree_size'>): number => Math.min(limit, batch);

export function pending(example: TrainExample): PendingExample {
  return { sequences: example.completions.length, rows: rowCount(example), make: () => example };
}

export const leftOut = (tooLong: number, what = 'prompts'): string[] =>
  tooLong > 0 ? [`${tooLong} ${what} are longer than prompt_max_len and are left out`] : [];

/** Leaves out examples of which no token counts; throws when that leaves none. */
export function learnable(stage: string, examples: readonly PendingExample[], tooLong: number): Lessons {
  const usable = examples.filter(({ rows }) => rows > 0);
  if (usable.length === 0) {
    const why =
      tooLong > 0
        ? `all prompts are longer than prompt_max_len; raise it`
        : 'no token of its data counts; check its mask';
    throw new UserError('NO_EXAMPLES', `Stage ${stage} has nothing to learn from: ${why}.`);
  }
  return { examples: usable, warnings: leftOut(tooLong) };
}

/** The prompts of the rollout stage `data` as the student reads them, without those that are too long. */
export function storedPrompts(
  context: StageContext,
  { data, prompt_max_len: most }: { readonly data: string; readonly prompt_max_len: number },
  model: Learner,
): { prompts: readonly StoredPrompt[]; tooLong: number } {
  const { config, tokenizer, template } = model;
  const student = { vocabulary: tokenizer.fingerprint(), vocabSize: config.vocabSize };
  const stored = readRollouts(context.referent(data).folder, student);
  const all = template.promptTools === 'all' ? stored : withOwnPrompts(context, data, stored, model);
  const prompts = all.filter(({ promptIds }) => promptIds.length <= most);
  return { prompts, tooLong: all.length - prompts.length };
}

const otherPrompts = ({ name }: StageContext, data: string): UserError =>
  new UserError(
    'ROLLOUTS',
    `Stage ${name}: the prompts of ${data} are not those of the training dialogues; make the rollouts anew, of the same data and with the same chat template.`,
  );

/** A teacher's answers behind the prompts that a student reads which is shown less of the functions. Throws a UserError. */
function withOwnPrompts(
  context: StageContext,
  data: string,
  stored: readonly StoredPrompt[],
  { tokenizer, template }: Learner,
): StoredPrompt[] {
  const ids = new Set(stored.map(({ id }) => id));
  const dialogues = new Map<string, TaskDialogue>();
  for (const one of context.dialogues('train')) if (ids.has(one.id)) dialogues.set(one.id, one);
  return stored.map((one) => {
    const dialogue = dialogues.get(one.id);
    const asked = dialogue?.messages.findLast(({ role }) => role === 'user')?.content ?? '';
    if (dialogue === undefined || !one.prompt.includes(asked)) throw otherPrompts(context, data);
    const { prompt, promptIds } = renderDialogue(dialogue, tokenizer, template, false);
    return { ...one, prompt, promptIds };
  });
}

/** A training dialogue, and the stored answers to its prompt. */
export interface AnsweredDialogue {
  readonly dialogue: TaskDialogue;
  readonly stored: StoredPrompt;
}

/**
 * The training dialogues to whose prompts the rollout stage `data` has answers, in their order. Throws a UserError where
 * there is none, as the prompts were other texts.
 */
export function answeredDialogues(
  context: StageContext,
  given: { readonly data: string; readonly prompt_max_len: number },
  model: Learner,
): AnsweredDialogue[] {
  const { prompts } = storedPrompts(context, given, model);
  const stored = new Map(prompts.map((prompt) => [prompt.prompt, prompt]));
  const ids = new Set(prompts.map(({ id }) => id));
  const answered: AnsweredDialogue[] = [];
  for (const dialogue of context.dialogues('train')) {
    if (!ids.has(dialogue.id)) continue;
    const found = stored.get(renderDialogue(dialogue, model.tokenizer, model.template, false).prompt);
    if (found !== undefined) answered.push({ dialogue, stored: found });
  }
  if (answered.length > 0) return answered;
  throw otherPrompts(context, given.data);
}

export const storedTrajectories = (context: StageContext, data: string, { tokenizer }: Learner) =>
  readTrajectories(context.referent(data).folder, tokenizer.fingerprint());

/**
 * Conversations that are learned from behind the prompts that they were drawn behind. Throws a UserError for a student
 * whose prompts show less of the functions.
 */
export function learnedTrajectories(context: StageContext, data: string, model: Learner) {
  const { promptTools: shown } = model.template;
  if (shown === 'all') return storedTrajectories(context, data, model);
  throw new UserError(
    'CHAT_TEMPLATE',
    `Stage ${context.name} learns from the conversations of ${data} with the prompts that they have, and its model's show ${shown} of the functions (prompt_tools); take a model that is shown all of them.`,
  );
}

/** The answers that earn a stage's reward_threshold; throws a UserError when none does. */
export function rewarded(
  { name }: StageContext,
  prompts: readonly StoredPrompt[],
  options: { readonly data: string; readonly reward_threshold?: number },
): StoredPrompt[] {
  const { data, reward_threshold: threshold = -Infinity } = options;
  const good = prompts.flatMap((prompt) => {
    const samples = prompt.samples.filter(({ reward }) => reward >= threshold);
    return samples.length === 0 ? [] : [{ ...prompt, samples }];
  });
  if (good.length === 0 && prompts.length > 0)
    throw new UserError(
      'NO_EXAMPLES',
      `Stage ${name} has nothing to learn from: no answer of ${data} earns ${threshold} (reward_threshold); lower it.`,
    );
  return good;
}

/** Prompts in order until `limit` answers are used. */
export function limitSamples(prompts: readonly StoredPrompt[], limit = Infinity): readonly StoredPrompt[] {
  let used = 0;
  return prompts.filter(({ samples }) => {
    const fits = used < limit;
    used += samples.length;
    return fits;
  });
}

/** A stage that passes over its lessons `max_epochs` times. */
export function overEpochs(
  context: StageContext,
  options: TrainingOptions & { readonly max_epochs: number },
  { model, trainer }: Pick<Opening, 'model' | 'trainer'>,
  { examples: all, arrange = (step) => step, ...more }: Lessons,
  onDevice = false,
): SteppedStage {
  const { examples: source, total } = epochSource(all, options, context.seed);
  const check = (first: readonly TrainExample[]): string =>
    checkRoles(context.name, roleCounts(first, model));
  const examples: ExampleSource = async (...step) => arrange(await source(...step), ...step);
  return supervisedStage({ trainer: trainer(), check, options, examples, total, onDevice, ...more });
}

/** Groups of worked solutions of an environment's training problems. Throws the signal's reason when it fires. */
export async function solutionGroups(
  context: StageContext,
  name: string,
  { tokenizer, template }: Learner,
  { limit, maxTokens }: { readonly limit?: number | undefined; readonly maxTokens: number },
): Promise<{ readonly examples: readonly TrainExample[]; readonly tooLong: number }> {
  using environment = await context.openEnvironment(name);
  const { host, rolloutMode } = environment;
  const speech = new Speech(tokenizer, template);
  const problems = (await environment.problems('train')).slice(0, limit);
  const examples: TrainExample[] = [];
  let tooLong = 0;
  for (let start = 0; start < problems.length; start += GROUP_LIMIT) {
    context.signal.throwIfAborted();
    const solved: TrainExample[] = [];
    for (const problem of problems.slice(start, start + GROUP_LIMIT)) {
      const { ids: prompt } = rolloutMode.prompt(speech, problem.question, host);
      if (prompt.length > maxTokens) {
        tooLong += 1;
        continue;
      }
      const { tokens, drawn } = await rolloutMode.worked(problem, host, speech);
      solved.push({ prompt, completions: [{ tokens, rows: rowsOf({ drawn }), inputs: {} }] });
    }
    // At least one token of each prompt is left over.
    const most = Math.min(...solved.map(({ prompt }) => prompt.length - 1));
    if (solved.length > 0) examples.push(joinExamples(solved, most));
  }
  return { examples, tooLong };
}
