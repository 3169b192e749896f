/**
 * GRPO (arXiv 2402.03300): n samples a prompt, a reward for each, advantages within the group, the clipped loss with
 * a KL penalty as a loss, and dynamic filtering if wanted. A step is one rollout batch with its optimiser updates. The
 * sampler's log-probabilities are the old ones: they equal a recomputation. What is drawn and what it earns is a
 * matter of the method that plugs in here.
 */
import { z } from 'zod';
import { hashString } from '../base/rng.ts';
import type { TokenIds } from '../base/token-ids.ts';
import type { Scorer } from '../model/tree/scoring.ts';
import { learningRate, type ScheduleOptions } from '../tensor/optim/schedule.ts';
import { advantageOptions, groupAdvantages, keepsGroup } from './advantages.ts';
import { meanMetrics, type Metrics, someSamples } from './events.ts';
import { rowCount, type TrainExample } from './examples.ts';
import { metricsOf, type StepReport, type SteppedStage } from './loop.ts';
import type { StepResult, Trainer } from './trainer.ts';
import { epochOrder } from './supervised.ts';

/** Sample that was drawn after a prompt, and its reward. */
export interface GroupSample {
  readonly tokens: TokenIds;
  /** Log-probability of each token under the policy that drew it. */
  readonly logprobs: Float32Array;
  /** Indices of the tokens that are learned from: what the policy chose itself. */
  readonly rows: readonly number[];
  readonly text: string;
  readonly reward: number;
  /** Score that dynamic filtering looks at, 0 to 1. */
  readonly score: number;
  /** Tells whether it is a stored answer of a teacher, which the policy did not draw; its `logprobs` are 0. */
  readonly offPolicy?: true;
  /** Tells whether it was cut at the maximum length. */
  readonly truncated: boolean;
  /** Further numbers, whose means are logged. */
  readonly parts: Metrics;
}

/** The samples of one prompt; never empty. */
export interface Group {
  readonly id: string;
  readonly prompt: string;
  readonly ids: TokenIds;
  readonly samples: readonly GroupSample[];
}

/** Source of a method's samples. */
export interface Rollouts<P> {
  readonly prompts: {
    readonly length: number;
    readonly tooLong: number;
    at(indices: readonly number[]): readonly P[];
  };
  /** Groups for prompts, without those of which nothing was drawn. */
  draw(prompts: readonly P[], seed: number, signal: AbortSignal): Promise<Group[]>;
  /** Examples that the optimiser's step `step` learns from, where these are not the drawn ones as they are. */
  readonly arrange?: (drawn: readonly TrainExample[], step: number) => Promise<readonly TrainExample[]>;
}

const count = z.int().positive();

/** Options of a stage of GRPO about its batches, beside those of its loss, its optimiser and its sampler. */
export const grpoOptions = {
  prompts: count.exactOptional().describe('use at most this many prompts of the training set'),
  num_episodes: count.default(3).describe('passes over the prompts'),
  steps: count.exactOptional().describe('stop after this many rollout batches, if the episodes last longer'),
  rollout_batch_size: count.default(128).describe('prompts a rollout batch, after dynamic filtering'),
  n_samples_per_prompt: count.min(2).default(8),
  max_epochs: count.default(1).describe('passes over each rollout batch'),
  ...advantageOptions,
};

type Options = z.output<z.ZodObject<typeof grpoOptions>> &
  ScheduleOptions & {
    readonly train_batch_size: number;
    readonly token_budget?: number;
  };

export interface Grpo<P> {
  readonly seed: number;
  readonly trainer: Trainer;
  /** Scores under the reference policy; undefined when the KL coefficient is 0. */
  readonly reference: Scorer | undefined;
  readonly rollouts: Rollouts<P>;
  readonly options: Options;
}

/** Most draws to fill a batch; then the stage goes on with what it has. */
const MAX_ROUNDS = 8;

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);

function rolloutMetrics(all: readonly Group[], kept: number): Metrics {
  const samples = all.flatMap((group) => group.samples).filter(({ offPolicy }) => !offPolicy);
  return {
    reward: mean(samples.map(({ reward }) => reward)),
    ...meanMetrics(samples.map(({ parts }) => parts)),
    filtered: 1 - kept / all.length,
    completion_tokens: mean(samples.map(({ tokens }) => tokens.length)),
    truncated: mean(samples.map(({ truncated }) => (truncated ? 1 : 0))),
  };
}

function averaged(results: readonly StepResult[], lr: number): Metrics {
  if (results.length === 0) return {};
  const [loss, gradNorm] = [mean(results.map((one) => one.loss)), mean(results.map((one) => one.gradNorm))];
  return metricsOf({ loss, gradNorm, parts: meanMetrics(results.map(({ parts }) => parts)) }, lr);
}

/** Groups as training examples, with old and reference log-probabilities at every token that counts. */
async function examplesOf<P>(
  groups: readonly Group[],
  { reference, options }: Grpo<P>,
  signal: AbortSignal,
): Promise<TrainExample[]> {
  const trees = groups.map(({ ids: prompt, samples }) => ({
    prompt,
    completions: samples.map(({ tokens }) => tokens),
  }));
  const scored = await reference?.score(trees, { signal });
  return groups.map(({ ids, samples }, b) => {
    const rewards = samples.map(({ reward }) => reward);
    const values = groupAdvantages(rewards, options.advantage_estimator, options.reward_clip_range);
    return {
      prompt: ids,
      completions: samples.map(({ tokens, logprobs, rows, offPolicy }, s) => {
        const at = (all: Float32Array): Float32Array => Float32Array.from(rows, (row) => all[row] ?? 0);
        const inputs = {
          advantages: new Float32Array(rows.length).fill(values[s] ?? 0),
          old_logprobs: at(logprobs),
          ref_logprobs: at(scored?.[b]?.[s]?.logprobs ?? logprobs),
          ...(offPolicy ? { off_policy: new Float32Array(rows.length).fill(1) } : {}),
        };
        return { tokens, rows, inputs };
      }),
    };
  });
}

const saved = z.object({ position: z.int().nonnegative(), trained: z.int().nonnegative() });

/** A stage of reinforcement learning on rewards computed in this process. */
export function grpoStage<P>(given: Grpo<P>): SteppedStage {
  const { seed, trainer, rollouts, options } = given;
  const { prompts } = rollouts;
  const { rollout_batch_size: batch, max_epochs: epochs, token_budget = Infinity } = options;
  const end = prompts.length * options.num_episodes;
  const order = epochOrder(prompts.length, seed);
  /** Rollout batches at most. */
  const total = Math.min(options.steps ?? Infinity, Math.ceil(end / batch));
  /** Groups an optimiser update. */
  const size = Math.max(1, Math.round(options.train_batch_size / options.n_samples_per_prompt));
  /** Prompts asked and tokens trained on so far. */
  let state = { position: 0, trained: 0 };

  /**
   * Draws prompts until enough groups are worth learning from: all groups, those, of which a batch has room for the first
   * only, and the prompts asked so far.
   */
  const draw = async (step: number, signal: AbortSignal) => {
    let { position } = state;
    const all: Group[] = [];
    const kept: Group[] = [];
    for (let round = 0; round < MAX_ROUNDS && kept.length < batch && position < end;) {
      const first = position;
      position = Math.min(first + batch, end);
      const asked = prompts.at(Array.from({ length: position - first }, (_, i) => order(first + i)));
      const drawn =
        asked.length === 0 ? [] : await rollouts.draw(asked, hashString(`${seed}:${step}:${round}`), signal);
      // A round of over-long prompts alone costs next to nothing and does not count.
      if (drawn.length > 0) round += 1;
      all.push(...drawn);
      const scoresOf = ({ samples }: Group): number[] => samples.map(({ score }) => score);
      kept.push(...drawn.filter((one) => !options.dynamic_filtering || keepsGroup(scoresOf(one), options)));
    }
    return { all, kept, position };
  };

  /** Share of the stage that is over after so many steps, from 0 to 1: by its steps, or by its tokens if they are more. */
  const shareAfter = (steps: number): number =>
    Math.min(1, Math.max(steps / total, state.trained / token_budget));

  /** The optimiser steps of a batch. After the first, weights have changed: only that one can be stopped. */
  const update = async (step: number, examples: readonly TrainExample[], signal: AbortSignal) => {
    const updates = total * Math.ceil(batch / size) * epochs;
    const before = Math.round(shareAfter(step) * updates);
    const results: StepResult[] = [];
    let [lr, rows] = [0, 0];
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let i = 0; i < examples.length; i += size) {
        lr = learningRate(options, before + results.length, updates);
        const stop = results.length === 0 ? signal : undefined;
        const drawn = examples.slice(i, i + size);
        const learned = (await rollouts.arrange?.(drawn, trainer.steps)) ?? drawn;
        results.push(await trainer.step(learned, lr, stop));
        if (epoch === 0) rows += learned.reduce((n, example) => n + rowCount(example), 0);
      }
    }
    return { results, lr, rows };
  };

  return {
    total,
    trainer,
    async step(index, signal): Promise<StepReport> {
      const { all, kept, position } = await draw(index, signal);
      const examples = await examplesOf(kept.slice(0, batch), given, signal);
      signal.throwIfAborted();
      const { results, lr, rows } = await update(index, examples, signal);
      const trained = state.trained + rows;
      state = { position, trained };
      const finished = position >= end || trained >= token_budget;
      const { tooLong } = prompts;
      const warnings = [
        ...(results.length > 0 ? [] : ['no group of this batch was worth learning from: all were filtered']),
        ...(tooLong > 0 && (finished || index + 1 === total)
          ? [`${tooLong} prompts were too long and were left out`]
          : []),
      ];
      const sequences = all.flatMap(({ ids, samples }) => [ids, ...samples.map(({ tokens }) => tokens)]);
      return {
        // The budget may end the stage long before its prompts do.
        total: Math.min(total, Math.ceil((index + 1) / shareAfter(index + 1))),
        tokens: [...sequences.map(({ length }) => length), ...results.map(({ tokens }) => tokens)].reduce(
          (a, b) => a + b,
          0,
        ),
        metrics: {
          ...(all.length === 0 ? {} : rolloutMetrics(all, kept.length)),
          ...averaged(results, lr),
        },
        samples: someSamples(all),
        warnings,
        finished,
      };
    },
    state: () => state,
    restore(read) {
      state = saved.parse(read);
    },
  };
}
