/** Supervised fine-tuning: cross-entropy on gold answers, a teacher's answers or conversations, or worked solutions. */
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../base/errors.ts';
import { assistantTurn, splitTurn } from '../chat/generation.ts';
import type { ExactMessage, Message } from '../chat/messages.ts';
import { type Dialogues, groupByTools, type ToolGroup } from '../data/dialogues.ts';
import type { TaskDialogue } from '../data/reading.ts';
import { crossEntropy } from '../losses/all.ts';
import { prefixRuns } from '../model/tree/shared-prefix.ts';
import { groupExample, joinExamples } from '../train/shared-prefix.ts';
import { rowsFrom, type TrainExample } from '../train/examples.ts';
import type { StoredPrompt } from '../train/rollout-store.ts';
import type { PendingExample } from '../train/supervised.ts';
import {
  answeredDialogues,
  epochOptions,
  GROUP_LIMIT,
  learnable,
  limitSamples,
  overEpochs,
  pending,
  rewarded,
  solutionGroups,
  storedPrompts,
  learnedTrajectories,
  thresholdOption,
  treeLimit,
} from './lessons.ts';
import {
  type Learner,
  type Lessons,
  type OptionsOf,
  refersTo,
  type StageContext,
  type StageProblem,
} from './stage.ts';
import { defineTraining, trainingOptions } from './training.ts';

const options = {
  ...trainingOptions,
  data: refersTo('train', 'rollouts', 'trajectories', 'environment')
    .default('train')
    .describe(
      '"train", the gold answers; the name of a rollout or trajectories stage; or an environment, for its worked solutions',
    ),
  thoughts: refersTo('rollouts')
    .exactOptional()
    .describe(
      'a rollout stage: the thought of its best answer to a prompt goes before the gold answer, and prompts without one are left out (SFT-think)',
    ),
  ...epochOptions,
  reward_threshold: thresholdOption(
    'leave out answers of a rollout stage with a lower reward; a right trajectory has 1',
  ),
  lr: trainingOptions.lr.default(5e-6),
};
type Options = OptionsOf<typeof options>;

/** Groups that are rendered before signals and the progress bar get their turn. */
const AT_ONCE = 16;

/** A dialogue whose right answer comes after this thought. */
function withThought(dialogue: TaskDialogue, reasoning: string): TaskDialogue {
  const thinking = <M extends Message | ExactMessage>(messages: readonly M[]): M[] =>
    messages.map((message, i) => (i === messages.length - 1 ? { ...message, reasoning } : message));
  const { messages, record } = dialogue;
  const own = record && { record: { ...record, messages: thinking(record.messages) } };
  return { ...dialogue, messages: thinking(messages), ...own };
}

/** The training dialogues with the thoughts of the rollout stage `data` in their right answers. */
function withThoughts(context: StageContext, given: Options, data: string, model: Learner): TaskDialogue[] {
  const { format } = model.template;
  const { reward_threshold: threshold = -Infinity } = given;
  const thought = ({ prompt, samples }: StoredPrompt): string | undefined =>
    samples
      .filter(({ reward }) => reward >= threshold)
      .toSorted((a, b) => b.reward - a.reward)
      .map(({ text }) => splitTurn(assistantTurn(prompt, text, format), format))
      .map((turn) => ('think' in turn ? turn.think.trim() : ''))
      .find((text) => text !== '');
  const thinking = answeredDialogues(context, { ...given, data }, model).flatMap(({ dialogue, stored }) => {
    const own = thought(stored);
    return own === undefined ? [] : [withThought(dialogue, own)];
  });
  if (thinking.length > 0) return thinking;
  throw new UserError(
    'NO_EXAMPLES',
    `Stage ${context.name} has nothing to learn from: no answer of ${data} that it may use has a thought; take a teacher that thinks (thinking: on), or lower reward_threshold.`,
  );
}

/** The gold answers of the training split. Throws the signal's reason when it fires. */
async function goldAnswers(context: StageContext, given: Options, model: Learner): Promise<Lessons> {
  const { thoughts } = given;
  const all: Dialogues<TaskDialogue> =
    thoughts === undefined ? context.dialogues('train') : withThoughts(context, given, thoughts, model);
  const dialogues = all.slice(0, given.max_samples);
  let tooLong = 0;
  const examples: PendingExample[] = [];
  const make = ({ start, count }: ToolGroup): TrainExample => {
    const group = Array.from(dialogues.slice(start, start + count));
    const { prompt, completions } = groupExample(group, model);
    // Tokens before the first that counts are the rest of the prompt.
    const fitting = completions.filter(({ rows }) => prompt.length + (rows[0] ?? 0) <= given.prompt_max_len);
    return { prompt, completions: fitting };
  };
  for (const [i, group] of groupByTools(dialogues, given.tree_size ?? GROUP_LIMIT).entries()) {
    if (i % AT_ONCE === 0) await setImmediate();
    context.signal.throwIfAborted();
    const example = pending(make(group));
    tooLong += group.count - example.sequences;
    // Of a file that is larger than memory may be, an example is made again when its turn comes.
    examples.push(dialogues.isLarge === true ? { ...example, make: () => make(group) } : example);
  }
  return learnable(context.name, examples, tooLong);
}

/** A teacher's answers without its probabilities: sequence-level distillation. */
function answers(context: StageContext, given: Options, model: Learner): Lessons {
  const { prompts, tooLong } = storedPrompts(context, given, model);
  const good = limitSamples(rewarded(context, prompts, given), given.max_samples);
  const exampleOf = ({ promptIds: prompt, samples }: StoredPrompt): TrainExample => ({
    prompt,
    completions: samples.map(({ tokens }) => ({ tokens, rows: rowsFrom(tokens), inputs: {} })),
  });
  const trees = prefixRuns(good, treeLimit(given)).map((alike) => joinExamples(alike.map(exampleOf)));
  return learnable(context.name, trees.map(pending), tooLong);
}

/** A teacher's conversations, each problem's as one tree; what functions returned does not count. */
function conversations(context: StageContext, given: Options, model: Learner): Lessons {
  const { reward_threshold: threshold = -Infinity } = given;
  const stored = learnedTrajectories(context, given.data, model)
    .map((one) => ({ ...one, samples: one.samples.filter(({ correct }) => Number(correct) >= threshold) }))
    .filter(({ samples }) => samples.length > 0);
  if (stored.length === 0)
    throw new UserError(
      'NO_EXAMPLES',
      `Stage ${context.name} has nothing to learn from: no conversation of ${given.data} is right (reward_threshold); train its model first, or draw more.`,
    );
  const fitting = stored.filter(({ prompt }) => prompt.length <= given.prompt_max_len);
  let left = given.max_samples ?? Infinity;
  const examples = fitting.flatMap(({ prompt, samples }) => {
    const used = samples.slice(0, left);
    left -= used.length;
    const completions = used.map(({ tokens, rows }) => ({ tokens, rows, inputs: {} }));
    return completions.length === 0 ? [] : [pending({ prompt, completions })];
  });
  return learnable(context.name, examples, stored.length - fitting.length);
}

async function solutions(context: StageContext, given: Options, model: Learner): Promise<Lessons> {
  const limits = { limit: given.max_samples, maxTokens: given.prompt_max_len };
  const { examples, tooLong } = await solutionGroups(context, given.data, model, limits);
  return learnable(context.name, examples.map(pending), tooLong);
}

const LESSONS = {
  train: goldAnswers,
  rollouts: answers,
  trajectories: conversations,
  environment: solutions,
} as const;

/** Lessons of a stage of SFT, whatever its data are. Throws UserErrors, and the signal's reason when it fires. */
export async function sftLessons(context: StageContext, given: Options, model: Learner): Promise<Lessons> {
  const { is } = context.referent(given.data);
  return LESSONS[is === 'model' ? 'train' : is](context, given, model);
}

/** Options that gold answers have no use for. */
export function* goldProblems({
  data,
  reward_threshold: threshold,
}: Pick<Options, 'data' | 'reward_threshold'>): Iterable<StageProblem> {
  if (data === 'train' && threshold !== undefined)
    yield [
      'reward_threshold',
      'is set, and gold answers have no reward; name a rollout stage as data or remove it.',
    ];
}

export const sft = defineTraining({
  about: "cross-entropy on gold answers, a teacher's answers or conversations, or worked solutions",
  options,
  watch: ['loss'],
  reads: ({ data }) => (data === 'train' ? 'train' : undefined),
  *check(given) {
    const { data, thoughts } = given;
    if (data !== 'train' && thoughts !== undefined)
      yield ['thoughts', `is set, and the answers of ${data} are no gold answers; remove thoughts or data.`];
    if (thoughts === undefined) yield* goldProblems(given);
  },
  loss: () => crossEntropy(),
  lessons: sftLessons,
  async open(context, given, { model, trainer }) {
    return overEpochs(context, given, { model, trainer }, await sftLessons(context, given, model));
  },
});
