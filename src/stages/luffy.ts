/**
 * LUFFY (arXiv 2504.14945): GRPO in whose groups some answers are a teacher's, stored by a rollout stage. Prompts are
 * those with enough stored answers, of which the ones that earn most are taken; others are left out. Advantages are over
 * the whole group. An answer's policy loss is the sum over its tokens by generate_max_len, and a step's the mean over
 * its answers, so that the length of an answer does not weigh its tokens.
 */
import { UserError } from '../base/errors.ts';
import { luffy as luffyLoss } from '../losses/all.ts';
import { samplingOptions } from '../model/generate/sampler.ts';
import { rowCount, type TrainCompletion, type TrainExample } from '../train/examples.ts';
import { grpoOptions, type GroupSample } from '../train/grpo.ts';
import type { ScoredPrompt } from '../train/prompts.ts';
import type { StoredPrompt, StoredSample } from '../train/rollout-store.ts';
import { answeredDialogues } from './lessons.ts';
import { grpoProblems, openGrpo } from './reinforcement.ts';
import { scoredRollouts, scoredSample } from './simrl.ts';
import { answerRewardOption, count, refersTo } from './stage.ts';
import { defineTraining, trainingOptions } from './training.ts';

const options = {
  ...grpoOptions,
  advantage_estimator: grpoOptions.advantage_estimator.default('dr_grpo'),
  dynamic_filtering: grpoOptions.dynamic_filtering.default(false),
  ...samplingOptions,
  ...luffyLoss.options,
  ...trainingOptions,
  lr: trainingOptions.lr.default(1e-6),
  data: refersTo('rollouts').describe('the name of a rollout stage, whose answers take part'),
  n_off_policy: count.default(1).describe("answers of n_samples_per_prompt that are the teacher's"),
  reward: answerRewardOption,
};

/** Stored answers that are not too long. */
const fitting = ({ samples }: StoredPrompt, longest: number): readonly StoredSample[] =>
  samples.filter(({ tokens }) => tokens.length <= longest);

/** Stored answers as members of their prompt's group, the best first. */
const teachers = (prompt: ScoredPrompt, stored: readonly StoredSample[]): readonly GroupSample[] =>
  stored
    .map((sample) => ({
      ...scoredSample(prompt, sample),
      logprobs: new Float32Array(sample.tokens.length),
      truncated: false,
      offPolicy: true as const,
    }))
    .toSorted((a, b) => b.reward - a.reward);

const isOffPolicy = ({ inputs }: TrainCompletion): boolean => 'off_policy' in inputs;

/** Examples of a step whose mean over tokens is, of the policy loss, what the stage says; see the loss's `off_policy`. */
export function byLength(drawn: readonly TrainExample[], length: number): TrainExample[] {
  const all = drawn.flatMap(({ completions }) => completions);
  const rows = drawn.reduce((n, example) => n + rowCount(example), 0);
  const taught = all.filter(isOffPolicy).reduce((n, own) => n + own.rows.length, 0);
  const scaled = ({ inputs, ...rest }: TrainCompletion): TrainCompletion => {
    const times = (name: string, factor: number) => ({
      [name]: Float32Array.from(inputs[name] ?? [], (value) => value * factor),
    });
    return {
      ...rest,
      inputs: {
        ...inputs,
        ...times('advantages', rows / (all.length * length)),
        ...('off_policy' in inputs ? times('off_policy', rows / taught) : {}),
      },
    };
  };
  return drawn.map((one) => ({ ...one, completions: one.completions.map(scaled) }));
}

export const luffy = defineTraining({
  about: "GRPO in whose groups some answers are a teacher's, with their probability shaped (LUFFY)",
  options,
  watch: ['reward', 'loss'],
  reads: () => 'train',
  *check(given) {
    yield* grpoProblems(given);
    const { n_off_policy: taught, n_samples_per_prompt: all } = given;
    if (taught >= all)
      yield ['n_off_policy', `is ${taught} and must be less than n_samples_per_prompt (${all}).`];
  },
  loss: luffyLoss,
  async open(context, given, opening) {
    const { n_off_policy: taught, n_samples_per_prompt: all, generate_max_len: longest } = given;
    const answered = answeredDialogues(context, given, opening.model).filter(
      ({ stored }) => fitting(stored, longest).length >= taught,
    );
    if (answered.length === 0)
      throw new UserError(
        'NO_PROMPTS',
        `Stage ${context.name} has no prompt with ${taught} answers of ${given.data} of at most ${longest} tokens; raise generate_max_len or lower n_off_policy.`,
      );
    const stored = new Map(answered.map((one) => [one.stored.prompt, fitting(one.stored, longest)]));
    const rollouts = await scoredRollouts(
      context,
      { ...given, n_samples_per_prompt: all - taught },
      opening.model,
      answered.map(({ dialogue }) => dialogue),
    );
    return openGrpo<ScoredPrompt>(context, { ...given, init_kl_coef: 0 }, opening, (sampler) => {
      const own = rollouts(sampler);
      return {
        ...own,
        arrange: (drawn) => Promise.resolve(byLength(drawn, longest)),
        async draw(asked, seed, signal) {
          const groups = await own.draw(asked, seed, signal);
          const best = new Map(
            asked.map((one) => [one.text, teachers(one, stored.get(one.text) ?? []).slice(0, taught)]),
          );
          return groups.map((one) => ({
            ...one,
            samples: [...one.samples, ...(best.get(one.prompt) ?? [])],
          }));
        },
      };
    });
  },
});
