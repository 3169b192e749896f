/**
 * Teacher rollouts: n answers a prompt, of which the well-formed and distinct ones are kept, with the teacher's
 * top-k log-probabilities at every token (STAR's teacher_rollout.py; correctness is not checked there either).
 */
import { isAbort, required, UserError } from '../../base/errors.ts';
import { hashString } from '../../base/rng.ts';
import type { TokenIds } from '../../base/token-ids.ts';
import type { Generator } from '../../model/generation.ts';
import type { Scorer as ModelScorer } from '../../model/scoring.ts';
import type { Tokenizer } from '../../chat/tokenizer.ts';
import type { RunEvent } from '../events.ts';
import type { PromptSet, ScoredPrompt } from '../prompts.ts';
import { memoryMb } from '../loop.ts';
import { hasBatch, type KeptPrompt, writeBatch } from '../rollout-store.ts';
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
): Promise<KeptPrompt[]> {
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
    samples: samples.map((sample, s) => {
      const { topIds, topLogprobs } = required(scored[i]?.[s], 'the scores of a sample');
      if (topLogprobs.some(Number.isNaN)) {
        throw new UserError(
          'NOT_A_NUMBER',
          `The teacher of stage ${options.name} gives probabilities that are not numbers; train its weights anew or copy them again.`,
        );
      }
      return { ...sample, top: { ids: topIds, logprobs: topLogprobs } };
    }),
  }));
}

/** Answers batch `number` and says what came of it; what is kept is stored last, so that the log has all that is. */
async function* answerBatch(
  options: RolloutOptions,
  number: number,
  total: number,
): AsyncGenerator<RunEvent> {
  const { name, prompts, count, batch, folder, now, seed, tokenizer, storedTopK: topK } = options;
  const start = now();
  const order = epochOrder(prompts.length, seed);
  const positions = Array.from({ length: Math.min(batch, count - number * batch) }, (_, i) =>
    order(number * batch + i),
  );
  const asked = prompts.at(positions);
  const drawn = await drawBatch(options, asked, hashString(`${seed}:${number}`));
  const kept = await withTeacher(options, asked, drawn.kept);
  const seconds = (now() - start) / 1000;
  const of = (n: number): number => n / Math.max(1, drawn.count);
  const tokens = drawn.tokens + asked.reduce((n, { ids }) => n + ids.length, 0);
  const step = number + 1;
  yield {
    type: 'step',
    stage: name,
    step,
    total,
    tokens,
    seconds,
    metrics: {
      reward: of(drawn.reward),
      valid: of(drawn.valid),
      kept: of(kept.reduce((n, { samples }) => n + samples.length, 0)),
      completion_tokens: of(drawn.tokens),
      tokens_per_second: seconds > 0 ? tokens / seconds : 0,
      memory_mb: memoryMb(),
    },
  };
  const samples = kept
    .slice(0, 2)
    .flatMap(({ id, prompt, samples: own }) =>
      own.slice(0, 2).map(({ text, reward }) => ({ id, prompt, generation: text, reward })),
    );
  if (samples.length > 0) yield { type: 'sample', stage: name, step, samples };
  const facts = { topK, vocabulary: tokenizer.fingerprint(), prompts: asked.length, drawn: drawn.count };
  writeBatch(folder, number, facts, kept);
}

/** Answers the prompts batch by batch; a batch that is on disk is not asked again. True when all are answered. */
export async function* runRollouts(options: RolloutOptions): AsyncGenerator<RunEvent, boolean> {
  const { name, prompts, count, batch, folder, signal } = options;
  const total = Math.ceil(count / batch);
  let done = 0;
  while (done < total && hasBatch(folder, done)) done += 1;
  yield { type: 'stage', stage: name, kind: 'rollout', total, done };
  for (; done < total; done++) {
    if (signal.aborted) return false;
    try {
      yield* answerBatch(options, done, total);
    } catch (thrown) {
      if (!isAbort(thrown, signal)) throw thrown;
      return false;
    }
  }
  const { tooLong } = prompts;
  if (tooLong > 0) {
    const text = `${tooLong} prompts were too long and were left out`;
    yield { type: 'warning', stage: name, text };
  }
  return true;
}
