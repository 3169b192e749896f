/** GRPO as STAR runs it: single answers to a dialogue's prompt, scored against its gold answer, filtered by the answer. */
import type { Tokenizer } from '../../chat/tokenizer.ts';
import type { Generator } from '../../model/generation.ts';
import { rowsFrom } from '../examples.ts';
import type { SteppedStage } from '../loop.ts';
import type { PromptSet } from '../prompts.ts';
import { type Group, type GrpoOptions, grpoStage, type Rollouts, type Sampling } from './grpo.ts';

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
    const drawn = await generator.generate(
      asked.map(({ ids }) => ids),
      { ...sampling, stopIds: [tokenizer.eosId], seed, signal },
    );
    return asked.flatMap(({ id, text: prompt, ids, scorer }, i): Group[] => {
      const samples = (drawn[i] ?? []).map(({ tokens, logprobs, finish }) => {
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
      return samples.length === 0 ? [] : [{ id, prompt, ids, samples }];
    });
  }
}

/** A stage of reinforcement learning on single answers. */
export function simRlStage(options: SimRlOptions): SteppedStage {
  return grpoStage({ ...options, kind: 'simrl', rollouts: new Answers(options) });
}
