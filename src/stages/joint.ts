/**
 * CKD and Sim-RL in one objective: each optimiser step learns from as many stored answers of a teacher as it does from
 * answers that the student has drawn, and adds distillation on the former, times kd_kl_coef, to GRPO on the latter
 * (the off-policy term of STAR's trainer). Their prompts have nothing to do with each other.
 */
import { joint as jointLoss } from '../losses/all.ts';
import { rowCount, type TrainExample } from '../train/examples.ts';
import type { ScoredPrompt } from '../train/prompts.ts';
import { epochSource } from '../train/supervised.ts';
import { distillLessons, distillOptions, distillProblems } from './distill.ts';
import { grpoProblems, openGrpo } from './reinforcement.ts';
import { scoredRollouts, simrl } from './simrl.ts';
import { defineTraining } from './training.ts';

/** Updates of a batch are not stopped between: what they learn from is not, either. */
const UNSTOPPED = AbortSignal.any([]);

const rowsIn = (examples: readonly TrainExample[]): number =>
  examples.reduce((n, example) => n + rowCount(example), 0);

/** Examples with one more input, which is the same number in each of their rows. */
const withInput = (examples: readonly TrainExample[], name: string, value: number): TrainExample[] =>
  examples.map((example) => ({
    ...example,
    completions: example.completions.map((one) => ({
      ...one,
      inputs: { ...one.inputs, [name]: new Float32Array(one.rows.length).fill(value) },
    })),
  }));

/** Drawn and taught examples of a step as the loss wants them: each kind's tokens weigh as much in all. */
export function together(drawn: readonly TrainExample[], taught: readonly TrainExample[]): TrainExample[] {
  const [own, others] = [rowsIn(drawn), rowsIn(taught)];
  return [
    ...withInput(drawn, 'policy_share', (own + others) / own),
    ...withInput(taught, 'kd_share', (own + others) / others),
  ];
}

export const joint = defineTraining({
  about: "Sim-RL with distillation of a teacher's stored answers in the same steps",
  options: { ...simrl.options, ...distillOptions, ...jointLoss.options },
  watch: ['reward', 'loss'],
  reads: () => 'train',
  *check(given, neighbours) {
    yield* grpoProblems(given);
    yield* distillProblems(given, neighbours);
  },
  loss: jointLoss,
  async open(context, given, opening) {
    const { examples: lessons } = distillLessons(context, given, opening.model);
    const { examples } = epochSource(lessons, { ...given, max_epochs: 1 }, context.seed);
    const rollouts = await scoredRollouts(context, given, opening.model);
    return openGrpo<ScoredPrompt>(context, given, opening, (sampler) => ({
      ...rollouts(sampler),
      arrange: async (drawn, step) => together(drawn, await examples(step, UNSTOPPED)),
    }));
  },
});
