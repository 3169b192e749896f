/**
 * A model that really calls functions: it is trained on worked solutions until it writes them, and every call that it
 * writes is made. Then a step of reinforcement learning on what it draws.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { OWN_TEMPLATE } from '../../src/chat/template.ts';
import { trainTokenizer } from '../../src/chat/bpe-trainer.ts';
import { type Conversation, converse } from '../../packages/environments/src/conversation.ts';
import type { Problem } from '../../packages/environments/src/environment.ts';
import { workedSolution } from '../../packages/environments/src/rollout-mode.ts';
import { Speech } from '../../packages/environments/src/speech.ts';
import { Device } from '../../src/ggml/device.ts';
import { initialiseWeights } from '../../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs } from '../../src/model/arch/config.ts';
import { Local } from '../../src/sampling/local.ts';
import { Scorer } from '../../src/model/tree/scoring.ts';
import { crossEntropy, policyGradient } from '../../src/losses/all.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import type { TrainExample } from '../../src/train/examples.ts';
import { conversations } from '../../src/stages/mentor.ts';
import { grpoStage } from '../../src/train/grpo.ts';
import { rowsOf } from '../../src/train/trajectories.ts';
import { mentor } from '../../src/rewards/mentor.ts';
import { toolPrompts } from '../../src/train/prompts.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { lockersHost, lockersOf } from '../helpers/lockers.ts';

const COLOURS = ['red', 'blue', 'green', 'grey'];
const lockers = lockersOf(COLOURS, (i) => `locker ${'abcd'[i]}`, {
  solution: [{ thought: 'look', calls: [{ name: 'look', arguments: {} }] }],
});
const host = lockersHost(lockers);

const texts = lockers.flatMap(({ question, answer }) => [question, answer, 'look', 'Done.']);
const speech = new Speech(
  trainTokenizer(texts, { size: 285, chatTemplate: OWN_TEMPLATE.source }),
  OWN_TEMPLATE,
);
const device = Device.open('cpu', 1);
const config = {
  vocabSize: speech.tokenizer.vocabSize,
  hiddenSize: 64,
  intermediateSize: 128,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  rmsNormEps: 1e-6,
  ropeTheta: 10_000,
  tiedEmbeddings: true,
  family: 'qwen3',
  contextLength: 1024,
  bosTokenId: null,
  eosTokenId: speech.tokenizer.eosId,
};
const weights = new ParameterSet(device, parameterSpecs(config), 'trainable');
initialiseWeights(config, weights, Rng.seeded(5), 0.05);
const sampler = new Local(device, {
  name: 'policy',
  config,
  weights,
  tokenizer: speech.tokenizer,
  template: OWN_TEMPLATE,
});
afterAll(() => {
  sampler[Symbol.dispose]();
  weights[Symbol.dispose]();
  device.close();
});

const ADAM = { adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1e-8, weight_decay: 0, max_norm: 1 };
const STEPS = 120;

async function solve(problems: readonly Problem[]): Promise<Conversation[]> {
  const tasks = problems.map(({ question, setting }) => ({
    ids: speech.prompt(question, host.tools).ids,
    setting,
  }));
  const drawn = await converse(
    tasks,
    { sampler, speech, host },
    { temperature: 0, generate_max_len: 160, max_turns: 3 },
  );
  return drawn.flat();
}

beforeAll(async () => {
  using trainer = new Trainer(config, weights, crossEntropy(), {
    ...ADAM,
    microBatchTokens: 4096,
    micro_train_batch_size: 4,
  });
  const examples: TrainExample[] = [];
  for (const locker of lockers) {
    const { tokens, drawn } = await workedSolution(locker, host, speech);
    const prompt = speech.prompt(locker.question, host.tools).ids;
    examples.push({ prompt, completions: [{ tokens, rows: rowsOf({ drawn }), inputs: {} }] });
  }
  for (let step = 0; step < STEPS; step++)
    await trainer.step(examples, 3e-3 * Math.min(1, (STEPS - step) / 40));
}, 300_000);

test('its calls are made, and their results are part of the conversation', async () => {
  for (const [i, conversation] of (await solve(lockers)).entries()) {
    const { end, turns, calls, response, tokens, drawn } = conversation;
    const answer = COLOURS[i]!;
    expect({ end, turns: turns.length }).toEqual({ end: 'answer', turns: 2 });
    expect(calls.map(({ result }) => result.text)).toEqual([answer]);
    expect(speech.tokenizer.decode(tokens.filter((_, t) => drawn[t] === 0))).toContain(answer);
    expect(response.text).toContain(`\\boxed{${answer}}`);
  }
});

test('reinforcement learning on it: results are read and not learned, and rewards are those of right answers', async () => {
  using trainer = new Trainer(
    config,
    weights,
    policyGradient({ eps_clip: 0.2, init_kl_coef: 0.001, kl_estimator: 'k3', entropy_coef: 0.001 }),
    { ...ADAM, microBatchTokens: 4096, micro_train_batch_size: 4 },
  );
  using reference = new Scorer(device, config, weights);
  const seen: TrainExample[] = [];
  const step = trainer.step.bind(trainer);
  trainer.step = (examples, lr, signal) => {
    seen.push(...examples);
    return step(examples, lr, signal);
  };
  const stage = grpoStage({
    trainer,
    reference,
    rollouts: {
      prompts: toolPrompts('mentor', lockers, 500, (question) => speech.prompt(question, host.tools)),
      draw: conversations({
        sampler,
        speech,
        host,
        teacher: new Map(lockers.map(({ id }) => [id, [{ name: 'look', arguments: new Map() }]])),
        reward: mentor,
        scoring: { argument_weight: 0 },
        sampling: { temperature: 1, generate_max_len: 160, n_samples_per_prompt: 3 },
        max_turns: 3,
      }),
    },
    options: {
      steps: 1,
      num_episodes: 1,
      rollout_batch_size: 4,
      n_samples_per_prompt: 3,
      train_batch_size: 12,
      max_epochs: 1,
      advantage_estimator: 'group_norm',
      reward_clip_range: [-10, 10],
      dynamic_filtering: false,
      dynamic_filtering_range: [0, 1],
      dynamic_filtering_min_diff: 0,
      lr_scheduler: 'constant',
      lr: 1e-5,
      warmup_ratio: 0,
      min_lr_ratio: 0,
    },
    seed: 3,
  });
  const { metrics } = await stage.step(0, new AbortController().signal);
  expect(metrics.calls).toBeGreaterThan(0.5);
  expect(metrics.accuracy).toBeGreaterThan(0.5);
  expect(metrics.reward).toBeGreaterThan(0.5);
  // The policy is the reference, and nothing was clipped: the first step's KL and ratio are exactly at their start.
  expect(Math.abs(metrics.kl!)).toBeLessThan(1e-6);
  const given = speech.tokenizer.findId('<tool_response>')!;
  const completions = seen.flatMap(({ completions: own }) => own);
  expect(completions).toHaveLength(12);
  for (const { tokens, rows } of completions) {
    const counted = new Set(rows.map((row) => tokens[row]));
    expect(counted.has(given)).toBe(false);
    expect(rows.length).toBeLessThanOrEqual(tokens.length);
  }
  expect(completions.some(({ tokens }) => tokens.includes(given))).toBe(true);
}, 120_000);
