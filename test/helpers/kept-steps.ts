/**
 * Two steps of every stage that trains, of every shipped recipe, with the recipe's own options: on a tiny model with seeded weights and on
 * seeded tokens, rewards and teacher's distributions, so that nothing but the options, the losses and the optimisers decides on the numbers.
 * And two steps of the stages of the small recipes that begin with data, prompts and all.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { DEFAULT_TEMPLATE } from '../../src/chat/default-template.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { Device } from '../../src/ggml/device.ts';
import { initialiseWeights, saveCheckpoint } from '../../src/model/checkpoint/checkpoint.ts';
import { parameterSpecs, type ModelConfig } from '../../src/model/arch/config.ts';
import { adaptiveHead } from '../../src/losses/distillation.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { contextOf } from '../../src/run/context.ts';
import type { Recipe } from '../../src/recipe/schema.ts';
import { lossOf, outputsModel, type Stage, type TrainingStage } from '../../src/stages/index.ts';
import { openForTraining, trainerFor } from '../../src/stages/training.ts';
import { learningRate } from '../../src/tensor/optim/schedule.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { groupAdvantages } from '../../src/train/advantages.ts';
import { rowsFrom, type TrainCompletion, type TrainExample } from '../../src/train/examples.ts';
import { runAll } from './runs.ts';
import { norm } from './tolerances.ts';

export const RECIPES = fileURLToPath(new URL('../../recipes', import.meta.url));
export const KEPT = fileURLToPath(new URL('../fixtures/kept-steps.json', import.meta.url));

/** Numbers of one step, by name. */
export type StepNumbers = Readonly<Record<string, number>>;

export interface KeptStage {
  readonly steps: readonly StepNumbers[];
  /** Norm of what the steps changed of the weights. */
  readonly moved?: number;
}

/** By recipe, then by stage. */
export type Kept = Readonly<Record<string, Readonly<Record<string, KeptStage>>>>;

const VOCABULARY = 512;
const CONFIG: ModelConfig = {
  vocabSize: VOCABULARY,
  hiddenSize: 32,
  intermediateSize: 64,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  rmsNormEps: 1e-6,
  ropeTheta: 1e6,
  tiedEmbeddings: true,
  family: 'qwen3',
  contextLength: 256,
  bosTokenId: null,
  eosTokenId: 1,
};

/** Writes the model that stands in for all others; its tokenizer is not used. */
export function writeStandIn(folder: string): string {
  const [checkpoint, tokenizer] = [join(folder, 'model'), join(folder, 'tokenizer')];
  mkdirSync(folder, { recursive: true });
  trainVocabulary({ seed: 3, size: 300, groups: 2 }).withChatTemplate(DEFAULT_TEMPLATE).save(tokenizer);
  using device = Device.open('cpu', 1);
  using parameters = new ParameterSet(device, parameterSpecs(CONFIG), 'weights');
  initialiseWeights(CONFIG, parameters, Rng.seeded(11), 0.3);
  saveCheckpoint(checkpoint, CONFIG, parameters, { tokenizerFiles: tokenizer });
  return checkpoint;
}

export function isTraining(stage: Stage): stage is TrainingStage {
  return outputsModel(stage);
}

/** Inputs of a stage's objective for a completion's tokens. */
function inputsOf(
  stage: TrainingStage,
  rng: Rng,
  rows: number,
  advantage: number,
  sign: number,
): TrainCompletion['inputs'] {
  const each = (value: () => number): Float32Array => Float32Array.from({ length: rows }, value);
  const inputs: Record<string, Float32Array | Int32Array> = {};
  for (const [name, { width }] of Object.entries(lossOf(stage).inputs)) {
    const k = width === 'groups' ? 1 : width;
    if (name === 'teacher_ids') {
      // Distinct ids: a run from a random one on, in steps of 5, which has no factor of 512.
      const starts = each(() => rng.below(VOCABULARY));
      inputs[name] = Int32Array.from(
        { length: rows * k },
        (_, i) => (starts[Math.floor(i / k)]! + 5 * (i % k)) % VOCABULARY,
      );
    } else if (name === 'teacher_logprobs') {
      // Mass that halves from token to token down to a floor, of 0.9 in all.
      const masses = Float64Array.from({ length: k }, (_, i) => 0.5 ** i + 0.01);
      const total = masses.reduce((a, b) => a + b, 0);
      inputs[name] = Float32Array.from({ length: rows * k }, (_, i) =>
        Math.log((0.9 * masses[i % k]!) / total),
      );
    } else if (name === 'advantages') inputs[name] = each(() => advantage);
    // One answer of a group is a teacher's; of two kinds of answers, those of one sign are drawn.
    else if (name === 'off_policy') inputs[name] = each(() => (sign > 0 ? 4 : 0));
    else if (name === 'policy_share') inputs[name] = each(() => (sign > 0 ? 0 : 4 / 3));
    else if (name === 'kd_share') inputs[name] = each(() => (sign > 0 ? 4 : 0));
    else if (name === 'pair_signs') inputs[name] = each(() => sign);
    else inputs[name] = each(() => -6 - rng.normal());
  }
  const logprobs = inputs['teacher_logprobs'];
  if (inputs['teacher_ids'] !== undefined && logprobs instanceof Float32Array && 'teacher_head' in inputs) {
    const k = logprobs.length / rows;
    inputs['teacher_head'] = Float32Array.from(
      Array.from({ length: rows }, (_, row) => [
        ...adaptiveHead(logprobs.slice(row * k, row * k + k)),
      ]).flat(),
    );
  }
  return inputs;
}

function examplesFor(stage: TrainingStage): TrainExample[] {
  const rng = Rng.seeded(7);
  const ids = (least: number, most: number): TokenIds =>
    asTokenIds(Int32Array.from({ length: least + rng.below(most - least) }, () => rng.below(VOCABULARY)));
  const isDrawn = 'advantage_estimator' in stage;
  const samples = isDrawn ? 4 : stage.kind === 'dpo' ? 2 : 1;
  return Array.from({ length: 3 }, () => {
    const rewards = Array.from({ length: samples }, () => rng.uniform());
    const advantages = isDrawn
      ? groupAdvantages(rewards, stage.advantage_estimator, stage.reward_clip_range)
      : rewards;
    return {
      prompt: ids(5, 12),
      completions: advantages.map((advantage, i) => {
        const tokens = ids(3, 12);
        const rows = rowsFrom(tokens, i % 2);
        return { tokens, rows, inputs: inputsOf(stage, rng, rows.length, advantage, i === 0 ? 1 : -1) };
      }),
    };
  });
}

/** Two steps of a stage on the stand-in. */
export async function stepsOf(
  recipe: Recipe,
  stage: TrainingStage,
  checkpoint: string,
  folder: string,
): Promise<KeptStage> {
  using device = Device.open('cpu', 1);
  const run = {
    recipe: { ...recipe, models: { 'stand-in': checkpoint } },
    folder,
    device,
    signal: new AbortController().signal,
    now: () => 0,
  };
  const own = { ...stage, model: 'stand-in' };
  const context = contextOf(run, own);
  using model = openForTraining((how) => context.openModel(own.model, how), own, context.seed);
  using trainer = trainerFor(model, own, lossOf(own), folder);
  const examples = examplesFor(own);
  const read = (): Float32Array[] =>
    trainer.parameters.specs.map(({ name }) => trainer.parameters.read(name).slice());
  const before = read();
  const steps: StepNumbers[] = [];
  for (const index of [0, 1]) {
    const lr = learningRate(own, index, 2);
    const { loss, parts, gradNorm } = await trainer.step(examples, lr);
    steps.push({ loss, ...parts, grad_norm: gradNorm, lr });
  }
  const moved = norm(read().map((values, i) => norm(values.map((value, j) => value - before[i]![j]!))));
  return { steps, moved };
}

/** The stages of a small recipe before any that draws answers, really run: the numbers of their first two steps. */
export async function beginningOf(
  file: string,
  runsDir: string,
): Promise<Readonly<Record<string, KeptStage>>> {
  const { export: _export, ...recipe } = loadRecipe(join(RECIPES, file));
  const drawing = recipe.stages.findIndex((stage) => !isTraining(stage));
  const events = await runAll({ ...recipe, stages: recipe.stages.slice(0, drawing) }, runsDir);
  const stages: Record<string, { steps: StepNumbers[] }> = {};
  for (const event of events) {
    if (event.type !== 'step' || event.step > 2) continue;
    const { tokens_per_second: _speed, memory_mb: _memory, ...numbers } = event.metrics;
    (stages[event.stage] ??= { steps: [] }).steps.push({ ...numbers, tokens: event.tokens });
  }
  return stages;
}

/** Small recipes whose beginning is really run; their numbers are kept under the file's name with "data" before it. */
export const BEGINNINGS = ['smoke.yaml', 'smoke-mentor.yaml'];

export const recipeFiles = (): string[] => readdirSync(RECIPES).filter((file) => file.endsWith('.yaml'));
