/** GRPO as STAR runs it: single answers to a dialogue's prompt, scored against its gold answer, filtered by the answer. */
import { required } from '../base/errors.ts';
import { policyGradient } from '../losses/all.ts';
import { loadReward } from '../rewards/index.ts';
import { samplingOf, type Sampler, type SamplingOptions } from '../sampling/sampler.ts';
import { rowsFrom } from '../train/examples.ts';
import type { Group, Rollouts } from '../train/grpo.ts';
import { promptLimit, type ScoredPrompt, scoredPrompts } from '../train/prompts.ts';
import { grpoProblems, openGrpo, reinforcementOptions } from './reinforcement.ts';
import { answerRewardOption } from './stage.ts';
import { defineTraining } from './training.ts';

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
      const { id, text: prompt, ids, scorer } = required(asked[index], 'the prompt of a group');
      groups[index] = {
        id,
        prompt,
        ids,
        samples: samples.map(({ text, tokens, logprobs, finish }) => {
          const { reward, format, answer } = scorer.score(text);
          return {
            tokens,
            logprobs,
            rows: rowsFrom(tokens),
            text,
            reward,
            score: answer,
            truncated: finish === 'length' && tokens.length >= sampling.generate_max_len,
            parts: { format_reward: format, answer_reward: answer },
          };
        }),
      };
    }
    return groups.filter((group) => group !== undefined);
  };

export const simrl = defineTraining({
  about: 'GRPO with the similarity-guided reward, or another one of single answers',
  options: { ...reinforcementOptions, reward: answerRewardOption },
  watch: ['reward', 'loss'],
  reads: () => 'train',
  check: grpoProblems,
  loss: policyGradient,
  async open(context, given, opening) {
    const { tokenizer, template, config } = opening.model;
    const prompts = scoredPrompts({
      stage: context.name,
      dialogues: context.dialogues('train').slice(0, given.prompts),
      tokenizer,
      template,
      reward: await loadReward(given.reward),
      maxTokens: promptLimit(context.name, given, config),
    });
    return openGrpo(context, given, opening, (sampler) => ({
      prompts,
      draw: answers(sampler, samplingOf(given)),
    }));
  },
});
