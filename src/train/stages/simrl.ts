/**
 * GRPO (arXiv 2402.03300) as STAR runs it: n samples a prompt, a reward for each, advantages within the group,
 * dynamic filtering on the answer score, the clipped loss with a KL penalty as a loss. A step is one rollout batch
 * with its optimiser updates. The sampler's log-probabilities are the old ones: they equal a recomputation.
 */
import { z } from 'zod';
import { hashString } from '../../base/rng.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import type { Generator, Sample } from '../../model/generation.ts';
import type { Scorer as ModelScorer } from '../../model/scoring.ts';
import { learningRate, type ScheduleOptions } from '../../tensor/schedule.ts';
import { type AdvantageEstimator, type DynamicFilter, groupAdvantages, keepsGroup } from '../advantages.ts';
import type { DrawnSample, Metrics } from '../events.ts';
import { rowCount, rowsFrom, type TrainExample } from '../examples.ts';
import { metricsOf, type StepReport, type SteppedStage } from '../loop.ts';
import type { PromptSet, ScoredPrompt } from '../prompts.ts';
import type { StepResult, Trainer } from '../trainer.ts';
import type { SamplingOptions } from './rollout.ts';
import { epochOrder } from './supervised.ts';

export interface SimRlOptions {
  readonly name: string;
  readonly trainer: Trainer;
  readonly generator: Generator;
  /** Scores under the reference policy; undefined when the KL coefficient is 0. */
  readonly reference: ModelScorer | undefined;
  readonly tokenizer: Tokenizer;
  readonly prompts: PromptSet;
  readonly sampling: SamplingOptions;
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

/** The samples of one prompt with what they earned. */
interface Group {
  readonly prompt: ScoredPrompt;
  readonly samples: readonly Sample[];
  readonly texts: readonly string[];
  readonly rewards: readonly number[];
  readonly formats: readonly number[];
  readonly answers: readonly number[];
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

class SimRl {
  readonly #options: SimRlOptions;
  readonly #order: (position: number) => number;
  /** Prompts asked so far. */
  position = 0;
  /** Tokens trained on so far. */
  trained = 0;

  constructor(options: SimRlOptions) {
    this.#options = options;
    this.#order = epochOrder(options.prompts.length, options.seed);
  }

  async #answer(prompts: readonly ScoredPrompt[], seed: number, signal: AbortSignal): Promise<Group[]> {
    const { generator, sampling, tokenizer } = this.#options;
    const drawn = await generator.generate(
      prompts.map(({ ids }) => ids),
      { ...sampling, stopIds: [tokenizer.eosId], seed, signal },
    );
    return prompts.flatMap((prompt, i) => {
      const samples = drawn[i] ?? [];
      const texts = samples.map(({ tokens }) => tokenizer.decode(tokens));
      const scores = texts.map((text) => prompt.scorer.score(text));
      if (samples.length === 0) return [];
      return [
        {
          prompt,
          samples,
          texts,
          rewards: scores.map(({ reward }) => reward),
          formats: scores.map(({ format }) => format),
          answers: scores.map(({ answer }) => answer),
        },
      ];
    });
  }

  /** Draws prompts until enough groups are worth learning from. `position` moves only when the step succeeds. */
  async draw(step: number, signal: AbortSignal): Promise<Drawn> {
    const { groups, prompts, episodes, filter, seed } = this.#options;
    const end = prompts.length * episodes;
    let { position } = this;
    const all: Group[] = [];
    const kept: Group[] = [];
    for (let round = 0; round < MAX_ROUNDS && kept.length < groups && position < end;) {
      const count = Math.min(groups, end - position);
      const asked = prompts.at(Array.from({ length: count }, (_, i) => this.#order(position + i)));
      position += count;
      // A round of over-long prompts alone costs next to nothing and does not count.
      if (asked.length === 0) continue;
      const drawn = await this.#answer(asked, hashString(`${seed}:${step}:${round}`), signal);
      round += 1;
      all.push(...drawn);
      kept.push(...drawn.filter(({ answers }) => filter === undefined || keepsGroup(answers, filter)));
    }
    return { all, kept, exhausted: position >= end, position };
  }

  /** Groups as training examples, with old and reference log-probabilities at every token. */
  async examples(groups: readonly Group[], signal: AbortSignal): Promise<TrainExample[]> {
    const { reference, advantages, clipRange } = this.#options;
    const trees = groups.map(({ prompt, samples }) => ({
      prompt: prompt.ids,
      completions: samples.map((s) => s.tokens),
    }));
    const scored = await reference?.score(trees, { signal });
    return groups.map(({ prompt, samples, rewards }, b) => {
      const values = groupAdvantages(rewards, advantages, clipRange);
      return {
        prompt: prompt.ids,
        completions: samples.map(({ tokens, logprobs }, s) => ({
          tokens,
          rows: rowsFrom(tokens),
          inputs: {
            advantages: new Float32Array(tokens.length).fill(values[s] ?? 0),
            old_logprobs: logprobs,
            ref_logprobs: scored?.[b]?.[s]?.logprobs ?? logprobs,
          },
        })),
      };
    });
  }

  /** The optimiser steps of a batch. After the first, weights have changed: only that one can be stopped. */
  async update(
    step: number,
    examples: readonly TrainExample[],
    signal: AbortSignal,
  ): Promise<{ results: StepResult[]; lr: number }> {
    const { trainer, schedule, total, updateGroups, epochs, groups } = this.#options;
    const perPass = Math.ceil(groups / updateGroups);
    const results: StepResult[] = [];
    let lr = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let i = 0; i < examples.length; i += updateGroups) {
        const done = step * perPass * epochs + results.length;
        lr = learningRate(schedule, done, total * perPass * epochs);
        const stop = results.length === 0 ? signal : undefined;
        results.push(await trainer.step(examples.slice(i, i + updateGroups), lr, stop));
      }
    }
    return { results, lr };
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);

function rolloutMetrics(all: readonly Group[], kept: number, maxTokens: number): Metrics {
  const samples = all.flatMap((group) => group.samples);
  return {
    reward: mean(all.flatMap((group) => group.rewards)),
    format_reward: mean(all.flatMap((group) => group.formats)),
    answer_reward: mean(all.flatMap((group) => group.answers)),
    filtered: 1 - kept / all.length,
    completion_tokens: mean(samples.map(({ tokens }) => tokens.length)),
    truncated: mean(
      samples.map(({ finish, tokens }) => (finish === 'length' && tokens.length >= maxTokens ? 1 : 0)),
    ),
  };
}

function averaged(results: readonly StepResult[], lr: number): Metrics {
  const last = results.at(-1);
  if (last === undefined) return {};
  const parts = Object.fromEntries(
    Object.keys(last.parts).map((name) => [name, mean(results.map((result) => result.parts[name] ?? 0))]),
  );
  const loss = mean(results.map((result) => result.loss));
  const gradNorm = mean(results.map((result) => result.gradNorm));
  return metricsOf({ ...last, loss, parts, gradNorm }, lr);
}

function drawnSamples(groups: readonly Group[]): DrawnSample[] {
  return groups.slice(0, 2).flatMap(({ prompt, texts, rewards }) =>
    texts.slice(0, 2).map((generation, i) => ({
      id: prompt.id,
      prompt: prompt.text,
      generation,
      reward: rewards[i] ?? 0,
    })),
  );
}

const saved = z.object({ position: z.int(), trained: z.int() });

/** A stage of reinforcement learning on rewards computed in this process. */
export function simRlStage(options: SimRlOptions): SteppedStage {
  const { name, trainer, prompts, total, groups, saveSteps, sampling, tokenBudget } = options;
  const run = new SimRl(options);
  return {
    name,
    kind: 'simrl',
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
      const { tooLong } = prompts;
      const warnings = [
        ...(results.length > 0 ? [] : ['no group of this batch was worth learning from: all were filtered']),
        ...(tooLong > 0 && (finished || index + 1 === total)
          ? [`${tooLong} prompts were too long and were left out`]
          : []),
      ];
      const drawnTokens = all.reduce(
        (n, g) => n + g.prompt.ids.length + g.samples.reduce((m, s) => m + s.tokens.length, 0),
        0,
      );
      return {
        tokens: drawnTokens + results.reduce((n, result) => n + result.tokens, 0),
        metrics: {
          ...(all.length === 0 ? {} : rolloutMetrics(all, kept.length, sampling.maxTokens)),
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
