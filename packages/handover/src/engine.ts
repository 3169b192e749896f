/** Interface of engines that a stage is handed to: one file of `engines` each, and one line in its index. */
import { UserError } from '../../../src/base/errors.ts';
import type { StageOf } from '../../../src/stages/index.ts';
import type { DataFacts, WriteData } from './data.ts';
import type { EngineName } from './job.ts';
import type { EngineValues, HandedKind, Mapped } from './options.ts';

/** Place where a job folder has a copy of the checkpoint. */
export const COPIED_MODEL = 'model';

/** Surroundings of a stage that is handed over, beside its options. */
export interface Around {
  /** Processes that train side by side: one a GPU. */
  readonly processes: number;
  /** Folder of the checkpoint to start from, as the engine is told. */
  readonly model: string;
  /** The stage's seed, its own or the one that tinystar derives. */
  readonly seed: number;
  /** Address of the reward server. */
  readonly rewardUrl: string;
  /** Checkpoint of the teacher whose answers are learned from, where it is one of the recipe's. */
  readonly teacher: string | undefined;
  /** Sizes of the data; of an empty file before they are written. */
  readonly data: DataFacts;
}

/** Hand-over of one kind of stage to an engine. */
export interface Handing<K extends HandedKind> {
  /** Becoming of every option of the stage. */
  readonly map: (stage: StageOf<K>, around: Around) => Mapped<K>;
  /** Options that the engine is told beside those of the recipe. */
  readonly fixed: (stage: StageOf<K>, around: Around) => EngineValues;
  readonly data: WriteData;
  /** Configuration files by their names, of all options that the engine is told. */
  readonly files: (options: EngineValues, around: Around) => Readonly<Record<string, string>>;
  /** Files of `python/` that the job folder has, by their names there. */
  readonly python: readonly string[];
  /** Lines of run.sh. */
  readonly run: (options: EngineValues, around: Around) => readonly string[];
  /** Tells whether rewards are asked for over HTTP. */
  readonly needsReward: boolean;
  /** Sentences of the README about what the engine does otherwise. */
  readonly notes?: readonly string[];
}

export interface Engine {
  readonly name: EngineName;
  /** With its version, as people know it. */
  readonly title: string;
  /** Lines of requirements.txt. */
  readonly requirements: readonly string[];
  readonly kinds: { readonly [K in HandedKind]: Handing<K> | string };
}

/** Checks that an optimiser step is divided evenly among processes, and says how many sequences each computes at once. */
export function batchOf(
  stage: {
    readonly name: string;
    readonly train_batch_size: number;
    readonly micro_train_batch_size: number;
  },
  processes: number,
): { readonly micro: number; readonly accumulate: number } {
  const { train_batch_size: step, micro_train_batch_size: wanted, name } = stage;
  if (step % processes !== 0)
    throw new UserError(
      'PROCESSES',
      `Stage ${name} has a train_batch_size of ${step}, which ${processes} processes cannot share evenly; give another --processes or --set stages.${name}.train_batch_size=N.`,
    );
  const own = step / processes;
  let micro = Math.min(wanted, own);
  while (own % micro !== 0) micro -= 1;
  return { micro, accumulate: own / micro };
}

/** Optimiser steps after which a token budget is spent, at the data's mean of trained tokens a sequence. */
export function budgetSteps(budget: number, batch: number, { rows, tokens }: DataFacts): number {
  return Math.max(1, Math.ceil((budget * Math.max(1, rows)) / (Math.max(1, tokens) * batch)));
}
