/**
 * Sizes of what a stage does, as far as its memory and disk depend on them, from its options' names alone. Answers are
 * taken to be as long as the data's own, up to generate_max_len; nothing that is drawn is taken to be dropped.
 */
import { asTokenIds } from '../base/token-ids.ts';
import type { Dialogues } from '../data/dialogues.ts';
import type { TaskDialogue } from '../data/reading.ts';
import type { Recipe } from '../recipe/schema.ts';
import { kindOf, lossOf, outputsModel, type Stage, type TrainingStage } from '../stages/index.ts';
import type { SamplingOptions } from '../sampling/sampler.ts';
import { GROUP_LIMIT } from '../stages/lessons.ts';
import { rowsFrom, type TrainCompletion, type TrainExample } from '../train/examples.ts';
import { epochOrder } from '../train/supervised.ts';
import type { DialogueLength, Lengths, PromptLength } from './lengths.ts';

/** Answers that a model draws at a time. */
export interface GenerationWork {
  readonly model: string;
  readonly prompts: readonly PromptLength[];
  readonly sampling: SamplingOptions;
  /** Tokens of an answer, on average. */
  readonly answer: number;
}

/** Answers whose probabilities a model gives at a time. */
export interface ScoringWork {
  readonly model: string;
  readonly examples: readonly TrainExample[];
  readonly topK: number;
  /** Tells whether its weights are in memory beside the ones that are trained. */
  readonly beside: boolean;
}

export interface Workload {
  /** Examples of a few updates: their batches are of different layouts, whose graphs are kept. */
  readonly training?: {
    readonly stage: TrainingStage;
    readonly updates: readonly (readonly TrainExample[])[];
  };
  /** One for each model. */
  readonly generation: readonly GenerationWork[];
  readonly scoring?: ScoringWork;
  /** Bytes that it leaves on the disk beside a model. */
  readonly stored: number;
}

/** Facts that a workload is worked out from. */
export interface WorkloadSource {
  readonly recipe: Recipe;
  readonly lengths: (reference: string, split: 'train' | 'test') => Lengths;
  readonly dialogues: (split: 'train' | 'test') => Dialogues<TaskDialogue>;
}

/** Options that sizes depend on, of whichever kinds have them. */
interface Sizes {
  readonly models?: Readonly<Record<string, string>>;
  readonly model?: string;
  readonly data?: string;
  readonly environment?: string;
  readonly teacher?: unknown;
  readonly from?: string;
  readonly by_tools?: boolean;
  readonly prompts?: number;
  readonly problems?: number;
  readonly limit?: number;
  readonly rollout_batch_size?: number;
  readonly n_samples_per_prompt?: number;
  readonly temperature?: number;
  readonly prompt_max_len?: number;
  readonly generate_max_len: number;
  readonly kd_topk?: number;
  readonly init_kl_coef?: number;
}

/** Updates whose layouts are looked at, at most. */
const UPDATES = 6;
/** Problems of an environment that does not say how many it has. */
const PROBLEMS = 1000;

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;

/** `count` of `items`, over and over. */
const cycled = <T>(items: readonly T[], count: number): T[] =>
  Array.from({ length: items.length === 0 ? 0 : count }, (_, i) => items[i % items.length]).flatMap((item) =>
    item === undefined ? [] : [item],
  );

const blank = (length: number): ReturnType<typeof asTokenIds> =>
  asTokenIds(new Int32Array(Math.max(1, length)));

/** A completion of `length` tokens of which those from `start` on count. */
function blankCompletion(length: number, start = 0): TrainCompletion {
  const tokens = blank(length);
  return { tokens, rows: rowsFrom(tokens, Math.min(start, tokens.length - 1)), inputs: {} };
}

/** Dialogues as one tree behind the first `shared` tokens, each with `samples` answers. */
function treeOf(
  dialogues: readonly DialogueLength[],
  shared: number,
  samples: number,
  longest: number,
): TrainExample {
  const completions = dialogues.flatMap(({ prompt, target }) =>
    Array.from({ length: samples }, () =>
      blankCompletion(prompt - shared + Math.min(target, longest), prompt - shared),
    ),
  );
  return { prompt: blank(shared), completions };
}

const alone = (samples: number, longest: number) => (one: DialogueLength) =>
  treeOf([one], one.prompt, samples, longest);

const byTools = (samples: number, longest: number) => (group: readonly DialogueLength[]) =>
  treeOf(group, Math.min(...group.map(({ system }) => system)), samples, longest);

/** Examples of several updates of `count` each, in some order, as stages take them. */
function updatesOf(examples: readonly TrainExample[], count: number): TrainExample[][] {
  const order = epochOrder(Math.max(1, examples.length), 1);
  const shuffled = examples.flatMap((_, i) => examples[order(i)] ?? []);
  const all = cycled(shuffled, UPDATES * count);
  return Array.from({ length: UPDATES }, (_, i) => all.slice(i * count, (i + 1) * count));
}

/** The lengths that a stage meets: of dialogues, where it reads any, or the longest that its options let through. */
function lengthsOf(source: WorkloadSource, stage: Stage, model: string): Lengths {
  const { data, environment, prompt_max_len: most = Infinity }: Sizes = stage;
  const { generate_max_len: target }: Sizes = stage;
  const from = source.recipe.stages.find(({ name }) => name === data);
  const isRead = environment === undefined && (data === undefined || data === 'train' || from !== undefined);
  if (!isRead || (from !== undefined && kindOf(from).makes === 'trajectories')) {
    const one = { tools: 0, system: Math.ceil(most / 2), prompt: most, target };
    return { dialogues: [one], groups: [[one]] };
  }
  const all = source.lengths(model, kindOf(stage).reads?.(stage) ?? 'train');
  const fitting = (lengths: readonly DialogueLength[]): DialogueLength[] =>
    lengths.filter(({ prompt }) => prompt <= most);
  return {
    dialogues: fitting(all.dialogues),
    groups: all.groups.map(fitting).filter(({ length }) => length > 0),
  };
}

/** Number of dialogues or problems in a stage that draws answers. */
function askedBy({ recipe, dialogues }: WorkloadSource, stage: Stage): number {
  const { prompts, problems, limit, environment }: Sizes = stage;
  const limits = Math.min(prompts ?? problems ?? limit ?? Infinity, Infinity);
  const own = environment === undefined ? undefined : recipe.environments?.[environment];
  const all =
    environment === undefined
      ? dialogues(kindOf(stage).reads?.(stage) ?? 'train').length
      : (own?.train ?? PROBLEMS);
  return Math.min(limits, all);
}

/** Trees that a stage learns from which draws nothing itself. */
function lessons(source: WorkloadSource, stage: TrainingStage, lengths: Lengths): TrainExample[] {
  const { data, generate_max_len: longest }: Sizes = stage;
  const from = source.recipe.stages.find(({ name }) => name === data);
  if (from === undefined || kindOf(from).makes !== 'rollouts')
    return lengths.groups.map(byTools(1, longest ?? Infinity));
  const { by_tools, n_samples_per_prompt: drawn = 1, generate_max_len: most }: Sizes = from;
  // A loss that compares completions learns from pairs.
  if (!lossOf(stage).rowwise) return lengths.dialogues.map(alone(2, most));
  const together = Math.max(1, Math.floor((2 * GROUP_LIMIT) / drawn));
  return by_tools === true && together > 1
    ? lengths.groups.map((group) => byTools(drawn, most)(group.slice(0, together)))
    : lengths.dialogues.map(alone(drawn, most));
}

/** The work of a stage; nothing is known of a benchmark's prompts before it is asked. */
export function workloadOf(source: WorkloadSource, stage: Stage): Workload {
  const sizes: Sizes = stage;
  const { rollout_batch_size: batch, n_samples_per_prompt: samples = 1, kd_topk = 0 } = sizes;
  const { generate_max_len: maxTokens, temperature = 1, init_kl_coef = 0 } = sizes;
  const trained = outputsModel(stage) ? stage : undefined;
  const isDrawn = batch !== undefined;
  const isElsewhere = sizes.from !== undefined || (typeof sizes.teacher === 'object' && isDrawn);
  const asked = isDrawn ? askedBy(source, stage) : 0;
  const prompts = Math.min(batch ?? 0, asked);
  const models = Object.values(sizes.models ?? { model: sizes.model ?? '' });
  const generation = (isDrawn && !isElsewhere ? models : []).map((model): GenerationWork => {
    const { dialogues } = lengthsOf(source, stage, model);
    // In some other order few prompts of a call have the same tools.
    const isGrouped =
      sizes.by_tools === true || sizes.models !== undefined || sizes.environment !== undefined;
    return {
      model,
      prompts: cycled(isGrouped ? dialogues : dialogues.map((one) => ({ ...one, system: 0 })), prompts),
      sampling: { n_samples_per_prompt: samples, temperature, generate_max_len: maxTokens },
      answer: mean(dialogues.map(({ target }) => Math.min(target, maxTokens))),
    };
  });
  const [model = ''] = models;
  const answered = (): TrainExample[] =>
    lengthsOf(source, stage, model).dialogues.map(alone(samples, maxTokens));
  const isAnchored = trained !== undefined && isDrawn && init_kl_coef > 0;
  const isStored = kindOf(stage).makes === 'rollouts';
  const answer = isStored ? mean(answered().map(({ completions: [first] }) => first?.tokens.length ?? 0)) : 0;
  return {
    generation,
    ...(trained === undefined
      ? {}
      : { training: trainingOf(source, trained, isDrawn ? answered() : undefined) }),
    ...(isAnchored || (isStored && !isElsewhere)
      ? {
          scoring: {
            model,
            examples: cycled(answered(), prompts),
            topK: isStored ? kd_topk : 0,
            beside: isAnchored && trained?.lora === undefined,
          },
        }
      : {}),
    // Two or three bytes an id and two a log-probability: see topk/format.ts.
    stored: isStored ? asked * samples * answer * (5 * kd_topk + 5) : 0,
  };
}

/** A few updates of a stage that trains, on what it draws or else on its lessons. */
function trainingOf(
  source: WorkloadSource,
  stage: TrainingStage,
  drawn: readonly TrainExample[] | undefined,
): NonNullable<Workload['training']> {
  const examples = drawn ?? lessons(source, stage, lengthsOf(source, stage, stage.model));
  const isPairs = !lossOf(stage).rowwise;
  const each = isPairs ? 1 : Math.max(1, mean(examples.map(({ completions }) => completions.length)));
  return { stage, updates: updatesOf(examples, Math.max(1, Math.round(stage.train_batch_size / each))) };
}
