/** Teacher trajectories: a model solves an environment's problems, and its right, distinct conversations are kept. */
import { hashString } from '../base/rng.ts';
import type { Conversation, Voice } from '../../packages/environments/src/conversation.ts';
import type { RolloutMode } from '../../packages/environments/src/rollout-mode.ts';
import { answersRightly } from '../rewards/mentor.ts';
import type { Sampler, SamplingOptions } from '../sampling/sampler.ts';
import { asking, unanswered } from './asking.ts';
import {
  meanMetrics,
  type Metrics,
  type RunEvent,
  sampleEvents,
  SHOWN,
  type StageRun,
  stepEvent,
} from './events.ts';
import type { Prompts, ToolPrompt } from './prompts.ts';
import { hasTrajectories, type Trajectory, writeTrajectories } from './trajectory-store.ts';

/** Indices of a conversation's own tokens: what functions returned is read, and not learned. */
export const rowsOf = ({ drawn }: Pick<Conversation, 'drawn'>): number[] =>
  Array.from(drawn.keys()).filter((i) => drawn[i] === 1);

export function conversationParts({ calls, turns, end }: Conversation): Metrics {
  return {
    calls: calls.length,
    failed_calls: calls.length === 0 ? 0 : calls.filter(({ result }) => !result.ok).length / calls.length,
    turns: turns.length,
    truncated: end === 'length' ? 1 : 0,
  };
}

export interface TrajectoryOptions extends StageRun, Voice {
  readonly problems: Prompts<ToolPrompt>;
  readonly rolloutMode: RolloutMode;
  readonly sampler: Sampler;
  readonly sampling: SamplingOptions;
  readonly max_turns: number;
  /** Share of the problems that may stay unanswered. */
  readonly max_failed: number;
  readonly rollout_batch_size: number;
  /** Conversations a problem that are kept at most. */
  readonly keep: number;
  readonly keep_wrong: boolean;
}

/** A batch of problems, and who was not answered. */
type Batch = Awaited<ReturnType<typeof solve>>;
/** A problem with the conversations about it, and whether each ends with the right answer. */
type Solved = Batch['solved'][number];

/** The conversations of a problem that are kept: right ones first, each once. */
function chosen({ keep, keep_wrong }: TrajectoryOptions, { drawn }: Solved): Trajectory[] {
  // An agent whose first step never worked has said nothing that stays.
  const said = drawn.filter(({ tokens, correct }) => tokens.length > 0 && (correct || keep_wrong));
  const distinct = new Map<string, Trajectory>();
  for (const one of said.toSorted((a, b) => Number(b.correct) - Number(a.correct))) {
    const { tokens, correct } = one;
    const key = tokens.join();
    if (!distinct.has(key)) distinct.set(key, { tokens, rows: rowsOf(one), correct });
  }
  return [...distinct.values()].slice(0, keep);
}

async function solve(options: TrajectoryOptions, number: number, signal: AbortSignal) {
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
  const solved = asked.map((prompt, i) => ({
    prompt,
    drawn: (drawn[i] ?? []).map((one) => ({
      ...one,
      correct: answersRightly(prompt.problem.answer, one.response),
    })),
  }));
  return { number, start, solved, failed };
}

/** Says what came of a batch, and stores last what is kept, so that the log has all that is stored. */
function* settle(options: TrajectoryOptions, total: number, batch: Batch): Generator<RunEvent> {
  const { name: stage, now, folder, speech } = options;
  const { number, start, solved } = batch;
  const kept = solved.flatMap((one) => {
    const { problem, ids: prompt } = one.prompt;
    const samples = chosen(options, one);
    return samples.length === 0 ? [] : [{ id: problem.id, prompt, samples }];
  });
  const all = solved.flatMap(({ drawn }) => drawn);
  const sequences = [...all.map(({ tokens }) => tokens), ...solved.map(({ prompt }) => prompt.ids)];
  const step = number + 1;
  yield stepEvent({
    stage,
    step,
    total,
    tokens: sequences.reduce((n, { length }) => n + length, 0),
    seconds: (now() - start) / 1000,
    metrics: {
      ...meanMetrics(
        all.map((one) => ({
          ...conversationParts(one),
          accuracy: Number(one.correct),
          completion_tokens: one.tokens.length,
        })),
      ),
      kept: kept.reduce((n, { samples }) => n + samples.length, 0) / Math.max(1, all.length),
    },
  });
  const shown = solved.slice(0, SHOWN).map(({ prompt: { problem, text: prompt }, drawn }) => ({
    id: problem.id,
    prompt,
    samples: drawn.map(({ tokens, correct }) => ({
      text: speech.tokenizer.decode(tokens),
      reward: Number(correct),
    })),
  }));
  yield* sampleEvents(stage, step, shown);
  writeTrajectories(folder, number, speech.tokenizer.fingerprint(), kept);
}

/**
 * Solves the problems batch by batch until all are done; a batch that is on disk is not asked again. Throws the signal's
 * reason when it fires.
 */
export async function* runTrajectories(options: TrajectoryOptions): AsyncGenerator<RunEvent> {
  const { name: stage, kind, problems, rollout_batch_size: batch, folder, max_failed } = options;
  const total = Math.ceil(problems.length / batch);
  let done = 0;
  while (done < total && hasTrajectories(folder, done)) done += 1;
  yield { type: 'stage', stage, kind, total, done };
  if (done < total) {
    const draw = async function* (signal: AbortSignal): AsyncGenerator<Batch> {
      for (let number = done; number < total; number++) {
        signal.throwIfAborted();
        yield await solve(options, number, signal);
      }
    };
    let count = 0;
    yield* asking(options, options.sampler, options.sampling, draw, function* (solved): Generator<RunEvent> {
      const [first] = solved.failed;
      count += solved.failed.length;
      const failed = { count, of: `${problems.length} problems` };
      if (first !== undefined) yield unanswered(stage, { ...failed, first }, max_failed * problems.length);
      yield* settle(options, total, solved);
    });
  }
  if (problems.tooLong > 0) {
    const text = `${problems.tooLong} problems were too long and were left out`;
    yield { type: 'warning', stage, text };
  }
}
