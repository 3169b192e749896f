/**
 * GRPO as MENTOR runs it (arXiv 2510.18383): conversations in which calls are made, scored by the answer, by the tools
 * of a teacher's reference trajectory, and by whether the tools exist. What functions return is not learned. Names and
 * defaults are those of MENTOR's scripts and its verl configuration.
 */
import type { WrittenCall } from '../chat/formats/format.ts';
import { converse, type Voice } from '../../packages/environments/src/conversation.ts';
import type { EnvironmentHost } from '../../packages/environments/src/environment.ts';
import { CONVERSATION } from '../../packages/environments/src/rollout-mode.ts';
import { Speech } from '../../packages/environments/src/speech.ts';
import { callsAnywhere } from '../../packages/environments/src/turn.ts';
import { policyGradient } from '../losses/all.ts';
import { loadConversationReward, MODULE_PATH } from '../rewards/index.ts';
import type { ConversationOptions, ConversationReward } from '../rewards/reward.ts';
import { samplingOf, type SamplingOptions } from '../sampling/sampler.ts';
import type { Group, GroupSample, Rollouts } from '../train/grpo.ts';
import { promptLimit, type ToolPrompt, toolPrompts } from '../train/prompts.ts';
import { conversationParts, rowsOf } from '../train/trajectories.ts';
import type { StoredTrajectories } from '../train/trajectory-store.ts';
import { storedTrajectories } from './lessons.ts';
import { grpoProblems, openGrpo, reinforcementOptions } from './reinforcement.ts';
import { conversationRewardOption, count, fraction, type OpenModel, refersTo, toolOptions } from './stage.ts';
import { defineTraining } from './training.ts';

const options = {
  ...reinforcementOptions,
  environment: toolOptions.environment,
  data: refersTo('trajectories')
    .exactOptional()
    .describe(
      'the trajectories stage with the reference trajectories; its problems are the ones learned from',
    ),
  reward: conversationRewardOption,
  argument_weight: fraction
    .default(0)
    .describe("share of the tool match that is Sim-RL's similarity of the calls, arguments included"),
  max_turns: toolOptions.max_turns,
  num_episodes: count.default(2).describe('passes over the problems'),
  rollout_batch_size: count.default(32).describe('problems a rollout batch'),
  n_samples_per_prompt: count.min(2).default(10),
  train_batch_size: count.default(80).describe('conversations an optimiser step'),
  temperature: reinforcementOptions.temperature.default(0.6),
  top_k: reinforcementOptions.top_k.default(20),
  top_p: reinforcementOptions.top_p.default(0.99),
  kl_estimator: reinforcementOptions.kl_estimator.default('k3'),
  entropy_coef: reinforcementOptions.entropy_coef.default(1e-3),
  dynamic_filtering: reinforcementOptions.dynamic_filtering.default(false),
  lr: reinforcementOptions.lr.default(1e-6),
  lr_scheduler: reinforcementOptions.lr_scheduler.default('constant'),
  warmup_ratio: reinforcementOptions.warmup_ratio.default(0),
  prompt_max_len: reinforcementOptions.prompt_max_len.default(1536),
  generate_max_len: reinforcementOptions.generate_max_len
    .default(8192)
    .describe('tokens of a conversation after its prompt, results included'),
};

export interface ConversationsOptions extends Voice {
  /** The calls of the teacher's reference trajectory, by the problem's id. */
  readonly teacher: ReadonlyMap<string, readonly WrittenCall[]>;
  readonly reward: ConversationReward;
  readonly scoring: ConversationOptions;
  readonly sampling: SamplingOptions;
  readonly max_turns: number;
}

/** Conversations in which calls are made, each with its reward. */
export function conversations(options: ConversationsOptions): Rollouts<ToolPrompt>['draw'] {
  const { sampling, max_turns, speech, host, teacher, reward, scoring } = options;
  const tools = new Set(host.tools.map(({ name }) => name));
  return async (asked, seed, signal) => {
    const drawn = await converse(
      asked.map(({ problem: { setting }, ...prompt }) => ({ ...prompt, setting })),
      options,
      { ...sampling, max_turns, seed, signal },
    );
    return asked.flatMap(({ problem, text: prompt, ids }, i): Group[] => {
      const { id, answer } = problem;
      const task = { answer, tools, teacher: teacher.get(id) };
      const samples = (drawn[i] ?? []).map((conversation): GroupSample => {
        const { tokens, logprobs, response, end } = conversation;
        const score = reward.converse(task, response, scoring);
        const accuracy = Number(score.correct);
        return {
          tokens,
          logprobs,
          rows: rowsOf(conversation),
          text: speech.tokenizer.decode(tokens),
          reward: score.reward,
          score: accuracy,
          truncated: end === 'length',
          parts: { ...conversationParts(conversation), accuracy, tool_match: score.toolMatch },
        };
      });
      return samples.length === 0 ? [] : [{ id, prompt, ids, samples }];
    });
  };
}

/** The calls of each problem's reference trajectory: the first that was kept. */
function referenceCalls(
  stored: readonly StoredTrajectories[],
  { tokenizer, template: { format } }: Pick<OpenModel, 'tokenizer' | 'template'>,
  { tools }: Pick<EnvironmentHost, 'tools'>,
): Map<string, readonly WrittenCall[]> {
  return new Map(
    stored.flatMap(({ id, samples: [first] }) => {
      if (first === undefined) return [];
      const words = first.rows.map((row) => first.tokens[row] ?? 0);
      return [[id, callsAnywhere([tokenizer.decode(words)], { format, tools })]];
    }),
  );
}

export const mentor = defineTraining({
  about: "GRPO on conversations with functions, with MENTOR's composite reward or one of its variants",
  options,
  watch: ['reward', 'loss'],
  *check(given, { stage, environment: environmentNamed }) {
    const { data, reward, environment } = given;
    if (data === undefined && !MODULE_PATH.test(reward) && reward !== 'sparse')
      yield [
        'data',
        `is missing, and the reward ${reward} compares with a teacher's trajectories; name a trajectories stage, or set reward to sparse.`,
      ];
    if (environmentNamed(environment)?.['rollout_mode'] === 'agent')
      yield [
        'environment',
        `is ${environment}, whose rollout_mode is agent: the tries that failed are not in its chains, so that there is nothing to reinforce; use an environment whose rollout_mode is conversation.`,
      ];
    const other = stage(data)?.['environment'];
    if (typeof other === 'string' && other !== environment)
      yield [
        'environment',
        `is ${environment}, and the trajectories of ${String(data)} are of ${other}; make them one.`,
      ];
    yield* grpoProblems(given);
  },
  loss: policyGradient,
  async open(context, given, opening) {
    const { model, held } = opening;
    const reward = await loadConversationReward(given.reward);
    const environment = held.add(await context.openEnvironment(given.environment));
    const { host } = environment;
    const speech = new Speech(model.tokenizer, model.template);
    const all = await environment.problems('train');
    const teacher =
      given.data === undefined
        ? undefined
        : referenceCalls(storedTrajectories(context, given.data, model), model, host);
    const prompts = toolPrompts(
      context.name,
      all.filter(({ id }) => teacher?.has(id) ?? true).slice(0, given.prompts),
      promptLimit(context.name, given, model.config),
      (question) => CONVERSATION.prompt(speech, question, host),
    );
    return openGrpo(context, given, opening, (sampler) => ({
      prompts,
      draw: conversations({
        sampler,
        speech,
        host,
        teacher: teacher ?? new Map(),
        reward,
        scoring: given,
        sampling: samplingOf(given),
        max_turns: given.max_turns,
      }),
    }));
  },
});
