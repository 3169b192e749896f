/** Stages of reinforcement learning: their common options, and the models that they hold. */
import { policyGradient } from '../losses/all.ts';
import { samplingOptions } from '../model/generate/sampler.ts';
import { Scorer } from '../model/tree/scoring.ts';
import { Local } from '../sampling/local.ts';
import { grpoOptions, grpoStage, type Rollouts } from '../train/grpo.ts';
import type { SteppedStage } from '../train/loop.ts';
import type { OptionsOf, StageContext, StageProblem } from './stage.ts';
import { type Opening, trainingOptions } from './training.ts';

export const reinforcementOptions = {
  ...grpoOptions,
  ...samplingOptions,
  ...policyGradient.options,
  ...trainingOptions,
  lr: trainingOptions.lr.default(3e-7),
};
type Options = OptionsOf<typeof grpoOptions & typeof trainingOptions>;

export function* grpoProblems(options: Options): Iterable<StageProblem> {
  for (const key of ['reward_clip_range', 'dynamic_filtering_range'] as const) {
    const [low, high] = options[key];
    if (low >= high) yield [key, `is [${low}, ${high}] and must rise from the first number to the second.`];
  }
  const { train_batch_size: update, n_samples_per_prompt: samples, rollout_batch_size: prompts } = options;
  if (update % samples !== 0)
    yield [
      'train_batch_size',
      `is ${update} and must be a multiple of n_samples_per_prompt (${samples}), as a prompt's samples share a step.`,
    ];
  if (prompts * samples < update)
    yield [
      'train_batch_size',
      `is ${update}, more than a rollout batch draws (rollout_batch_size x n_samples_per_prompt = ${prompts * samples}).`,
    ];
}

export function openGrpo<P>(
  context: StageContext,
  options: Options & { readonly init_kl_coef: number },
  { model, trainer, held }: Opening,
  rollouts: (sampler: Local) => Rollouts<P>,
): SteppedStage {
  const { seed, device } = context;
  const { compute_dtype: dtype, init_kl_coef } = options;
  const policy = { ...model, weights: model.training ?? model.parameters, name: options.model };
  const sampler = held.add(new Local(device, policy));
  let reference: Scorer | undefined;
  if (init_kl_coef > 0) {
    // Weights that LoRA began from are still there; otherwise the stage's first model is loaded a second time.
    const before =
      model.training?.base ??
      held.add(context.openModel(options.model, { trainable: false, dtype })).parameters;
    reference = held.add(new Scorer(device, model.config, before));
  }
  return grpoStage({ seed, trainer: trainer(), reference, rollouts: rollouts(sampler), options });
}
