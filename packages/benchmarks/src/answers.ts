/** Answers of a model to a benchmark's prompts, one each. */
import { UserError } from '../../../src/base/errors.ts';
import type { Prompt, SampleOptions, Sampler } from '../../../src/sampling/sampler.ts';

export interface BenchmarkAnswer {
  /** Index of the prompt that it answers. */
  readonly index: number;
  /** Thoughts included; undefined where the prompt alone fills the model's context, so that nothing was asked. */
  readonly text: string | undefined;
  /** Tokens that were written. */
  readonly tokens: number;
}

/** Asks prompts; answers come as they are ready. Throws a UserError for one that a server does not answer. */
export async function* answersTo(
  model: Sampler,
  prompts: readonly Prompt[],
  options: SampleOptions,
): AsyncGenerator<BenchmarkAnswer, void, undefined> {
  for await (const { index, samples, failure, isFull = false } of model.sample(prompts, options)) {
    const [sample] = samples;
    if (failure !== undefined && !isFull)
      throw new UserError(
        'NOT_ANSWERED',
        `${model.name} does not answer a prompt (${failure}); check its address and name, and re-run the same command to resume.`,
      );
    yield { index, text: isFull ? undefined : (sample?.text ?? ''), tokens: sample?.length ?? 0 };
  }
}
