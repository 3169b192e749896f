/** Teacher trajectories: a model solves an environment's training problems, and its right conversations are kept. */
import { join } from 'node:path';
import { z } from 'zod';
import { Speech } from '../../packages/environments/src/speech.ts';
import { samplingOptions } from '../model/generate/sampler.ts';
import { toolPrompts } from '../train/prompts.ts';
import { samplingOf } from '../sampling/sampler.ts';
import { runTrajectories } from '../train/trajectories.ts';
import { computeOptions, count, defineStage, lengthOptions, toolOptions } from './stage.ts';
import { lastingOptions, openAnswering, teacherOptions, teacherProblems } from './teacher.ts';

export const trajectories = defineStage({
  about: "a teacher's conversations with functions, of which the right ones are kept",
  options: {
    ...teacherOptions,
    environment: toolOptions.environment,
    problems: count.exactOptional().describe('use at most this many training problems'),
    n_samples_per_prompt: count.default(4),
    rollout_batch_size: count.default(64).describe('problems that are solved at once'),
    max_turns: toolOptions.max_turns,
    keep: count.default(1).describe('conversations a problem that are kept at most'),
    keep_wrong: z.boolean().default(false).describe('keep conversations without the right answer too'),
    ...samplingOptions,
    ...lengthOptions,
    ...computeOptions,
  },
  makes: 'trajectories',
  watch: ['accuracy', 'kept'],
  lasting: lastingOptions,
  // A server that answers has weights of its own.
  needsWeights: ({ teacher }) => teacher === undefined,
  check: teacherProblems,
  async *run(context, given) {
    using answering = openAnswering(context, given);
    using environment = await context.openEnvironment(given.environment);
    const { host, rolloutMode } = environment;
    const speech = new Speech(answering.tokenizer, answering.template);
    const all = await environment.problems('train');
    const problems = toolPrompts(
      context.name,
      all.slice(0, given.problems),
      answering.maxPromptTokens,
      (question) => rolloutMode.prompt(speech, question, host),
    );
    const folder = join(context.folder, 'trajectories');
    yield* runTrajectories({
      ...given,
      ...context,
      ...answering,
      ...environment,
      folder,
      problems,
      speech,
      sampling: samplingOf(given),
    });
    return { trajectories: folder };
  },
});
