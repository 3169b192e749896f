/** Teacher trajectories: a model solves an environment's problems, and its right, distinct conversations are kept. */
import { isAbort, UserError } from '../base/errors.ts';
import { hashString } from '../base/rng.ts';
import type { Conversation } from '../environment/conversation.ts';
import type { EnvironmentHost } from '../environment/environment.ts';
import type { RolloutMode } from '../environment/rollout-mode.ts';
import type { Speech } from '../environment/speech.ts';
import { answersRightly } from '../rewards/mentor.ts';
import { withNotices } from '../sampling/notices.ts';
import type { Sampler, SamplingOptions } from '../sampling/sampler.ts';
import type { RunEvent } from './events.ts';
import { memoryMb } from './loop.ts';
import { claimTeacher } from './rollout-store.ts';
import type { Prompts, ToolPrompt } from './prompts.ts';
import {
  hasTrajectories,
  type StoredTrajectories,
  type Trajectory,
  writeTrajectories,
} from './trajectory-store.ts';
import { conversationParts, meanParts, rowsOf } from './tool-rollouts.ts';

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
  readonly batch: number;
  /** Conversations a problem that are kept at most. */
  readonly keep: number;
  /** Keep conversations without the right answer too. */
  readonly keepWrong: boolean;
  readonly seed: number;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** The conversations of a problem that are kept: right ones first, each once. */
function chosen(
  { keep, keepWrong }: TrajectoryOptions,
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
      .filter(({ conversation, correct }) => conversation.tokens.length > 0 && (correct || keepWrong))
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

/** Conversations about prompts, with notices of what is waited for before they are there, and who was not answered. */
async function* conversed(
  options: TrajectoryOptions,
  asked: readonly ToolPrompt[],
  number: number,
): AsyncGenerator<RunEvent, { drawn: Conversation[][]; failed: string[] }> {
  const { name, sampling, max_turns, rolloutMode, sampler, seed } = options;
  const failed: string[] = [];
  let drawn: Conversation[][] = [];
  const work = async function* (signal: AbortSignal): AsyncGenerator<RunEvent | Conversation[][]> {
    yield await rolloutMode.converse(
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
  };
  const waiting = (text: string): RunEvent => ({ type: 'waiting', stage: name, text });
  for await (const item of withNotices(work, sampler.notices, waiting, options.signal))
    if (Array.isArray(item)) drawn = item;
    else yield item;
  return { drawn, failed };
}

/** Warns of problems that were not answered; throws a UserError when they are too many. */
function* unanswered(
  { name, problems, max_failed }: TrajectoryOptions,
  failed: readonly string[],
  before: number,
): Generator<RunEvent> {
  const [first] = failed;
  if (first === undefined) return;
  const text = `${before + failed.length} of ${problems.length} problems were not answered (${first})`;
  if (before + failed.length > max_failed * problems.length)
    throw new UserError('TEACHER', `Stage ${name}: ${text}; run the same command to ask them again.`);
  yield { type: 'warning', stage: name, text };
}

/** Solves one batch and stores what is kept; returns how many problems were not answered, with those of batches before. */
async function* solveBatch(
  options: TrajectoryOptions,
  number: number,
  total: number,
  failures: number,
): AsyncGenerator<RunEvent, number> {
  const { name, problems, batch, now, folder, speech } = options;
  const start = now();
  const indices = Array.from(
    { length: Math.min(batch, problems.length - number * batch) },
    (_, i) => number * batch + i,
  );
  const asked = problems.at(indices);
  const { drawn, failed } = yield* conversed(options, asked, number);
  yield* unanswered(options, failed, failures);
  const kept = asked.flatMap((prompt, i): StoredTrajectories[] => {
    const samples = chosen(options, prompt, drawn[i] ?? []);
    return samples.length === 0 ? [] : [{ id: prompt.problem.id, prompt: prompt.ids, samples }];
  });
  const parts = drawn.flatMap((conversations, i) =>
    conversations.map((one) => ({
      ...conversationParts(one),
      accuracy: answersRightly(asked[i]?.problem.answer ?? '', one.response) ? 1 : 0,
      completion_tokens: one.tokens.length,
    })),
  );
  const seconds = (now() - start) / 1000;
  const tokens =
    drawn.flat().reduce((n, one) => n + one.tokens.length, 0) +
    asked.reduce((n, { ids }) => n + ids.length, 0);
  const share = kept.reduce((n, { samples }) => n + samples.length, 0) / Math.max(1, parts.length);
  const step = number + 1;
  yield {
    type: 'step',
    stage: name,
    step,
    total,
    tokens,
    seconds,
    metrics: {
      ...meanParts(parts),
      kept: share,
      tokens_per_second: seconds > 0 ? tokens / seconds : 0,
      memory_mb: memoryMb(),
    },
  };
  const samples = asked.slice(0, 2).flatMap(({ problem, text: prompt }, i) =>
    (drawn[i] ?? []).slice(0, 2).map((one) => ({
      id: problem.id,
      prompt,
      generation: speech.tokenizer.decode(one.tokens),
      reward: answersRightly(problem.answer, one.response) ? 1 : 0,
    })),
  );
  if (samples.length > 0) yield { type: 'sample', stage: name, step, samples };
  // Last, so that the log has all that is stored.
  writeTrajectories(folder, number, {
    vocabulary: speech.tokenizer.fingerprint(),
    problems: asked.length,
    drawn: parts.length,
    kept,
  });
  return failures + failed.length;
}

/** Solves the problems batch by batch; a batch that is on disk is not asked again. True when all are done. */
export async function* runTrajectories(options: TrajectoryOptions): AsyncGenerator<RunEvent, boolean> {
  const { name, problems, batch, folder, signal, sampler } = options;
  const total = Math.ceil(problems.length / batch);
  let done = 0;
  while (done < total && hasTrajectories(folder, done)) done += 1;
  yield { type: 'stage', stage: name, kind: 'trajectories', total, done };
  try {
    if (done < total) {
      signal.throwIfAborted();
      const warnings = (await sampler.check?.({ ...options.sampling, signal })) ?? [];
      for (const text of warnings) yield { type: 'warning', stage: name, text };
      if (sampler.served !== undefined && sampler.served !== '') claimTeacher(folder, sampler.served);
    }
    let failures = 0;
    for (; done < total; done++) {
      signal.throwIfAborted();
      failures = yield* solveBatch(options, done, total, failures);
    }
  } catch (thrown) {
    if (!isAbort(thrown, signal)) throw thrown;
    return false;
  }
  if (problems.tooLong > 0)
    yield {
      type: 'warning',
      stage: name,
      text: `${problems.tooLong} problems were too long and were left out`,
    };
  return true;
}
