/** Teacher trajectories: a model solves an environment's problems, and its right, distinct conversations are kept. */
import { hashString } from '../base/rng.ts';
import type { Conversation } from '../environment/conversation.ts';
import type { EnvironmentHost } from '../environment/environment.ts';
import type { RolloutMode } from '../environment/rollout-mode.ts';
import type { Speech } from '../environment/speech.ts';
import { answersRightly } from '../rewards/mentor.ts';
import type { Sampler, SamplingOptions } from '../sampling/sampler.ts';
import { asking, unanswered } from './asking.ts';
import { meanMetrics, type RunEvent, someSamples, stepEvent } from './events.ts';
import type { Prompts, ToolPrompt } from './prompts.ts';
import {
  hasTrajectories,
  type StoredTrajectories,
  type Trajectory,
  writeTrajectories,
} from './trajectory-store.ts';
import { conversationParts, rowsOf } from './tool-rollouts.ts';

export interface TrajectoryOptions {
  readonly name: string;
  readonly problems: Prompts<ToolPrompt>;
  readonly host: EnvironmentHost;
  readonly rolloutMode: RolloutMode;
  readonly speech: Speech;
  readonly sampler: Sampler;
  readonly sampling: SamplingOptions;
  readonly max_turns: number;
  /** Share of the problems that may stay unanswered. */
  readonly max_failed: number;
  /** Problems a batch; a batch is saved when it is done. */
  readonly rollout_batch_size: number;
  /** Conversations a problem that are kept at most. */
  readonly keep: number;
  /** Keep conversations without the right answer too. */
  readonly keep_wrong: boolean;
  readonly seed: number;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** The conversations of a problem that are kept: right ones first, each once. */
function chosen(
  { keep, keep_wrong }: TrajectoryOptions,
  { problem }: ToolPrompt,
  conversations: readonly Conversation[],
): Trajectory[] {
  const seen = new Set<string>();
  const judged = conversations.map((conversation) => ({
    conversation,
    correct: answersRightly(problem.answer, conversation.response),
  }));
  return (
    judged
      // An agent whose first step never worked has said nothing that stays.
      .filter(({ conversation, correct }) => conversation.tokens.length > 0 && (correct || keep_wrong))
      .toSorted((a, b) => Number(b.correct) - Number(a.correct))
      .filter(({ conversation: { tokens } }) => !seen.has(tokens.join()) && seen.add(tokens.join()))
      .slice(0, keep)
      .map(({ conversation, correct }) => ({
        tokens: conversation.tokens,
        rows: rowsOf(conversation),
        correct,
      }))
  );
}

/** A batch of problems with the conversations about each, and who was not answered. */
interface Solved {
  readonly number: number;
  readonly start: number;
  readonly asked: readonly ToolPrompt[];
  readonly drawn: readonly (readonly Conversation[])[];
  readonly failed: readonly string[];
}

/** Solves a batch of problems. */
async function solve(options: TrajectoryOptions, number: number, signal: AbortSignal): Promise<Solved> {
  const { problems, rollout_batch_size: batch, sampling, max_turns, rolloutMode, seed, now } = options;
  const start = now();
  const first = number * batch;
  const count = Math.min(batch, problems.length - first);
  const asked = problems.at(Array.from({ length: count }, (_, i) => first + i));
  const failed: string[] = [];
  const drawn = await rolloutMode.converse(
    asked.map(({ problem, ...prompt }) => ({ ...prompt, setting: problem.setting })),
    options,
    {
      ...sampling,
      max_turns,
      seed: hashString(`${seed}:${number}`),
      signal,
      onFailure: (i, why) => void failed.push(`${asked[i]?.problem.id ?? ''}: ${why}`),
    },
  );
  return { number, start, asked, drawn, failed };
}

/** Says what came of a batch, and stores last what is kept, so that the log has all that is stored. */
function* settle(options: TrajectoryOptions, total: number, solved: Solved): Generator<RunEvent> {
  const { name: stage, now, folder, speech } = options;
  const { number, start, asked, drawn } = solved;
  const kept = asked.flatMap((prompt, i): StoredTrajectories[] => {
    const samples = chosen(options, prompt, drawn[i] ?? []);
    return samples.length === 0 ? [] : [{ id: prompt.problem.id, prompt: prompt.ids, samples }];
  });
  const rewardOf = ({ problem }: ToolPrompt, { response }: Conversation): number =>
    answersRightly(problem.answer, response) ? 1 : 0;
  const parts = asked.flatMap((prompt, i) =>
    (drawn[i] ?? []).map((one) => ({
      ...conversationParts(one),
      accuracy: rewardOf(prompt, one),
      completion_tokens: one.tokens.length,
    })),
  );
  const step = number + 1;
  yield stepEvent({
    stage,
    step,
    total,
    tokens: [...drawn.flat().map(({ tokens }) => tokens), ...asked.map(({ ids }) => ids)].reduce(
      (n, { length }) => n + length,
      0,
    ),
    seconds: (now() - start) / 1000,
    metrics: {
      ...meanMetrics(parts),
      kept: kept.reduce((n, { samples }) => n + samples.length, 0) / Math.max(1, parts.length),
    },
  });
  const samples = someSamples(
    asked,
    (_, i) => drawn[i] ?? [],
    (prompt, one) => ({
      id: prompt.problem.id,
      prompt: prompt.text,
      generation: speech.tokenizer.decode(one.tokens),
      reward: rewardOf(prompt, one),
    }),
  );
  if (samples.length > 0) yield { type: 'sample', stage, step, samples };
  writeTrajectories(folder, number, speech.tokenizer.fingerprint(), kept);
}

/**
 * Solves the problems batch by batch until all are done; a batch that is on disk is not asked again. Throws the signal's
 * reason when it fires.
 */
export async function* runTrajectories(
  options: TrajectoryOptions,
): AsyncGenerator<RunEvent, void, undefined> {
  const { name: stage, problems, rollout_batch_size: batch, folder, max_failed } = options;
  const total = Math.ceil(problems.length / batch);
  let done = 0;
  while (done < total && hasTrajectories(folder, done)) done += 1;
  yield { type: 'stage', stage, kind: 'trajectories', total, done };
  if (done < total) {
    const draw = async function* (signal: AbortSignal): AsyncGenerator<Solved> {
      for (let number = done; number < total; number++) {
        signal.throwIfAborted();
        yield await solve(options, number, signal);
      }
    };
    let count = 0;
    for await (const item of asking(options, options.sampling, draw)) {
      if ('type' in item) {
        yield item;
        continue;
      }
      const [first] = item.failed;
      count += item.failed.length;
      if (first !== undefined)
        yield unanswered(
          stage,
          { count, of: `${problems.length} problems`, first },
          max_failed * problems.length,
        );
      yield* settle(options, total, item);
    }
  }
  if (problems.tooLong > 0) {
    const text = `${problems.tooLong} problems were too long and were left out`;
    yield { type: 'warning', stage, text };
  }
}
