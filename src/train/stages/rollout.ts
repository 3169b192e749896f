/**
 * Teacher rollouts: n answers a prompt, of which the well-formed and distinct ones are kept, with the teacher's
 * top-k log-probabilities at every token (STAR's teacher_rollout.py; correctness is not checked there either).
 */
import { errorText } from '../../base/errors.ts';
import { hashString } from '../../base/rng.ts';
import type { TokenIds } from '../../base/token-ids.ts';
import type { Generator } from '../../model/generation.ts';
import type { Scorer as ModelScorer } from '../../model/scoring.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import type { RunEvent } from '../events.ts';
import type { PromptSet, ScoredPrompt } from '../prompts.ts';
import { hasBatch, type StoredPrompt, type StoredSample, writeBatch } from '../rollout-store.ts';
import { epochOrder } from './supervised.ts';

export interface SamplingOptions {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly maxTokens: number;
  readonly samples: number;
}

export interface RolloutOptions {
  readonly name: string;
  readonly prompts: PromptSet;
  /** How many prompts are answered. */
  readonly count: number;
  /** Prompts a batch; a batch is saved when it is done. */
  readonly batch: number;
  readonly sampling: SamplingOptions;
  readonly storedTopK: number;
  /** Keep well-formed, finished answers only. */
  readonly validityFilter: boolean;
  readonly rewardThreshold: number | undefined;
  readonly seed: number;
  readonly generator: Generator;
  readonly scorer: ModelScorer;
  readonly tokenizer: Tokenizer;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

interface Drawn {
  readonly text: string;
  readonly tokens: TokenIds;
  readonly reward: number;
}

/** Draws and filters the answers of one batch of prompts. */
async function drawBatch(options: RolloutOptions, prompts: readonly ScoredPrompt[], seed: number) {
  const { generator, sampling, tokenizer, signal, validityFilter, rewardThreshold } = options;
  const drawn = await generator.generate(
    prompts.map(({ ids }) => ids),
    { ...sampling, stopIds: [tokenizer.eosId], seed, signal },
  );
  let valid = 0;
  let reward = 0;
  const kept = drawn.map((samples, i) => {
    const seen = new Set<string>();
    return samples.flatMap(({ tokens, finish }): Drawn[] => {
      const text = tokenizer.decode(tokens);
      const score = prompts[i]?.scorer.score(text);
      if (score === undefined) return [];
      reward += score.reward;
      const wellFormed = score.format === 1 && finish !== 'length';
      if (wellFormed) valid += 1;
      else if (validityFilter) return [];
      if (seen.has(text) || (rewardThreshold !== undefined && score.reward < rewardThreshold)) return [];
      seen.add(text);
      return [{ text, tokens, reward: score.reward }];
    });
  });
  const count = drawn.reduce((n, samples) => n + samples.length, 0);
  const tokens = drawn.flat().reduce((n, sample) => n + sample.tokens.length, 0);
  return { kept, valid, reward, count, tokens };
}

async function withTeacher(
  options: RolloutOptions,
  prompts: readonly ScoredPrompt[],
  kept: readonly (readonly Drawn[])[],
): Promise<StoredPrompt[]> {
  const answered = prompts.flatMap((prompt, i) => {
    const samples = kept[i] ?? [];
    return samples.length === 0 ? [] : [{ prompt, samples }];
  });
  const trees = answered.map(({ prompt, samples }) => ({
    prompt: prompt.ids,
    completions: samples.map((s) => s.tokens),
  }));
  const scored = await options.scorer.score(trees, { topK: options.storedTopK, signal: options.signal });
  return answered.map(({ prompt, samples }, i) => ({
    id: prompt.id,
    prompt: prompt.text,
    promptIds: prompt.ids,
    samples: samples.flatMap((sample, s): StoredSample[] => {
      const top = scored[i]?.[s];
      return top === undefined ? [] : [{ ...sample, topIds: top.topIds, topLogprobs: top.topLogprobs }];
    }),
  }));
}

/** Answers the prompts batch by batch; a batch that is on disk is not asked again. */
export async function* runRollouts(options: RolloutOptions): AsyncGenerator<RunEvent> {
  const { name, prompts, count, batch, folder, signal, now, seed } = options;
  const total = Math.ceil(count / batch);
  const order = epochOrder(prompts.length, seed);
  let done = 0;
  while (done < total && hasBatch(folder, done)) done += 1;
  yield { type: 'stage', stage: name, kind: 'rollout', total, done };
  for (; done < total; done++) {
    if (signal.aborted) return;
    const start = now();
    const positions = Array.from({ length: Math.min(batch, count - done * batch) }, (_, i) =>
      order(done * batch + i),
    );
    const asked = prompts.at(positions);
    try {
      const drawn = await drawBatch(options, asked, hashString(`${seed}:${done}`));
      const stored = await withTeacher(options, asked, drawn.kept);
      const facts = {
        topK: options.storedTopK,
        vocabSize: options.tokenizer.vocabSize,
        prompts: asked.length,
        drawn: drawn.count,
      };
      writeBatch(folder, done, facts, stored);
      const kept = stored.flatMap((p) => p.samples);
      const seconds = (now() - start) / 1000;
      const of = (n: number): number => n / Math.max(1, drawn.count);
      const tokens = drawn.tokens + asked.reduce((n, { ids }) => n + ids.length, 0);
      yield {
        type: 'step',
        stage: name,
        step: done + 1,
        total,
        tokens,
        seconds,
        metrics: {
          reward: of(drawn.reward),
          valid: of(drawn.valid),
          kept: of(kept.length),
          completion_tokens: of(drawn.tokens),
          tokens_per_second: tokens / seconds,
          memory_mb: process.memoryUsage().rss / 2 ** 20,
        },
      };
      const samples = stored
        .slice(0, 2)
        .flatMap(({ id, prompt, samples: own }) =>
          own.slice(0, 2).map(({ text, reward }) => ({ id, prompt, generation: text, reward })),
        );
      yield { type: 'sample', stage: name, step: done + 1, samples };
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      yield { type: 'warning', stage: name, text: `stopped in batch ${done + 1}: ${errorText(thrown)}` };
      return;
    }
  }
  if (prompts.tooLong > 0) {
    yield {
      type: 'warning',
      stage: name,
      text: `${prompts.tooLong} prompts were longer than prompt_max_len and were left out`,
    };
  }
}
