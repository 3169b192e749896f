import { InternalError } from '../base/errors.ts';

/** Every metric that a run logs: declared once, with its unit and meaning. */
interface MetricDeclaration {
  readonly unit: string;
  readonly meaning: string;
}

export const METRICS = {
  loss: { unit: 'per token', meaning: 'what is minimised; per pair where pairs are learned from' },
  ce: { unit: 'nats per token', meaning: 'cross-entropy of the target tokens' },
  fkl: { unit: 'nats per token', meaning: "forward KL over the teacher's top-k" },
  rkl: { unit: 'nats per token', meaning: "reverse KL over the teacher's top-k" },
  tail: { unit: 'probability', meaning: "student's mass in its own top-m outside the teacher's top-k" },
  teacher_mass: { unit: 'probability', meaning: "teacher's mass covered by its stored top-k" },
  policy_loss: { unit: 'advantage', meaning: 'clipped policy-gradient loss' },
  kl: { unit: 'nats per token', meaning: 'KL estimate to the reference policy' },
  entropy: { unit: 'nats per token', meaning: "entropy of the policy's next-token distribution" },
  clip_fraction: { unit: 'fraction', meaning: 'tokens whose ratio left the clip range' },
  preference_accuracy: {
    unit: 'fraction',
    meaning: 'pairs whose chosen answer has gained more likelihood over the reference than the rejected one',
  },
  chosen_reward: {
    unit: 'nats x beta',
    meaning: 'implicit reward of the chosen answers: beta x log-ratio to the reference',
  },
  rejected_reward: { unit: 'nats x beta', meaning: 'implicit reward of the rejected answers' },
  reward_margin: {
    unit: 'nats x beta',
    meaning: 'implicit reward of the chosen answer less that of the rejected one',
  },
  chosen_logprob: { unit: 'nats', meaning: 'log-probability of a chosen answer, summed over its tokens' },
  rejected_logprob: { unit: 'nats', meaning: 'log-probability of a rejected answer' },
  reward: { unit: 'reward', meaning: 'mean training reward, -1 for a format error' },
  format_reward: { unit: 'reward', meaning: 'mean format part of the reward' },
  answer_reward: { unit: 'reward', meaning: 'mean answer score, 0 for a format error' },
  filtered: { unit: 'fraction', meaning: 'groups dropped by dynamic filtering' },
  completion_tokens: { unit: 'tokens', meaning: 'mean length of the drawn completions' },
  truncated: { unit: 'fraction', meaning: 'completions cut at the maximum length' },
  valid: { unit: 'fraction', meaning: 'drawn samples that pass the validity filter' },
  kept: { unit: 'fraction', meaning: 'drawn samples kept after the validity filter and duplicate removal' },
  accuracy: { unit: 'fraction', meaning: 'conversations with functions that end with the right answer' },
  transfer_accuracy: { unit: 'fraction', meaning: 'the same, on problems of another domain' },
  tool_match: { unit: 'fraction', meaning: "agreement with the tools of the teacher's reference trajectory" },
  calls: { unit: 'per conversation', meaning: 'calls of a conversation' },
  failed_calls: { unit: 'fraction', meaning: 'calls of a conversation that came back as an error' },
  turns: { unit: 'per conversation', meaning: 'turns of the assistant in a conversation' },
  exact_match: { unit: 'fraction', meaning: 'answers equal to the gold answer' },
  grad_norm: { unit: 'norm', meaning: 'global gradient norm before clipping' },
  lr: { unit: 'per step', meaning: 'learning rate' },
  tokens_per_second: { unit: 'tokens/s', meaning: 'throughput of the step, padding excluded' },
  memory_mb: { unit: 'MB', meaning: 'resident memory of the process' },
} as const satisfies Record<string, MetricDeclaration>;

export type MetricName = keyof typeof METRICS;

/** The metric of this name. What an objective reports and nobody has declared is a bug of it, and would be lost in the log. */
export function metricNamed(name: string): MetricName {
  if (!Object.hasOwn(METRICS, name))
    throw new InternalError(`the objective's part ${name} is no declared metric; add it to METRICS`);
  return name as MetricName;
}
