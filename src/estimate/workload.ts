/**
 * What a stage does, as far as its memory and time depend on it: how many steps, and of which sizes. Answers are taken
 * to be as long as the data's own, up to `generate_max_len`; nothing that is drawn is taken to be dropped.
 */
import { rowCount, type TrainExample } from '../train/examples.ts';
import { GROUP_LIMIT } from '../stages/lessons.ts';
import type { Recipe } from '../recipe/schema.ts';
import type { Stage, StageOf, TrainingStage } from '../stages/index.ts';
import { answeredExample, groupedExample, type Lengths, mean } from './lengths.ts';
import {
  cycled,
  fitting,
  generation,
  type Limits,
  longest,
  type TrainingWork,
  updatesOf,
  type Workload,
  type WorkloadSource,
} from './work.ts';

/** How many prompts a rollout stage asks. */
function rolloutPrompts(source: WorkloadSource, stage: StageOf<'rollout'>): number {
  return Math.min(stage.prompts ?? Infinity, source.dialogues('train').length);
}

function trees(lengths: Lengths, stage: Limits): TrainExample[] {
  return lengths.groups.flatMap((group) => {
    const own = fitting(group, stage);
    return own.length === 0 ? [] : [groupedExample(own, 1, Infinity)];
  });
}

const meanRows = (examples: readonly TrainExample[]): number => mean(examples.map(rowCount));

/** Updates, or steps, that a stage's token budget leaves when each trains on so many tokens. */
function withinBudget({ token_budget: budget }: TrainingStage, updates: number, tokens: number): number {
  return budget === undefined ? updates : Math.min(updates, Math.ceil(budget / Math.max(1, tokens)));
}

/** One update's examples, and how many updates there are. */
function supervised(
  stage: StageOf<'sft' | 'distill' | 'dpo'>,
  examples: readonly TrainExample[],
  sequences: number,
): TrainingWork {
  const each = Math.max(1, mean(examples.map(({ completions }) => completions.length)));
  const count = Math.max(1, Math.round(Math.min(sequences, stage.max_samples ?? Infinity) / each));
  const perUpdate = Math.min(count, Math.max(1, Math.round(stage.train_batch_size / each)));
  const updates = Math.floor((count * stage.max_epochs) / perUpdate);
  return {
    stage,
    ...updatesOf(examples, perUpdate, withinBudget(stage, updates, perUpdate * meanRows(examples))),
  };
}

function learning(source: WorkloadSource, stage: StageOf<'sft' | 'distill' | 'dpo'>): Workload {
  const { recipe } = source;
  const from = recipe.stages.find(({ name }) => name === stage.data);
  const of = (training: TrainingWork): Workload => ({
    steps: training.updates,
    training,
    generation: [],
    stored: 0,
  });
  if (stage.kind === 'sft' && stage.data === 'train') {
    const lengths = source.lengths(stage.model, 'train');
    return of(supervised(stage, trees(lengths, stage), source.dialogues('train').length));
  }
  if (from?.kind !== 'rollout') {
    const sequences = from?.kind === 'trajectories' ? (from.problems ?? 1000) : 1000;
    return of(
      supervised(
        stage,
        longest(stage).map((one) => answeredExample(one, 1, stage.generate_max_len)),
        sequences,
      ),
    );
  }
  const lengths = source.lengths(stage.model, 'train');
  const prompts = rolloutPrompts(source, from);
  if (stage.kind === 'dpo') {
    const pairs = fitting(lengths.dialogues, stage).map((one) =>
      answeredExample(one, 2, from.generate_max_len),
    );
    const count = Math.min(prompts, stage.max_samples ?? Infinity);
    const perUpdate = Math.min(count, stage.train_batch_size);
    const all = Math.floor((count * stage.max_epochs) / perUpdate);
    const updates = withinBudget(stage, all, perUpdate * meanRows(pairs));
    return of({ stage, ...updatesOf(pairs, perUpdate, updates) });
  }
  const samples = from.n_samples_per_prompt;
  const together = Math.max(1, Math.floor((2 * GROUP_LIMIT) / samples));
  const answered =
    from.by_tools && together > 1
      ? lengths.groups.map((group) =>
          groupedExample(group.slice(0, together), samples, from.generate_max_len),
        )
      : fitting(lengths.dialogues, stage).map((one) => answeredExample(one, samples, from.generate_max_len));
  return of(supervised(stage, answered, prompts * samples));
}

function reinforcement(source: WorkloadSource, stage: StageOf<'simrl' | 'mentor'>): Workload {
  const isTools = stage.kind === 'mentor';
  const lengths = isTools ? longest(stage) : fitting(source.lengths(stage.model, 'train').dialogues, stage);
  const all = isTools
    ? (stage.prompts ?? trainProblems(source.recipe, stage.environment))
    : Math.min(stage.prompts ?? Infinity, source.dialogues('train').length);
  const byEpisodes = Math.ceil((stage.num_episodes * all) / stage.rollout_batch_size);
  const { n_samples_per_prompt: samples, rollout_batch_size: prompts } = stage;
  const examples = lengths.map((one) => answeredExample(one, samples, stage.generate_max_len));
  const most = Math.min(stage.steps ?? byEpisodes, byEpisodes);
  const steps = withinBudget(stage, most, prompts * meanRows(examples));
  const perUpdate = Math.max(1, Math.round(stage.train_batch_size / samples));
  const updates = steps * stage.max_epochs * Math.ceil(prompts / perUpdate);
  return {
    steps,
    training: { stage, ...updatesOf(examples, Math.min(prompts, perUpdate), updates) },
    generation: [
      generation(stage.model, stage, lengths, { samples, prompts, calls: steps, byTools: isTools }),
    ],
    ...(stage.init_kl_coef > 0
      ? {
          scoring: {
            model: stage.model,
            examples: cycled(examples, prompts),
            topK: 0,
            calls: steps,
            beside: stage.lora === undefined,
          },
        }
      : {}),
    stored: 0,
  };
}

function trainProblems(recipe: Recipe, name: string): number {
  const environment = recipe.environments?.[name];
  return environment !== undefined && 'train' in environment ? environment.train : 1000;
}

function rollout(source: WorkloadSource, stage: StageOf<'rollout'>): Workload {
  const lengths = fitting(source.lengths(stage.model, 'train').dialogues, stage);
  const count = rolloutPrompts(source, stage);
  const { rollout_batch_size: batch, n_samples_per_prompt: samples, kd_topk: topK } = stage;
  const calls = Math.ceil(count / batch);
  const prompts = Math.min(batch, count);
  const answer = mean(lengths.map(({ target }) => Math.min(target, stage.generate_max_len)));
  // Two or three bytes an id and two a log-probability: see teacher/topk/format.ts.
  const stored = count * samples * answer * (5 * topK + 5);
  if (stage.teacher !== undefined || stage.from !== undefined)
    return { steps: calls, generation: [], stored };
  return {
    steps: calls,
    generation: [
      generation(stage.model, stage, lengths, { samples, prompts, calls, byTools: stage.by_tools }),
    ],
    scoring: {
      model: stage.model,
      examples: cycled(
        lengths.map((one) => answeredExample(one, samples, stage.generate_max_len)),
        prompts,
      ),
      topK,
      calls,
      beside: false,
    },
    stored,
  };
}

function evaluation(source: WorkloadSource, stage: StageOf<'eval'>): Workload {
  const count = Math.min(stage.limit ?? Infinity, source.dialogues('test').length);
  const calls = Math.ceil(count / stage.rollout_batch_size);
  const prompts = Math.min(count, stage.rollout_batch_size);
  return {
    steps: calls * Object.keys(stage.models).length,
    generation: Object.values(stage.models).map((model) =>
      generation(model, stage, fitting(source.lengths(model, 'test').dialogues, stage), {
        samples: 1,
        prompts,
        calls,
        batch: stage.rollout_batch_size,
        byTools: true,
      }),
    ),
    stored: 0,
  };
}

function tools(source: WorkloadSource, stage: StageOf<'trajectories' | 'tool_eval'>): Workload {
  const isEvaluation = stage.kind === 'tool_eval';
  const count = isEvaluation ? 400 : (stage.problems ?? trainProblems(source.recipe, stage.environment));
  const calls = Math.ceil(count / stage.rollout_batch_size);
  const samples = isEvaluation ? 1 : stage.n_samples_per_prompt;
  const models = isEvaluation ? Object.values(stage.models) : [stage.model];
  return {
    steps: calls * models.length,
    generation: models.map((model) =>
      generation(model, stage, longest(stage), {
        samples,
        prompts: Math.min(count, stage.rollout_batch_size),
        calls,
        byTools: true,
      }),
    ),
    stored: 0,
  };
}

/** The work of a stage. */
export function workloadOf(source: WorkloadSource, stage: Stage): Workload {
  switch (stage.kind) {
    case 'pretrain': {
      const groups = Math.max(1, Math.round(stage.train_batch_size / GROUP_LIMIT));
      const examples = updatesOf(trees(source.lengths(stage.model, 'train'), stage), groups, stage.steps);
      return {
        steps: stage.steps,
        training: { stage, ...examples },
        generation: [],
        stored: 0,
      };
    }
    case 'sft':
    case 'distill':
    case 'dpo':
      return learning(source, stage);
    case 'simrl':
    case 'mentor':
      return reinforcement(source, stage);
    case 'rollout':
      return rollout(source, stage);
    case 'eval':
      return evaluation(source, stage);
    case 'trajectories':
    case 'tool_eval':
      return tools(source, stage);
    // A benchmark's prompts are not known before it is asked.
    default:
      return { steps: 1, generation: [], stored: 0 };
  }
}
