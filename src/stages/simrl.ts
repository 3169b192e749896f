/** GRPO as STAR runs it: single answers to a dialogue's prompt, scored against its gold answer, filtered by the answer. */
import { required } from '../base/errors.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import type { Generator } from '../model/generate/generation.ts';
import { rowsFrom } from '../train/examples.ts';
import type { SteppedStage } from '../train/loop.ts';
import type { PromptSet } from '../train/prompts.ts';
import { type Group, type GrpoOptions, grpoStage, type Rollouts, type Sampling } from '../train/grpo.ts';

export interface SimRlOptions extends Omit<GrpoOptions, 'kind' | 'rollouts'> {
  readonly generator: Generator;
  readonly tokenizer: Tokenizer;
  readonly prompts: PromptSet;
  readonly sampling: Sampling;
}

/** Single answers, each with its reward. */
class Answers implements Rollouts {
  readonly #options: SimRlOptions;

  constructor(options: SimRlOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#options.prompts.length;
  }

  get tooLong(): number {
    return this.#options.prompts.tooLong;
  }

  async draw(indices: readonly number[], seed: number, signal: AbortSignal): Promise<Group[]> {
    const { generator, sampling, tokenizer, prompts } = this.#options;
    const asked = prompts.at(indices);
    if (asked.length === 0) return [];
    const stream = generator.stream(
      asked.map(({ ids }) => ids),
      { ...sampling, stopIds: tokenizer.stopIds, seed, signal },
    );
    const groups: (Group | undefined)[] = asked.map(() => undefined);
    // Each group is scored as soon as it is there, while others are still being drawn.
    for await (const { prompt: index, samples: drawn } of stream) {
      const { id, text: prompt, ids, scorer } = required(asked[index], 'the prompt of a group');
      const samples = drawn.map(({ tokens, logprobs, finish }) => {
        const text = tokenizer.decode(tokens);
        const { reward, format, answer } = scorer.score(text);
        return {
          tokens,
          logprobs,
          rows: rowsFrom(tokens),
          text,
          reward,
          score: answer,
          truncated: finish === 'length' && tokens.length >= sampling.maxTokens,
          parts: { format_reward: format, answer_reward: answer },
        };
      });
      groups[index] = { id, prompt, ids, samples };
    }
    return groups.filter((group) => group !== undefined);
  }
}

/** A stage of reinforcement learning on single answers. */
export function simRlStage(options: SimRlOptions): SteppedStage {
  return grpoStage({ ...options, kind: 'simrl', rollouts: new Answers(options) });
}
