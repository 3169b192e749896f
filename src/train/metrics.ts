/** Every metric that a run logs: declared once, with its unit and meaning, by its loss or here. */
import * as losses from '../losses/all.ts';
import type { MetricDeclaration } from '../losses/objective.ts';

const COMMON = {
  loss: { unit: 'per token', meaning: 'what is minimised; per pair where pairs are learned from' },
  reward: { unit: 'reward', meaning: 'mean training reward, -1 for a format error' },
  format_reward: { unit: 'reward', meaning: 'mean format part of the reward' },
  answer_reward: { unit: 'reward', meaning: 'mean answer score, 0 for a format error' },
  on_policy: { unit: 'fraction', meaning: 'answers of the step that the student wrote itself' },
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

type Losses = typeof losses;
export type MetricName =
  | keyof typeof COMMON
  | { [Name in keyof Losses]: keyof Losses[Name]['metrics'] }[keyof Losses];

const { loss, ...others } = COMMON;
/** Metrics by name, in the order in which tables and plots show them. */
export const METRICS = {
  loss,
  ...Object.assign({}, ...Object.values(losses).map(({ metrics }) => metrics)),
  ...others,
} as Readonly<Record<MetricName, MetricDeclaration>>;
