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
import { type DrawnSample, entriesOf, type Metrics } from './events.ts';
import { rowCount, type TrainExample } from './examples.ts';
import { metricsOf, type StepReport, type SteppedStage } from './loop.ts';
import type { MetricName } from './metrics.ts';
import type { StepResult, Trainer } from './trainer.ts';
import { epochOrder } from './supervised.ts';

/** Sample that was drawn after a prompt, and its reward. */
export interface GroupSample {
  readonly tokens: TokenIds;
  /** Log-probability of each token under the policy that drew it. */
  readonly logprobs: Float32Array;
  /** Indices of the tokens that are learned from: what the policy chose itself. */
  readonly rows: readonly number[];
  /** For people. */
  readonly text: string;
  readonly reward: number;
  /** Score that dynamic filtering looks at, 0 to 1. */
  readonly score: number;
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
export interface Rollouts {
  /** Number of prompts. */
  readonly length: number;
  /** Number of prompts that were asked for and left out, over all calls. */
  readonly tooLong: number;
  /** Groups for the prompts at these indices, without those that are too long. */
  draw(indices: readonly number[], seed: number, signal: AbortSignal): Promise<Group[]>;
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

type Options = z.output<z.ZodObject<typeof grpoOptions>> & {
  readonly train_batch_size: number;
  readonly save_steps: number;
  readonly token_budget?: number;
};

export interface Grpo {
  readonly name: string;
  readonly kind: string;
  readonly trainer: Trainer;
  /** Scores under the reference policy; undefined when the KL coefficient is 0. */
  readonly reference: Scorer | undefined;
  readonly rollouts: Rollouts;
  readonly options: Options;
  readonly schedule: ScheduleOptions;
  readonly seed: number;
}

/** Most draws to fill a batch; then the stage goes on with what it has. */
const MAX_ROUNDS = 8;

interface Drawn {
  readonly all: readonly Group[];
  /** Worth learning from; a batch has room for the first of them only. */
  readonly kept: readonly Group[];
  /** Prompts asked so far, these included. */
  readonly position: number;
  readonly exhausted: boolean;
}

class GrpoRun {
  readonly #given: Grpo;
  readonly #order: (position: number) => number;
  /** Rollout batches of the stage at most. */
  readonly total: number;
  /** Groups an optimiser update. */
  readonly #updateGroups: number;
  /** Prompts asked so far. */
  position = 0;
  /** Tokens trained on so far. */
  trained = 0;

  constructor(given: Grpo) {
    this.#given = given;
    const { rollouts, options, seed } = given;
    this.#order = epochOrder(rollouts.length, seed);
    const byEpisodes = Math.ceil((options.num_episodes * rollouts.length) / options.rollout_batch_size);
    this.total = Math.min(options.steps ?? byEpisodes, byEpisodes);
    this.#updateGroups = Math.max(1, Math.round(options.train_batch_size / options.n_samples_per_prompt));
  }

  /** Draws prompts until enough groups are worth learning from. `position` moves only when the step succeeds. */
  async draw(step: number, signal: AbortSignal): Promise<Drawn> {
    const { rollouts, options, seed } = this.#given;
    const { rollout_batch_size: groups, dynamic_filtering } = options;
    const end = rollouts.length * options.num_episodes;
    let { position } = this;
    const all: Group[] = [];
    const kept: Group[] = [];
    for (let round = 0; round < MAX_ROUNDS && kept.length < groups && position < end;) {
      const count = Math.min(groups, end - position);
      const indices = Array.from({ length: count }, (_, i) => this.#order(position + i));
      const drawn = await rollouts.draw(indices, hashString(`${seed}:${step}:${round}`), signal);
      position += count;
      // A round of over-long prompts alone costs next to nothing and does not count.
      if (drawn.length > 0) round += 1;
      all.push(...drawn);
      const worthwhile = ({ samples }: Group): boolean =>
        !dynamic_filtering ||
        keepsGroup(
          samples.map(({ score }) => score),
          options,
        );
      kept.push(...drawn.filter(worthwhile));
    }
    return { all, kept, exhausted: position >= end, position };
  }

  /** Groups as training examples, with old and reference log-probabilities at every token that counts. */
  async examples(groups: readonly Group[], signal: AbortSignal): Promise<TrainExample[]> {
    const { reference, options } = this.#given;
    const trees = groups.map(({ ids, samples }) => ({
      prompt: ids,
      completions: samples.map(({ tokens }) => tokens),
    }));
    const scored = await reference?.score(trees, { signal });
    return groups.map(({ ids, samples }, b) => {
      const values = groupAdvantages(
        samples.map(({ reward }) => reward),
        options.advantage_estimator,
        options.reward_clip_range,
      );
      return {
        prompt: ids,
        completions: samples.map(({ tokens, logprobs, rows }, s) => {
          const at = (all: Float32Array): Float32Array => Float32Array.from(rows, (row) => all[row] ?? 0);
          const old = at(logprobs);
          const anchor = scored?.[b]?.[s]?.logprobs;
          return {
            tokens,
            rows,
            inputs: {
              advantages: new Float32Array(rows.length).fill(values[s] ?? 0),
              old_logprobs: old,
              ref_logprobs: anchor === undefined ? old : at(anchor),
            },
          };
        }),
      };
    });
  }

  /** Share of the stage that is over after so many steps, from 0 to 1: by its steps, or by its tokens if they are more. */
  share(steps: number): number {
    const { token_budget } = this.#given.options;
    const spent = token_budget === undefined ? 0 : this.trained / token_budget;
    return Math.min(1, Math.max(steps / this.total, spent));
  }

  /** The optimiser steps of a batch. After the first, weights have changed: only that one can be stopped. */
  async update(
    step: number,
    examples: readonly TrainExample[],
    signal: AbortSignal,
  ): Promise<{ results: StepResult[]; lr: number }> {
    const { trainer, schedule, options } = this.#given;
    const { max_epochs: epochs } = options;
    const { total } = this;
    const updateGroups = this.#updateGroups;
    const perStep = Math.ceil(options.rollout_batch_size / updateGroups) * epochs;
    const before = Math.round(this.share(step) * total * perStep);
    const results: StepResult[] = [];
    let lr = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let i = 0; i < examples.length; i += updateGroups) {
        lr = learningRate(schedule, before + results.length, total * perStep);
        const stop = results.length === 0 ? signal : undefined;
        results.push(await trainer.step(examples.slice(i, i + updateGroups), lr, stop));
      }
    }
    return { results, lr };
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);

function rolloutMetrics(all: readonly Group[], kept: number): Metrics {
  const samples = all.flatMap((group) => group.samples);
  const names = new Set(samples.flatMap(({ parts }) => Object.keys(parts) as MetricName[]));
  const parts = [...names].map((name) => [name, mean(samples.map((sample) => sample.parts[name] ?? 0))]);
  return {
    reward: mean(samples.map(({ reward }) => reward)),
    ...(Object.fromEntries(parts) as Metrics),
    filtered: 1 - kept / all.length,
    completion_tokens: mean(samples.map(({ tokens }) => tokens.length)),
    truncated: mean(samples.map(({ truncated }) => (truncated ? 1 : 0))),
  };
}

function averaged(results: readonly StepResult[], lr: number): Metrics {
  const last = results.at(-1);
  if (last === undefined) return {};
  const parts = Object.fromEntries(
    entriesOf(last.parts).map(([name]) => [name, mean(results.map((result) => result.parts[name] ?? 0))]),
  ) as Metrics;
  const loss = mean(results.map((result) => result.loss));
  const gradNorm = mean(results.map((result) => result.gradNorm));
  return metricsOf({ ...last, loss, parts, gradNorm }, lr);
}

function drawnSamples(groups: readonly Group[]): DrawnSample[] {
  return groups
    .slice(0, 2)
    .flatMap(({ id, prompt, samples }) =>
      samples.slice(0, 2).map(({ text, reward }) => ({ id, prompt, generation: text, reward })),
    );
}

const saved = z.object({ position: z.int().nonnegative(), trained: z.int().nonnegative() });

/** A stage of reinforcement learning on rewards computed in this process. */
export function grpoStage(given: Grpo): SteppedStage {
  const { name, kind, trainer, rollouts, options } = given;
  const { token_budget, rollout_batch_size: groups } = options;
  const run = new GrpoRun(given);
  const { total } = run;
  return {
    name,
    kind,
    total,
    trainer,
    saveSteps: options.save_steps,
    async step(index, signal): Promise<StepReport> {
      const { all, kept, exhausted, position } = await run.draw(index, signal);
      const examples = await run.examples(kept.slice(0, groups), signal);
      signal.throwIfAborted();
      const { results, lr } = await run.update(index, examples, signal);
      run.position = position;
      run.trained += examples.reduce((n, example) => n + rowCount(example), 0);
      const finished = exhausted || (token_budget !== undefined && run.trained >= token_budget);
      const { tooLong } = rollouts;
      const warnings = [
        ...(results.length > 0 ? [] : ['no group of this batch was worth learning from: all were filtered']),
        ...(tooLong > 0 && (finished || index + 1 === total)
          ? [`${tooLong} prompts were too long and were left out`]
          : []),
      ];
      const drawnTokens = all.reduce(
        (n, g) => n + g.ids.length + g.samples.reduce((m, s) => m + s.tokens.length, 0),
        0,
      );
      return {
        // The budget may end the stage long before its prompts do.
        total: Math.min(total, Math.ceil((index + 1) / run.share(index + 1))),
        tokens: drawnTokens + results.reduce((n, result) => n + result.tokens, 0),
        metrics: {
          ...(all.length === 0 ? {} : rolloutMetrics(all, kept.length)),
          ...averaged(results, lr),
        },
        samples: drawnSamples(all),
        warnings,
        finished,
      };
    },
    state: () => ({ position: run.position, trained: run.trained }),
    restore(state) {
      const { position, trained } = saved.parse(state);
      run.position = position;
      run.trained = trained;
    },
  };
}
