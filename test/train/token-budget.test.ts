/** A token budget ends a stage of reinforcement learning long before its prompts do; its learning rate must know. */
import { expect, test } from 'vitest';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { type Grpo, grpoStage } from '../../src/train/grpo.ts';
import type { Trainer } from '../../src/train/trainer.ts';

const TOKENS = 20;
const tokens = asTokenIds(new Int32Array(TOKENS));
const sample = (reward: number) => ({
  tokens,
  logprobs: new Float32Array(TOKENS),
  rows: Array.from({ length: TOKENS }, (_, i) => i),
  text: '',
  reward,
  score: reward,
  truncated: false,
  parts: {},
});

/** Runs a stage whose updates only write down their learning rate. */
async function ratesOf(options: Pick<Grpo<number>['options'], 'token_budget'> & { readonly steps: number }) {
  const rates: number[] = [];
  const trainer = {
    step: async (_: unknown, lr: number) => {
      rates.push(lr);
      return { loss: 0, parts: {}, gradNorm: 0, tokens: 0 };
    },
  };
  const stage = grpoStage<number>({
    // Of a trainer, a stage of reinforcement learning needs its steps alone.
    trainer: trainer as unknown as Trainer,
    reference: undefined,
    rollouts: {
      prompts: { length: 1000, tooLong: 0, at: (indices) => indices },
      draw: async (indices) =>
        indices.map((i) => ({ id: `${i}`, prompt: '', ids: tokens, samples: [sample(0), sample(1)] })),
    },
    options: {
      num_episodes: 1,
      rollout_batch_size: 4,
      n_samples_per_prompt: 2,
      train_batch_size: 4,
      max_epochs: 1,
      advantage_estimator: 'group_norm',
      reward_clip_range: [-10, 10],
      dynamic_filtering: false,
      dynamic_filtering_range: [0, 1],
      dynamic_filtering_min_diff: 0,
      lr_scheduler: 'cosine_with_min_lr',
      lr: 1,
      warmup_ratio: 0.03,
      min_lr_ratio: 0.1,
      ...options,
    },
    seed: 3,
  });
  const totals: (number | undefined)[] = [];
  for (let step = 0; step < options.steps; step++) {
    const report = await stage.step(step, new AbortController().signal);
    totals.push(report.total);
    if (report.finished === true) break;
  }
  return { rates, totals };
}

test('the learning rate falls to its floor when the budget is spent, and the steps left are known', async () => {
  // A step learns from 4 groups of 2 answers.
  const { rates, totals } = await ratesOf({ steps: 250, token_budget: 10 * 8 * TOKENS });
  expect(totals).toEqual(Array.from({ length: 10 }, () => 10));
  expect(rates).toHaveLength(20);
  expect(Math.max(...rates)).toBeGreaterThan(0.9);
  expect(rates.at(-1)!).toBeLessThan(0.15);
});

test('without a budget each update has its place among all of them', async () => {
  const { rates, totals } = await ratesOf({ steps: 10 });
  expect(totals).toEqual(Array.from({ length: 10 }, () => 10));
  const cosine = (i: number) => 0.1 + 0.9 * 0.5 * (1 + Math.cos((Math.PI * (i - 1)) / 19));
  for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(i === 0 ? 1 : cosine(i), 12);
  expect(rates).toHaveLength(20);
});
