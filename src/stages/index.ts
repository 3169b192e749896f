/** Kinds of stages as recipes see them: those of all.ts, and one for each benchmark. */
import { z } from 'zod';
import type { Objective } from '../losses/objective.ts';
import * as kinds from './all.ts';
import { benchmarkStages } from './benchmark.ts';
import { commonOptions, type Learner, type OptionsOf, type StageContext, type StageKind } from './stage.ts';
import type { TrainingKind, TrainingOptions } from './training.ts';

export const stageKinds = { ...benchmarkStages, ...kinds };

type Kinds = typeof stageKinds;
export type KindName = keyof Kinds;

/** A stage of a recipe: its name, its kind and that kind's options. */
export type StageOf<K extends KindName> = K extends KindName
  ? OptionsOf<typeof commonOptions> & { readonly kind: K } & OptionsOf<Kinds[K]['options']>
  : never;
export type Stage = StageOf<KindName>;

export type TrainingStage = Extract<Stage, TrainingOptions>;

export const kindOf = ({ kind }: Pick<Stage, 'kind'>): StageKind => stageKinds[kind] as unknown as StageKind;

const trainingKindOf = (stage: TrainingStage) =>
  kindOf(stage) as unknown as TrainingKind<z.core.$ZodLooseShape>;

export const lossOf = (stage: TrainingStage): Objective => trainingKindOf(stage).loss(stage);

/** Lessons of a stage; undefined for one that draws what it learns from. Throws as its kind's `lessons` does. */
export const lessonsOf = (stage: TrainingStage, context: StageContext, model: Learner) =>
  trainingKindOf(stage).lessons?.(context, stage, model);

const choices = Object.entries(stageKinds).map(([kind, { options }]) =>
  z.strictObject({ ...commonOptions, kind: z.literal(kind), ...options }),
);

export const stageSchema = z.discriminatedUnion(
  'kind',
  choices as [(typeof choices)[number]],
) as unknown as z.ZodType<Stage>;

/** Tells whether a stage hands on a model, to be named by later stages. */
export function outputsModel(stage: Stage): stage is TrainingStage {
  return kindOf(stage).makes === 'model';
}

/** Options of a stage that stay while what may move from day to day moves. */
export const lastingStage = (stage: Stage): unknown => kindOf(stage).lasting?.(stage) ?? stage;
