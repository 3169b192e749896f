/**
 * GRPO as MENTOR runs it (arXiv 2510.18383): conversations in which calls are made, scored by the answer, by the tools
 * of a teacher's reference trajectory, and by whether the tools exist. What functions return is not learned.
 */
import { converse } from '../environment/conversation.ts';
import type { EnvironmentHost } from '../environment/environment.ts';
import type { Speech } from '../environment/speech.ts';
import type { WrittenCall } from '../chat/generation.ts';
import type { Generator } from '../model/generate/generation.ts';
import { FULL_MATCH, mentorReward, type MentorOptions } from '../rewards/mentor.ts';
import type { SteppedStage } from '../train/loop.ts';
import type { ToolProblems } from '../train/tool-problems.ts';
import {
  type Group,
  type GrpoOptions,
  grpoStage,
  type GroupSample,
  type Rollouts,
  type Sampling,
} from '../train/grpo.ts';
import { conversationParts, rowsOf } from '../train/tool-rollouts.ts';

export interface MentorStageOptions extends Omit<GrpoOptions, 'kind' | 'rollouts'> {
  readonly generator: Generator;
  readonly speech: Speech;
  readonly host: EnvironmentHost;
  readonly problems: ToolProblems;
  /** The calls of the teacher's reference trajectory, by the problem's id. */
  readonly teacher: ReadonlyMap<string, readonly WrittenCall[]>;
  readonly reward: MentorOptions;
  readonly sampling: Sampling;
  readonly maxTurns: number;
}

class Solutions implements Rollouts {
  readonly #options: MentorStageOptions;
  readonly #tools: ReadonlySet<string>;

  constructor(options: MentorStageOptions) {
    this.#options = options;
    this.#tools = new Set(options.host.tools.map(({ name }) => name));
  }

  get length(): number {
    return this.#options.problems.length;
  }

  get tooLong(): number {
    return this.#options.problems.tooLong;
  }

  async draw(indices: readonly number[], seed: number, signal: AbortSignal): Promise<Group[]> {
    const { problems, sampling, maxTurns, speech, teacher, reward } = this.#options;
    const asked = problems.at(indices);
    if (asked.length === 0) return [];
    const drawn = await converse(
      asked.map(({ ids, problem: { setting } }) => ({ ids, setting })),
      this.#options,
      { ...sampling, maxTurns, seed, signal },
    );
    return asked.flatMap(({ problem, text: prompt, ids }, i): Group[] => {
      const { id, answer } = problem;
      const task = { answer, tools: this.#tools, teacher: teacher.get(id) };
      const samples = (drawn[i] ?? []).map((conversation): GroupSample => {
        const { tokens, logprobs, response, end } = conversation;
        const score = mentorReward(reward, task, response);
        return {
          tokens,
          logprobs,
          rows: rowsOf(conversation),
          text: speech.tokenizer.decode(tokens),
          reward: score.reward,
          score: score.correct ? 1 : 0,
          truncated: end === 'length',
          parts: {
            ...conversationParts(conversation),
            accuracy: score.correct ? 1 : 0,
            tool_match: score.match / FULL_MATCH,
          },
        };
      });
      return samples.length === 0 ? [] : [{ id, prompt, ids, samples }];
    });
  }
}

/** A stage of reinforcement learning on conversations with functions. */
export function mentorStage(options: MentorStageOptions): SteppedStage {
  return grpoStage({ ...options, kind: 'mentor', rollouts: new Solutions(options) });
}
