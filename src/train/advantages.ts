/** From rewards to advantages, and which groups are worth learning from. Groups are the samples of one prompt. */
import { z } from 'zod';

const fraction = z.number().min(0).max(1);

export const advantageOptions = {
  advantage_estimator: z.enum(['group_norm', 'dr_grpo']).default('group_norm'),
  reward_clip_range: z
    .tuple([z.number(), z.number()])
    .default([-10, 10])
    .describe('advantages are clipped to it'),
  dynamic_filtering: z.boolean().default(true).describe('drop prompts whose samples all score alike'),
  dynamic_filtering_range: z
    .tuple([fraction, fraction])
    .default([0.01, 0.99])
    .describe('keep groups whose mean answer score lies strictly inside'),
  dynamic_filtering_min_diff: z
    .number()
    .min(-1)
    .max(1)
    .default(0)
    .describe('and whose scores differ by more'),
};
export type AdvantageOptions = z.output<z.ZodObject<typeof advantageOptions>>;

/**
 * Advantages of one group. group_norm: (r - mean) / (std + 1e-9) with the unbiased standard deviation (n - 1), as
 * in OpenRLHF; dr_grpo (arXiv 2503.20783): r - mean. Both are clipped to `clip`.
 */
export function groupAdvantages(
  rewards: readonly number[],
  estimator: AdvantageOptions['advantage_estimator'],
  clip: readonly [number, number],
): number[] {
  const mean = rewards.reduce((a, b) => a + b, 0) / rewards.length;
  const centred = rewards.map((reward) => reward - mean);
  const variance = centred.reduce((total, x) => total + x * x, 0) / Math.max(1, rewards.length - 1);
  const scale = estimator === 'group_norm' ? 1 / (Math.sqrt(variance) + 1e-9) : 1;
  return centred.map((x) => Math.min(clip[1], Math.max(clip[0], x * scale)));
}

/**
 * Dynamic filtering (DAPO, arXiv 2503.14476, as in STAR's scripts): a group is kept when the mean of its answer
 * scores, in which format errors count 0, lies strictly inside dynamic_filtering_range and the scores differ by more than
 * dynamic_filtering_min_diff.
 */
export function keepsGroup(
  answerScores: readonly number[],
  options: Pick<AdvantageOptions, 'dynamic_filtering_range' | 'dynamic_filtering_min_diff'>,
): boolean {
  const [low, high] = options.dynamic_filtering_range;
  const mean = answerScores.reduce((a, b) => a + b, 0) / answerScores.length;
  const spread = Math.max(...answerScores) - Math.min(...answerScores);
  return mean > low + 1e-6 && mean < high - 1e-6 && spread > options.dynamic_filtering_min_diff;
}
