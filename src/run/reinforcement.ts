/** The stages of reinforcement learning: Sim-RL on single answers, MENTOR on conversations with functions. */
import { Generator } from '../model/generate/generation.ts';
import { Scorer } from '../model/tree/scoring.ts';
import { CONVERSATION } from '../environment/manner.ts';
import { rewardNamed } from '../rewards/index.ts';
import { PromptSet } from '../train/prompts.ts';
import type { GrpoOptions, Sampling } from '../train/grpo.ts';
import { mentorStage } from '../stages/mentor.ts';
import { simRlStage } from '../stages/simrl.ts';
import { ToolProblems } from '../train/tool-problems.ts';
import type { StageOf } from '../stages/schema.ts';
import {
  dialoguesOf,
  openModel,
  type OpenModel,
  promptLimit,
  type RunContext,
  seedOf,
  sourceOf,
  stageFolder,
} from './context.ts';
import { openHost, problemsOf, referenceCalls, speechOf, trajectoriesOf } from './environments.ts';
import { type Opened, scheduleOf, trainerFor } from './trainer.ts';

type RlStage = StageOf<'simrl' | 'mentor'>;

/** How a stage draws its samples. */
export function samplingOf(
  stage: Pick<RlStage, 'temperature' | 'top_p' | 'top_k' | 'generate_max_len' | 'n_samples_per_prompt'>,
): Sampling {
  return {
    temperature: stage.temperature,
    topP: stage.top_p,
    topK: stage.top_k,
    maxTokens: stage.generate_max_len,
    samples: stage.n_samples_per_prompt,
  };
}

interface Common extends Disposable {
  readonly generator: Generator;
  readonly options: Omit<GrpoOptions, 'rollouts' | 'kind'>;
}

/** What both kinds have in common; `prompts` is how many there are. */
function common(run: RunContext, stage: RlStage, model: OpenModel, prompts: number): Common {
  const trainer = trainerFor(model, stage, stageFolder(run, stage.name));
  const generator = new Generator(run.device, model.config, sourceOf(model));
  // What LoRA began from is still there; otherwise the stage's first model is loaded a second time.
  const base = model.training?.base;
  const anchored = stage.init_kl_coef > 0;
  const anchor =
    anchored && base === undefined
      ? openModel(run, stage.model, { trainable: false, dtype: stage.compute_dtype })
      : undefined;
  const before = base ?? anchor?.parameters;
  const reference =
    anchored && before !== undefined ? new Scorer(run.device, model.config, before) : undefined;
  const byEpisodes = Math.ceil((stage.num_episodes * prompts) / stage.rollout_batch_size);
  return {
    generator,
    options: {
      name: stage.name,
      trainer,
      reference,
      total: Math.min(stage.steps ?? byEpisodes, byEpisodes),
      episodes: stage.num_episodes,
      groups: stage.rollout_batch_size,
      updateGroups: Math.max(1, Math.round(stage.train_batch_size / stage.n_samples_per_prompt)),
      epochs: stage.max_epochs,
      advantages: stage.advantage_estimator,
      clipRange: stage.reward_clip_range,
      filter: stage.dynamic_filtering
        ? { range: stage.dynamic_filtering_range, minDiff: stage.dynamic_filtering_min_diff }
        : undefined,
      schedule: scheduleOf(stage),
      saveSteps: stage.save_steps,
      tokenBudget: stage.token_budget,
      seed: seedOf(run.recipe, stage),
    },
    [Symbol.dispose]() {
      generator[Symbol.dispose]();
      reference?.[Symbol.dispose]();
      anchor?.[Symbol.dispose]();
    },
  };
}

/** Opens a stage of Sim-RL. */
export function simrl(run: RunContext, stage: StageOf<'simrl'>, model: OpenModel): Opened {
  const { tokenizer, template } = model;
  const prompts = new PromptSet({
    stage: stage.name,
    dialogues: dialoguesOf(run, 'train').slice(0, stage.prompts),
    tokenizer,
    template,
    reward: rewardNamed(stage.reward),
    maxTokens: promptLimit(stage, model.config),
  });
  const shared = common(run, stage, model, prompts.length);
  const { options, generator } = shared;
  return {
    stage: simRlStage({ ...options, generator, tokenizer, prompts, sampling: samplingOf(stage) }),
    [Symbol.dispose]: () => shared[Symbol.dispose](),
  };
}

/** Opens a stage of MENTOR, on the problems that its trajectories stage solved, or on all if it has none. */
export async function mentor(run: RunContext, stage: StageOf<'mentor'>, model: OpenModel): Promise<Opened> {
  const host = await openHost(run, stage.environment);
  try {
    const speech = speechOf(model);
    const all = await problemsOf(run, host, stage.environment, 'train');
    const teacher =
      stage.data === undefined ? undefined : referenceCalls(trajectoriesOf(run, stage.data, model), model);
    const problems = new ToolProblems({
      stage: stage.name,
      problems: all.filter(({ id }) => teacher?.has(id) ?? true).slice(0, stage.prompts),
      prompt: (question) => CONVERSATION.prompt(speech, question, host),
      maxTokens: promptLimit(stage, model.config),
    });
    const shared = common(run, stage, model, problems.length);
    return {
      stage: mentorStage({
        ...shared.options,
        generator: shared.generator,
        speech,
        host,
        problems,
        teacher: teacher ?? new Map(),
        reward: { variant: stage.reward, argumentWeight: stage.argument_weight },
        sampling: samplingOf(stage),
        maxTurns: stage.max_turns,
      }),
      [Symbol.dispose]() {
        shared[Symbol.dispose]();
        host[Symbol.dispose]();
      },
    };
  } catch (thrown) {
    host[Symbol.dispose]();
    throw thrown;
  }
}
