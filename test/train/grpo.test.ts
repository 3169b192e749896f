/** Samples that GRPO draws, keeps and learns from, with given rewards in place of a model. */
import { describe, expect, test } from 'vitest';
import { asTokenIds } from '../../src/base/token-ids.ts';
import type { SteppedStage } from '../../src/train/loop.ts';
import type { Scorer } from '../../src/model/tree/scoring.ts';
import { type Group, type GroupSample, type Grpo, grpoStage, type Rollouts } from '../../src/train/grpo.ts';
import { FakeTrainer } from '../helpers/fake-trainer.ts';

const never = new AbortController().signal;

/** A group whose samples earn `rewards`; a score is a reward that is not negative. */
function groupOf(prompt: number, rewards: readonly number[]): Group {
  return {
    id: `p${prompt}`,
    prompt: '',
    ids: asTokenIds(Int32Array.of(prompt)),
    samples: rewards.map((reward, i) => ({
      tokens: asTokenIds(Int32Array.of(1, 2, 3)),
      logprobs: Float32Array.of(-1, -2 - i, -3),
      // The middle token is a tool's.
      rows: [0, 2],
      text: `${prompt}.${i}`,
      reward,
      score: Math.max(0, reward),
      truncated: reward < 0,
      parts: { answer_reward: Math.max(0, reward) },
    })),
  };
}

interface Made {
  readonly fake: FakeTrainer;
  readonly stage: SteppedStage;
  /** Prompts and seed of each round. */
  readonly drawn: { readonly indices: readonly number[]; readonly seed: number }[];
}

/** Options of a stage that keeps every group. */
const OPTIONS: Grpo<number>['options'] = {
  steps: 3,
  num_episodes: 1,
  rollout_batch_size: 2,
  // Two groups an update.
  n_samples_per_prompt: 4,
  train_batch_size: 8,
  max_epochs: 1,
  advantage_estimator: 'group_norm',
  reward_clip_range: [-10, 10],
  dynamic_filtering: false,
  dynamic_filtering_range: [0.1, 0.9],
  dynamic_filtering_min_diff: 0,
  lr_scheduler: 'constant',
  lr: 0.5,
  warmup_ratio: 0,
  min_lr_ratio: 0,
};

function make(
  rewardsOf: (prompt: number) => readonly number[],
  {
    reference,
    arrange,
    isOffPolicy = () => false,
    ...options
  }: Partial<Grpo<number>['options']> &
    Pick<Partial<Grpo<number>>, 'reference'> &
    Pick<Rollouts<number>, 'arrange'> & { readonly isOffPolicy?: (sample: number) => boolean } = {},
): Made {
  const fake = new FakeTrainer();
  const drawn: Made['drawn'] = [];
  const rollouts: Rollouts<number> = {
    prompts: { length: 6, tooLong: 0, at: (indices) => indices },
    draw(indices, seed, signal) {
      signal.throwIfAborted();
      drawn.push({ indices, seed });
      const groups = indices.map((index) => groupOf(index, rewardsOf(index)));
      const marked = (sample: GroupSample, i: number): GroupSample =>
        isOffPolicy(i) ? { ...sample, offPolicy: true } : sample;
      return Promise.resolve(groups.map((one) => ({ ...one, samples: one.samples.map(marked) })));
    },
    ...(arrange === undefined ? {} : { arrange }),
  };
  const stage = grpoStage({
    trainer: fake.trainer,
    reference,
    rollouts,
    options: { ...OPTIONS, ...options },
    seed: 4,
  });
  return { fake, stage, drawn };
}

describe('a step', () => {
  test('gives every token that counts the advantage of its answer, above zero for the better ones', async () => {
    // Mean 1/4: 3/4 above and three times 1/4 below, by the deviation 1/2.
    const { fake, stage } = make(() => [1, 0, 0, 0]);
    await stage.step(0, never);
    const [{ examples, lr } = { examples: [], lr: 0 }] = fake.given;
    expect([examples.length, lr]).toEqual([2, 0.5]);
    for (const { completions } of examples) {
      const advantages = completions.map(({ inputs }) => [...inputs['advantages']!]);
      for (const [i, want] of [1.5, -0.5, -0.5, -0.5].entries()) {
        expect(advantages[i]).toHaveLength(2);
        for (const value of advantages[i]!) expect(value).toBeCloseTo(want, 6);
      }
      expect(completions.map(({ rows }) => rows)).toEqual([
        [0, 2],
        [0, 2],
        [0, 2],
        [0, 2],
      ]);
      // Without a reference, the old policy is its own.
      expect([...completions[1]!.inputs['old_logprobs']!]).toEqual([-1, -3]);
      expect([...completions[1]!.inputs['ref_logprobs']!]).toEqual([-1, -3]);
    }
  });

  test('with dr_grpo gives the distance from the mean, and within the clip range alone', async () => {
    const { fake, stage } = make(() => [1, 0, 0, 0], {
      advantage_estimator: 'dr_grpo',
      reward_clip_range: [-0.1, 0.5],
    });
    await stage.step(0, never);
    const [example] = fake.given[0]!.examples;
    const advantages = example!.completions.map(({ inputs }) => inputs['advantages']![0]!);
    for (const [i, want] of [0.5, -0.1, -0.1, -0.1].entries()) expect(advantages[i]).toBeCloseTo(want, 6);
  });

  test("a teacher's stored answer takes part in the advantages, is marked, and counts in no mean of what was drawn", async () => {
    const { fake, stage } = make(() => [0, 0, 0, 1], {
      advantage_estimator: 'dr_grpo',
      isOffPolicy: (i) => i === 3,
    });
    const { metrics } = await stage.step(0, never);
    const [example] = fake.given[0]!.examples;
    const inputs = example!.completions.map((one) => one.inputs);
    expect(inputs.map((one) => one['advantages']![0])).toEqual([-0.25, -0.25, -0.25, 0.75]);
    expect(inputs.map((one) => [...(one['off_policy'] ?? [])])).toEqual([[], [], [], [1, 1]]);
    expect(metrics.reward).toBe(0);
  });

  test('what is learned from may be arranged, by the number of the update, and counts in the budget', async () => {
    const seen: number[] = [];
    const { fake, stage } = make(() => [1, 0, 0, 0], {
      rollout_batch_size: 4,
      token_budget: 1e4,
      arrange(drawn, step) {
        seen.push(step);
        return Promise.resolve([...drawn, ...drawn]);
      },
    });
    await stage.step(0, never);
    expect(seen).toEqual([0, 1]);
    expect(fake.given.map(({ examples }) => examples.length)).toEqual([4, 4]);
    // Four groups of four answers of two tokens, twice.
    expect(stage.state()).toEqual({ position: 4, trained: 64 });
  });

  test('compares with the reference where there is one', async () => {
    const reference = {
      score: (trees: readonly { completions: readonly unknown[] }[]) =>
        Promise.resolve(
          trees.map(({ completions }) => completions.map(() => ({ logprobs: Float32Array.of(-7, -8, -9) }))),
        ),
    } as unknown as Scorer;
    const { fake, stage } = make(() => [1, 0], { reference });
    await stage.step(0, never);
    const [example] = fake.given[0]!.examples;
    expect([...example!.completions[0]!.inputs['ref_logprobs']!]).toEqual([-7, -9]);
    expect([...example!.completions[0]!.inputs['old_logprobs']!]).toEqual([-1, -3]);
  });

  test('logs means over all that was drawn, and what of it was filtered', async () => {
    // Prompts with odd numbers earn nothing, of the others one answer is right and one malformed.
    const { stage, drawn } = make((prompt) => (prompt % 2 === 1 ? [0, 0] : [1, -1]), {
      dynamic_filtering: true,
    });
    const { metrics } = await stage.step(0, never);
    const prompts = drawn.flatMap(({ indices }) => indices);
    const odd = prompts.filter((prompt) => prompt % 2 === 1).length;
    expect(metrics).toMatchObject({
      reward: 0,
      completion_tokens: 3,
      kl: 0.5,
      loss: 1,
      grad_norm: 2,
      lr: 0.5,
    });
    expect(metrics.filtered).toBeCloseTo(odd / prompts.length, 10);
    expect(metrics.answer_reward).toBeCloseTo(((prompts.length - odd) * 1) / (2 * prompts.length), 10);
    expect(metrics.truncated).toBeCloseTo((prompts.length - odd) / (2 * prompts.length), 10);
  });
});

describe('dynamic filtering', () => {
  test('draws on until there are enough groups to learn from, and learns from those alone', async () => {
    const { fake, stage, drawn } = make((prompt) => (prompt < 4 ? [0, 0] : [1, 0]), {
      dynamic_filtering: true,
    });
    await stage.step(0, never);
    const order = drawn.flatMap(({ indices }) => indices);
    expect(order.slice(-2).some((prompt) => prompt >= 4)).toBe(true);
    expect(fake.given[0]!.examples.map(({ prompt }) => prompt[0])).toEqual(
      order.filter((prompt) => prompt >= 4),
    );
    expect(new Set(drawn.map(({ seed }) => seed)).size).toBe(drawn.length);
  });

  test('that leaves nothing changes no weight, and is told', async () => {
    const { fake, stage } = make(() => [0, 0], {
      dynamic_filtering: true,
    });
    const { warnings, metrics, finished } = await stage.step(0, never);
    expect(fake.given).toEqual([]);
    expect(warnings).toEqual(['no group of this batch was worth learning from: all were filtered']);
    expect([metrics.filtered, finished]).toEqual([1, true]);
    expect(metrics.loss).toBeUndefined();
  });

  test('off, even equal rewards are learned from, with advantages of zero', async () => {
    const { fake, stage } = make(() => [0.5, 0.5]);
    await stage.step(0, never);
    const [example] = fake.given[0]!.examples;
    expect(example!.completions.map(({ inputs }) => inputs['advantages']![0]! + 0)).toEqual([0, 0]);
  });
});

describe('over its steps', () => {
  test('every prompt comes once an episode, and the last step ends the stage', async () => {
    const { stage, drawn } = make(() => [1, 0]);
    const ends = [];
    for (const index of [0, 1, 2]) ends.push((await stage.step(index, never)).finished);
    const prompts = drawn.flatMap(({ indices }) => indices);
    expect(prompts.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(ends).toEqual([false, false, true]);
  });

  test('a stage that goes on from its state draws what it would have drawn', async () => {
    const whole = make(() => [1, 0]);
    for (const index of [0, 1, 2]) await whole.stage.step(index, never);
    const first = make(() => [1, 0]);
    await first.stage.step(0, never);
    const second = make(() => [1, 0]);
    second.stage.restore(JSON.parse(JSON.stringify(first.stage.state())));
    for (const index of [1, 2]) await second.stage.step(index, never);
    expect([...first.drawn, ...second.drawn]).toEqual(whole.drawn);
  });

  test('a step that is stopped leaves the state as it was', async () => {
    const { stage, fake } = make(() => [1, 0]);
    await stage.step(0, never);
    const before = JSON.stringify(stage.state());
    const stop = new AbortController();
    stop.abort(new Error('stop'));
    await expect(stage.step(1, stop.signal)).rejects.toThrow('stop');
    expect(JSON.stringify(stage.state())).toBe(before);
    expect(fake.given).toHaveLength(1);
  });

  test('a batch is learned from in updates of so many groups, so many times', async () => {
    const { stage, fake } = make(() => [1, 0], { rollout_batch_size: 3, max_epochs: 2 });
    const { metrics } = await stage.step(0, never);
    expect(fake.given.map(({ examples }) => examples.length)).toEqual([2, 1, 2, 1]);
    // Losses 1, 1/2, 1/3 and 1/4.
    expect(metrics.loss).toBeCloseTo(25 / 48, 10);
  });

  test('a budget of tokens ends it, counted in tokens that are learned from', async () => {
    // Two groups of two answers with two tokens each that count: 8 a step.
    const { stage } = make(() => [1, 0], { token_budget: 16 });
    expect((await stage.step(0, never)).finished).toBe(false);
    expect((await stage.step(1, never)).finished).toBe(true);
  });
});
