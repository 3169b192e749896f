/** GRPO as STAR runs it: single answers to a dialogue's prompt, scored against its gold answer, filtered by the answer. */
import { required } from '../base/errors.ts';
import type { Dialogue } from '../chat/messages.ts';
import type { Series } from '../data/dialogues.ts';
import { policyGradient } from '../losses/all.ts';
import type { samplingOptions } from '../model/generate/sampler.ts';
import { loadReward } from '../rewards/index.ts';
import { type Drawn, samplingOf, type Sampler, type SamplingOptions } from '../sampling/sampler.ts';
import { rowsFrom } from '../train/examples.ts';
import type { Group, Rollouts } from '../train/grpo.ts';
import { promptLimit, type ScoredPrompt, scoredPrompts } from '../train/prompts.ts';
import { grpoProblems, openGrpo, reinforcementOptions } from './reinforcement.ts';
import {
  answerRewardOption,
  type Learner,
  type lengthOptions,
  type OptionsOf,
  type StageContext,
} from './stage.ts';
import { defineTraining } from './training.ts';

/** An answer with what it earns, without further facts. */
export function scoredSample({ scorer }: ScoredPrompt, { text, tokens }: Pick<Drawn, 'text' | 'tokens'>) {
  const { reward, format, answer } = scorer.score(text);
  const parts = { format_reward: format, answer_reward: answer };
  return { text, tokens, rows: rowsFrom(tokens), reward, score: answer, parts };
}

/** Single answers of a sampler, each with its reward. */
const answers =
  (sampler: Sampler, sampling: SamplingOptions): Rollouts<ScoredPrompt>['draw'] =>
  async (asked, seed, signal) => {
    const drawn = sampler.sample(
      asked.map(({ text, ids }) => ({ text, ids })),
      { ...sampling, skip_special_tokens: false, seed, signal },
    );
    const groups: (Group | undefined)[] = asked.map(() => undefined);
    // Each group is scored as soon as it is there, while others are still being drawn.
    for await (const { index, samples } of drawn) {
      const asks = required(asked[index], 'the prompt of a group');
      const { id, text: prompt, ids } = asks;
      groups[index] = {
        id,
        prompt,
        ids,
        samples: samples.map((sample) => ({
          ...scoredSample(asks, sample),
          logprobs: sample.logprobs,
          truncated: sample.finish === 'length' && sample.tokens.length >= sampling.generate_max_len,
        })),
      };
    }
    return groups.filter((group) => group !== undefined);
  };

const options = { ...reinforcementOptions, reward: answerRewardOption };
type Drawing = OptionsOf<typeof lengthOptions & typeof samplingOptions> &
  Pick<OptionsOf<typeof options>, 'prompts' | 'reward' | 'n_samples_per_prompt'>;

/** Prompts of dialogues, and answers to them that are drawn and scored as a stage's options say. */
export async function scoredRollouts(
  context: StageContext,
  given: Drawing,
  { tokenizer, template, config }: Learner,
  dialogues: Series<Dialogue> = context.dialogues('train'),
): Promise<(sampler: Sampler) => Rollouts<ScoredPrompt>> {
  const prompts = scoredPrompts({
    stage: context.name,
    dialogues: dialogues.slice(0, given.prompts),
    tokenizer,
    template,
    reward: await loadReward(given.reward),
    maxTokens: promptLimit(context.name, given, config),
  });
  return (sampler) => ({ prompts, draw: answers(sampler, samplingOf(given)) });
}

export const simrl = defineTraining({
  about: 'GRPO with the similarity-guided reward, or another one of single answers',
  options,
  watch: ['reward', 'loss'],
  reads: () => 'train',
  check: grpoProblems,
  loss: policyGradient,
  async open(context, given, opening) {
    return openGrpo(context, given, opening, await scoredRollouts(context, given, opening.model));
  },
});
