/** From rewards to advantages, and which groups are worth learning from. Groups are the samples of one prompt. */

export type AdvantageEstimator = 'group_norm' | 'dr_grpo';

/**
 * Advantages of one group. group_norm: (r - mean) / (std + 1e-9) with the unbiased standard deviation (n - 1), as
 * in OpenRLHF; dr_grpo (arXiv 2503.20783): r - mean. Both are clipped to `clip`.
 */
export function groupAdvantages(
  rewards: readonly number[],
  estimator: AdvantageEstimator,
  clip: readonly [number, number],
): number[] {
  const mean = rewards.reduce((a, b) => a + b, 0) / rewards.length;
  const centred = rewards.map((reward) => reward - mean);
  const variance = centred.reduce((total, x) => total + x * x, 0) / Math.max(1, rewards.length - 1);
  const scale = estimator === 'group_norm' ? 1 / (Math.sqrt(variance) + 1e-9) : 1;
  return centred.map((x) => Math.min(clip[1], Math.max(clip[0], x * scale)));
}

export interface DynamicFilter {
  readonly range: readonly [number, number];
  readonly minDiff: number;
}

/**
 * Dynamic filtering (DAPO, arXiv 2503.14476, as in STAR's scripts): a group is kept when the mean of its answer
 * scores, in which format errors count 0, lies strictly inside the range and the scores differ by more than minDiff.
 */
export function keepsGroup(answerScores: readonly number[], filter: DynamicFilter): boolean {
  const mean = answerScores.reduce((a, b) => a + b, 0) / answerScores.length;
  const spread = Math.max(...answerScores) - Math.min(...answerScores);
  return mean > filter.range[0] + 1e-6 && mean < filter.range[1] - 1e-6 && spread > filter.minDiff;
}
