/** The stage of rollouts: answers of a model of the recipe or of a server, or answers that were drawn before. */
import { join } from 'node:path';
import { z } from 'zod';
import { writeFolderAtomic } from '../base/files.ts';
import { contentsOf, filesIn } from '../base/identity.ts';
import type { Dialogue } from '../chat/messages.ts';
import { type Dialogues, groupByTools } from '../data/dialogues.ts';
import { samplingOptions } from '../model/generate/sampler.ts';
import { simrl } from '../rewards/simrl.ts';
import { samplingOf } from '../sampling/sampler.ts';
import { Teacher } from '../sampling/teacher.ts';
import { STORE_FILE } from '../topk/format.ts';
import { checkVocabulary, TopKFile } from '../topk/reader.ts';
import type { RunEvent } from '../train/events.ts';
import { scoredPrompts } from '../train/prompts.ts';
import { copyRollouts, findRollouts } from '../train/rollout-store.ts';
import { runRollouts } from '../train/rollouts.ts';
import { epochOrder, groupedOrder } from '../train/supervised.ts';
import { GROUP_LIMIT, thresholdOption } from './lessons.ts';
import {
  computeOptions,
  count,
  defineStage,
  lengthOptions,
  type OptionsOf,
  type Outputs,
  pathTo,
  type StageContext,
} from './stage.ts';
import { lastingOptions, openAnswering, teacherOptions, teacherProblems } from './teacher.ts';

const options = {
  ...teacherOptions,
  from: pathTo('folder')
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
  reward_threshold: thresholdOption('drop answers with a lower Sim-RL reward'),
};
type Options = OptionsOf<typeof options>;

function orderOf({ seed }: StageContext, given: Options, dialogues: Dialogues<Dialogue>) {
  if (!given.by_tools) return epochOrder(dialogues.length, seed);
  const sizes = groupByTools(dialogues, GROUP_LIMIT).map(({ count }) => count);
  return groupedOrder(sizes, seed);
}

async function* draw(context: StageContext, given: Options): AsyncGenerator<RunEvent, Outputs> {
  using answering = openAnswering(context, given);
  const { sampler, vocabSize, maxPromptTokens: maxTokens } = answering;
  const { name: stage, seed } = context;
  const dialogues = context.dialogues('train');
  const prompts = scoredPrompts({ ...answering, stage, dialogues, reward: simrl, maxTokens });
  const folder = join(context.folder, 'rollouts');
  const kd_topk = Math.min(given.kd_topk, vocabSize);
  yield* runRollouts({
    ...given,
    ...context,
    ...answering,
    folder,
    prompts,
    order: orderOf(context, given, dialogues),
    count: Math.min(given.prompts ?? prompts.length, prompts.length),
    teacher: new Teacher(sampler, { ...samplingOf(given), kd_topk, seed }),
  });
  return { rollouts: folder };
}

/** Takes over rollouts that were drawn before: copied, so that the run has all that it was made of. */
async function* takeOver(
  context: StageContext,
  given: Options,
  from: string,
): AsyncGenerator<RunEvent, Outputs> {
  yield { type: 'stage', stage: context.name, kind: context.kind, total: 1, done: 0 };
  const source = findRollouts(from);
  const { path, header } = new TopKFile(join(source, STORE_FILE));
  checkVocabulary(path, header, context.speaking(given.model).tokenizer.fingerprint());
  const folder = join(context.folder, 'rollouts');
  writeFolderAtomic(folder, (temporary) => copyRollouts(source, temporary));
  return { rollouts: folder };
}

export const rollout = defineStage({
  about: "answers of a model or a server to training prompts, with the teacher's top-k log-probabilities",
  options,
  makes: 'rollouts',
  watch: ['reward', 'kept', 'valid'],
  reads: ({ from }) => (from === undefined ? 'train' : undefined),
  contents: (path) => {
    const folder = findRollouts(path);
    return contentsOf(folder, filesIn(folder));
  },
  lasting: lastingOptions,
  // A server that answers has weights of its own.
  needsWeights: ({ teacher, from }) => teacher === undefined && from === undefined,
  *check(given) {
    const { from, teacher } = given;
    if (from !== undefined && teacher !== undefined)
      yield [
        'teacher',
        `stands beside from, which takes over rollouts from ${from}; remove teacher or from.`,
      ];
    yield* teacherProblems(given);
  },
  run(context, given) {
    return given.from === undefined ? draw(context, given) : takeOver(context, given, given.from);
  },
});
