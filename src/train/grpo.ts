/**
 * GRPO (arXiv 2402.03300): n samples a prompt, a reward for each, advantages within the group, the clipped loss with
 * a KL penalty as a loss, and dynamic filtering if wanted. A step is one rollout batch with its optimiser updates. The
 * sampler's log-probabilities are the old ones: they equal a recomputation. What is drawn and what it earns is a
 * matter of the method that plugs in here.
 */
import { z } from 'zod';
import { hashString } from '../base/rng.ts';
import type { TokenIds } from '../base/token-ids.ts';
import type { GenerateOptions } from '../model/generate/generation.ts';
import type { Scorer as ModelScorer } from '../model/tree/scoring.ts';
import { learningRate, type ScheduleOptions } from '../tensor/optim/schedule.ts';
import { type AdvantageEstimator, type DynamicFilter, groupAdvantages, keepsGroup } from './advantages.ts';
import { type DrawnSample, entriesOf, type Metrics } from './events.ts';
import { rowCount, type TrainExample } from './examples.ts';
import { metricsOf, type StepReport, type SteppedStage } from './loop.ts';
import type { MetricName } from './metrics.ts';
import type { StepResult, Trainer } from './trainer.ts';
import { epochOrder } from './supervised.ts';

/** How samples are drawn. */
export type Sampling = Required<
  Pick<GenerateOptions, 'temperature' | 'topP' | 'topK' | 'maxTokens' | 'samples'>
>;

/** What was drawn after a prompt, and what it earned. */
export interface GroupSample {
  readonly tokens: TokenIds;
  /** Log-probability of each token under the policy that drew it. */
  readonly logprobs: Float32Array;
  /** Indices of the tokens that are learned from: what the policy chose itself. */
  readonly rows: readonly number[];
  /** For people. */
  readonly text: string;
  readonly reward: number;
  /** What dynamic filtering looks at, 0 to 1. */
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

/** Where a method's samples come from. */
export interface Rollouts {
  /** How many prompts there are. */
  readonly length: number;
  /** How many prompts were asked for and left out, over all calls. */
  readonly tooLong: number;
  /** Groups for the prompts at these indices, without those that are too long. */
  draw(indices: readonly number[], seed: number, signal: AbortSignal): Promise<Group[]>;
}

export interface GrpoOptions {
  readonly name: string;
  readonly kind: string;
  readonly trainer: Trainer;
  /** Scores under the reference policy; undefined when the KL coefficient is 0. */
  readonly reference: ModelScorer | undefined;
  readonly rollouts: Rollouts;
  /** Rollout batches of the stage at most. */
  readonly total: number;
  readonly episodes: number;
  /** Groups a rollout batch, after filtering. */
  readonly groups: number;
  /** Groups an optimiser update. */
  readonly updateGroups: number;
  /** Passes over each rollout batch. */
  readonly epochs: number;
  readonly advantages: AdvantageEstimator;
  readonly clipRange: readonly [number, number];
  readonly filter: DynamicFilter | undefined;
  readonly schedule: ScheduleOptions;
  readonly saveSteps: number;
  readonly tokenBudget: number | undefined;
  readonly seed: number;
}

/** How many times a batch may be drawn anew to fill it; then the stage goes on with what it has. */
const MAX_ROUNDS = 8;

interface Drawn {
  readonly all: readonly Group[];
  /** Worth learning from; a batch has room for the first of them only. */
  readonly kept: readonly Group[];
  /** Prompts asked so far, these included. */
  readonly position: number;
  readonly exhausted: boolean;
}

class Grpo {
  readonly #options: GrpoOptions;
  readonly #order: (position: number) => number;
  /** Prompts asked so far. */
  position = 0;
  /** Tokens trained on so far. */
  trained = 0;

  constructor(options: GrpoOptions) {
    this.#options = options;
    this.#order = epochOrder(options.rollouts.length, options.seed);
  }

  /** Draws prompts until enough groups are worth learning from. `position` moves only when the step succeeds. */
  async draw(step: number, signal: AbortSignal): Promise<Drawn> {
    const { groups, rollouts, episodes, filter, seed } = this.#options;
    const end = rollouts.length * episodes;
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
        filter === undefined ||
        keepsGroup(
          samples.map(({ score }) => score),
          filter,
        );
      kept.push(...drawn.filter(worthwhile));
    }
    return { all, kept, exhausted: position >= end, position };
  }

  /** Groups as training examples, with old and reference log-probabilities at every token that counts. */
  async examples(groups: readonly Group[], signal: AbortSignal): Promise<TrainExample[]> {
    const { reference, advantages, clipRange } = this.#options;
    const trees = groups.map(({ ids, samples }) => ({
      prompt: ids,
      completions: samples.map(({ tokens }) => tokens),
    }));
    const scored = await reference?.score(trees, { signal });
    return groups.map(({ ids, samples }, b) => {
      const values = groupAdvantages(
        samples.map(({ reward }) => reward),
        advantages,
        clipRange,
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

  /** How much of the stage is over after so many steps, from 0 to 1: by its steps, or by its tokens if they are more. */
  share(steps: number): number {
    const { total, tokenBudget } = this.#options;
    const spent = tokenBudget === undefined ? 0 : this.trained / tokenBudget;
    return Math.min(1, Math.max(steps / total, spent));
  }

  /** The optimiser steps of a batch. After the first, weights have changed: only that one can be stopped. */
  async update(
    step: number,
    examples: readonly TrainExample[],
    signal: AbortSignal,
  ): Promise<{ results: StepResult[]; lr: number }> {
    const { trainer, schedule, total, updateGroups, epochs, groups } = this.#options;
    const perStep = Math.ceil(groups / updateGroups) * epochs;
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
export function grpoStage(options: GrpoOptions): SteppedStage {
  const { name, kind, trainer, rollouts, total, groups, saveSteps, tokenBudget } = options;
  const run = new Grpo(options);
  return {
    name,
    kind,
    total,
    trainer,
    saveSteps,
    async step(index, signal): Promise<StepReport> {
      const { all, kept, exhausted, position } = await run.draw(index, signal);
      const examples = await run.examples(kept.slice(0, groups), signal);
      signal.throwIfAborted();
      const { results, lr } = await run.update(index, examples, signal);
      run.position = position;
      run.trained += examples.reduce((n, example) => n + rowCount(example), 0);
      const finished = exhausted || (tokenBudget !== undefined && run.trained >= tokenBudget);
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
