/** Units of work that stages are made of, as far as memory and time depend on them. */
import type { Dialogues } from '../data/dialogues.ts';
import type { TaskDialogue } from '../data/source.ts';
import type { TrainExample } from '../train/examples.ts';
import { epochOrder } from '../train/supervised.ts';
import type { Recipe } from '../recipe/schema.ts';
import type { TrainingStage } from '../stages/index.ts';
import { type DialogueLength, type Lengths, mean, type PromptLength } from './lengths.ts';

/** Updates of a model's weights. */
export interface TrainingWork {
  readonly stage: TrainingStage;
  /** What one update learns from. */
  readonly examples: readonly TrainExample[];
  /** What some updates learn from: their batches are of different layouts, whose graphs are kept. */
  readonly several: readonly (readonly TrainExample[])[];
  readonly updates: number;
}

/** Answers that a model draws. */
export interface GenerationWork {
  readonly model: string;
  /** The prompts of one call. */
  readonly prompts: readonly PromptLength[];
  readonly samples: number;
  readonly maxTokens: number;
  readonly temperature: number;
  /** Prompts at a time, if the stage says. */
  readonly batch: number | undefined;
  /** Tokens of an answer, on average. */
  readonly answer: number;
  readonly calls: number;
}

/** Answers whose probabilities a model gives. */
export interface ScoringWork {
  readonly model: string;
  readonly examples: readonly TrainExample[];
  readonly topK: number;
  readonly calls: number;
  /** Tells whether its weights are in memory beside the ones that are trained. */
  readonly beside: boolean;
}

export interface Workload {
  readonly steps: number;
  readonly training?: TrainingWork;
  /** Of an evaluation, one for each model. */
  readonly generation: readonly GenerationWork[];
  readonly scoring?: ScoringWork;
  /** Bytes that it leaves on the disk beside a model. */
  readonly stored: number;
}

/** What a workload is worked out from. */
export interface WorkloadSource {
  readonly recipe: Recipe;
  readonly lengths: (reference: string, split: 'train' | 'test') => Lengths;
  readonly dialogues: (split: 'train' | 'test') => Dialogues<TaskDialogue>;
}

/** `count` of `items`, over and over. */
export function cycled<T>(items: readonly T[], count: number): T[] {
  return Array.from({ length: items.length === 0 ? 0 : count }, (_, i) => items[i % items.length]).filter(
    (item): item is T => item !== undefined,
  );
}

/** Updates whose layouts are looked at, at most. */
const UPDATES = 6;

/** What updates of `count` examples each learn from, one after the other. */
export function updatesOf(
  examples: readonly TrainExample[],
  count: number,
  updates: number,
): Pick<TrainingWork, 'examples' | 'several' | 'updates'> {
  const some = Math.max(1, Math.min(UPDATES, updates));
  // In some order, as stages take them: those beside each other are of one tool set, and of like size.
  const order = epochOrder(Math.max(1, examples.length), 1);
  const shuffled = examples.flatMap((_, i) => examples[order(i)] ?? []);
  const all = cycled(shuffled, some * count);
  const several = Array.from({ length: some }, (_, i) => all.slice(i * count, (i + 1) * count));
  return { examples: several[0] ?? [], several, updates };
}

/** What a stage lets through. */
export interface Limits {
  readonly prompt_max_len: number;
  readonly generate_max_len: number;
}

/** The dialogues that a stage's limits leave. */
export function fitting(
  lengths: readonly DialogueLength[],
  { prompt_max_len: most }: Limits,
): DialogueLength[] {
  return lengths.filter(({ prompt }) => prompt <= most);
}

/** What is asked of a model, and how often. */
interface Asked {
  readonly samples: number;
  readonly prompts: number;
  readonly calls: number;
  readonly batch?: number;
  /** Tells whether prompts of a tool set are asked together; in some other order few of a call have the same. */
  readonly byTools: boolean;
}

/** Answers to `prompts` of these lengths, `calls` times. */
export function generation(
  model: string,
  stage: Limits & { readonly rollout_batch_size: number; readonly temperature: number },
  lengths: readonly DialogueLength[],
  { samples, prompts, calls, batch, byTools }: Asked,
): GenerationWork {
  return {
    model,
    prompts: cycled(byTools ? lengths : lengths.map((length) => ({ ...length, system: 0 })), prompts),
    samples,
    maxTokens: stage.generate_max_len,
    temperature: stage.temperature,
    batch,
    answer: mean(lengths.map(({ target }) => Math.min(target, stage.generate_max_len))),
    calls,
  };
}

/** Problems of an environment are not looked at: their prompts are taken to be as long as they may be. */
export const longest = ({ prompt_max_len: prompt, generate_max_len: target }: Limits): DialogueLength[] => [
  { tools: 0, system: Math.ceil(prompt / 2), prompt, target },
];
