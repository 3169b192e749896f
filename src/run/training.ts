/** The stages that train: from a recipe's words to the training floor's objects. */
import { InternalError, isAbort } from '../base/errors.ts';
import { tokenizerFilesOf } from '../chat/gguf-tokenizer.ts';
import { GROUP_SIZE } from '../data/assistant/index.ts';
import { saveCheckpoint } from '../model/checkpoint/checkpoint.ts';
import type { DrawnSample, RunEvent } from '../train/events.ts';
import { runSteps, type SteppedStage } from '../train/loop.ts';
import { pretrainExamples } from '../stages/pretrain.ts';
import { epochSource, type ExampleSource, supervisedStage } from '../train/supervised.ts';
import type { Trainer } from '../train/trainer.ts';
import type { StageOf, TrainingStage } from '../stages/schema.ts';
import {
  checkpointFolder,
  generatorSeed,
  modelFolder,
  openForTraining,
  type OpenModel,
  type Outputs,
  type RunContext,
  seedOf,
  stageFolder,
  tokenizerSource,
} from './context.ts';
import { mixtureSolutions, solutionData, trajectoryData } from './environments.ts';
import { distillData, goldData, GROUP_LIMIT, type LearningData, sequenceData } from './examples.ts';
import { preferenceData } from './preferences.ts';
import { mentor, simrl } from './reinforcement.ts';
import { type Opened, scheduleOf, trainerFor } from './trainer.ts';

function supervised(
  stage: TrainingStage,
  trainer: Trainer,
  examples: ExampleSource,
  total: number,
  told: { readonly warnings?: readonly string[]; readonly shown?: readonly DrawnSample[] } = {},
): SteppedStage {
  return supervisedStage({
    name: stage.name,
    kind: stage.kind,
    total,
    trainer,
    saveSteps: stage.save_steps,
    schedule: scheduleOf(stage),
    examples,
    tokenBudget: stage.token_budget,
    // Of pairs, the reference model computes log-probabilities.
    onDevice: stage.kind === 'dpo',
    ...told,
  });
}

function overEpochs(
  run: RunContext,
  stage: StageOf<'sft' | 'distill' | 'dpo'>,
  trainer: Trainer,
  data: LearningData & { readonly shown?: readonly DrawnSample[] },
): SteppedStage {
  const { examples, total } = epochSource(data.examples, {
    batch: stage.train_batch_size,
    epochs: stage.max_epochs,
    tokenBudget: stage.token_budget,
    seed: seedOf(run.recipe, stage),
  });
  const { arrange, warnings, shown = [] } = data;
  const source: ExampleSource =
    arrange === undefined ? examples : async (step, signal) => arrange(await examples(step, signal));
  return supervised(stage, trainer, source, total, { warnings, shown });
}

async function pretrain(
  run: RunContext,
  stage: StageOf<'pretrain'>,
  model: OpenModel,
): Promise<SteppedStage> {
  const { data } = run.recipe;
  const source = pretrainExamples({
    tokenizer: model.tokenizer,
    template: model.template,
    mixture: stage.mixture,
    solutions: await mixtureSolutions(run, stage, model),
    dataSeed: generatorSeed(run),
    assistantGroups: data.source === 'assistant' ? Math.ceil(data.train / GROUP_SIZE) : 1,
    firstGroup: stage.first_group,
    seed: seedOf(run.recipe, stage),
    groups: Math.max(1, Math.round(stage.train_batch_size / GROUP_LIMIT)),
  });
  return supervised(stage, trainerFor(model, stage, stageFolder(run, stage.name)), source, stage.steps);
}

function lessons(
  run: RunContext,
  stage: StageOf<'sft'>,
  model: OpenModel,
): LearningData | Promise<LearningData> {
  const { environments = {}, stages } = run.recipe;
  if (stage.data === 'train') return goldData(run, stage, model);
  if (stage.data in environments) return solutionData(run, stage, model);
  const source = stages.find(({ name }) => name === stage.data);
  return source?.kind === 'trajectories'
    ? trajectoryData(run, stage, model)
    : sequenceData(run, stage, model);
}

async function sft(run: RunContext, stage: StageOf<'sft'>, model: OpenModel): Promise<SteppedStage> {
  const data = await lessons(run, stage, model);
  return overEpochs(run, stage, trainerFor(model, stage, stageFolder(run, stage.name)), data);
}

function distill(run: RunContext, stage: StageOf<'distill'>, model: OpenModel): SteppedStage {
  const data = distillData(run, stage, model);
  return overEpochs(run, stage, trainerFor(model, stage, stageFolder(run, stage.name)), data);
}

function dpo(run: RunContext, stage: StageOf<'dpo'>, model: OpenModel): Opened {
  const data = preferenceData(run, stage, model);
  return {
    stage: overEpochs(run, stage, trainerFor(model, stage, stageFolder(run, stage.name)), data),
    [Symbol.dispose]: () => data[Symbol.dispose](),
  };
}

async function open(run: RunContext, stage: TrainingStage, model: OpenModel): Promise<Opened> {
  const plain = (stepped: SteppedStage): Opened => ({ stage: stepped, [Symbol.dispose]: () => undefined });
  switch (stage.kind) {
    case 'pretrain':
      return plain(await pretrain(run, stage, model));
    case 'sft':
      return plain(await sft(run, stage, model));
    case 'distill':
      return plain(distill(run, stage, model));
    case 'simrl':
      return simrl(run, stage, model);
    case 'dpo':
      return dpo(run, stage, model);
    case 'mentor':
      return mentor(run, stage, model);
    default:
      throw new InternalError(`unknown stage ${JSON.stringify(stage satisfies never)}`);
  }
}

/** A stage that ends after `most` steps and is otherwise as long as it says. */
function beginningOf(stage: SteppedStage, most: number): SteppedStage {
  return {
    ...stage,
    async step(index, signal) {
      const report = await stage.step(index, signal);
      return index + 1 < most ? report : { ...report, finished: true };
    },
  };
}

/** The steps that a run takes of a stage: all, but in a rehearsal. */
function stepsOf({ rehearsal }: RunContext, { kind }: TrainingStage, stage: SteppedStage): SteppedStage {
  if (rehearsal === undefined) return stage;
  const isDrawn = kind === 'simrl' || kind === 'mentor';
  return beginningOf(stage, isDrawn ? rehearsal.reinforcement : rehearsal.supervised);
}

/** Trains a stage's model and saves it as a Hugging Face folder; returns what was made, nothing if it was stopped. */
export async function* runTraining(
  run: RunContext,
  stage: TrainingStage,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  using model = openForTraining(run, stage);
  let opened: Opened;
  try {
    opened = await open(run, stage, model);
  } catch (thrown) {
    if (!isAbort(thrown, run.signal)) throw thrown;
    return undefined;
  }
  using _opened = opened;
  using _trainer = opened.stage.trainer;
  const { signal, now } = run;
  const steps = stepsOf(run, stage, opened.stage);
  const complete = yield* runSteps(steps, { folder: checkpointFolder(run, stage.name), signal, now });
  if (!complete) return undefined;
  const folder = modelFolder(run, stage.name);
  saveCheckpoint(folder, model.config, model.training ?? model.parameters, {
    tokenizerFiles: tokenizerFilesOf(tokenizerSource(run, stage.model)),
    stopIds: model.tokenizer.stopIds,
  });
  return { model: folder };
}
