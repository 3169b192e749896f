/** Teacher trajectories: a model solves an environment's training problems, and its right conversations are kept. */
import { join } from 'node:path';
import { z } from 'zod';
import { Speech } from '../environment/speech.ts';
import { Generator } from '../model/generate/generation.ts';
import { samplingOptions } from '../model/generate/sampler.ts';
import { promptLimit, toolPrompts } from '../train/prompts.ts';
import { runTrajectories } from '../train/trajectories.ts';
import { samplingOf } from './reinforcement.ts';
import { computeOptions, count, defineStage, lengthOptions, refersTo } from './stage.ts';
import { environmentOption, maxTurnsOption } from './tool-options.ts';

export const trajectories = defineStage({
  about: "a teacher's conversations with functions, of which the right ones are kept",
  options: {
    model: refersTo('model'),
    environment: environmentOption,
    problems: count.exactOptional().describe('use at most this many training problems'),
    n_samples_per_prompt: count.default(4),
    rollout_batch_size: count.default(64).describe('problems that are solved at once'),
    max_turns: maxTurnsOption,
    keep: count.default(1).describe('conversations a problem that are kept at most'),
    keep_wrong: z.boolean().default(false).describe('keep conversations without the right answer too'),
    ...samplingOptions,
    ...lengthOptions,
    ...computeOptions,
  },
  makes: 'trajectories',
  watch: ['accuracy', 'kept'],
  async *run(context, given) {
    using model = context.openModel(given.model, { trainable: false, dtype: given.compute_dtype });
    using environment = await context.openEnvironment(given.environment);
    const { host, manner } = environment;
    const speech = new Speech(model.tokenizer, model.template);
    const all = await environment.problems('train');
    const problems = toolPrompts(
      context.name,
      all.slice(0, given.problems),
      promptLimit(context.name, given, model.config),
      (question) => manner.prompt(speech, question, host),
    );
    using generator = new Generator(context.device, model.config, model.parameters);
    const folder = join(context.folder, 'trajectories');
    const complete = yield* runTrajectories({
      name: context.name,
      problems,
      host,
      manner,
      speech,
      generator,
      sampling: samplingOf(given),
      maxTurns: given.max_turns,
      batch: given.rollout_batch_size,
      keep: given.keep,
      keepWrong: given.keep_wrong,
      seed: context.seed,
      folder,
      signal: context.signal,
      now: context.now,
    });
    return complete ? { trajectories: folder } : undefined;
  },
});
