/** The memory of a stage: everything that it holds, built on a meta device. */
import { Device } from '../ggml/device.ts';
import type { ComputeDType } from '../model/trained-weights.ts';
import { parameterSpecs } from '../model/arch/config.ts';
import { loraSpecs } from '../model/lora.ts';
import type { WeightSource } from '../model/arch/forward.ts';
import { Generator } from '../model/generate/generation.ts';
import { Scorer } from '../model/tree/scoring.ts';
import { ParameterSet, specBytes } from '../tensor/parameters.ts';
import { sizeOf } from '../tensor/tensor.ts';
import { type TrainExample, treeOf } from '../train/examples.ts';
import type { Recipe } from '../recipe/schema.ts';
import { lossOf, type Stage, type TrainingStage } from '../stages/index.ts';
import { trainedWeights, trainerFor } from '../stages/training.ts';
import type { ModelShapes } from './models.ts';
import type { GenerationWork, ScoringWork, Workload } from './workload.ts';

export interface StageMemory {
  /** On the device. */
  readonly device: number;
  /** Of the process, beside what the runtime and the data take. */
  readonly host: number;
}

/** Assumed ratio of a call's longest answer to its average. */
const SPREAD = 1.5;

/** Two, and one that is being written. */
const KEPT_CHECKPOINTS = 3;

/** Memory that is alive at once in a stage. */
class Holding implements Disposable {
  readonly #held: Disposable[] = [];
  readonly #device: Device;
  readonly #models: ModelShapes;
  readonly #dtype: ComputeDType;
  /** Bytes in the process's own memory. */
  host = 0;

  constructor(device: Device, models: ModelShapes, dtype: ComputeDType) {
    this.#device = device;
    this.#models = models;
    this.#dtype = dtype;
  }

  #hold<T extends Disposable>(held: T): T {
    this.#held.push(held);
    return held;
  }

  weights(model: string): ParameterSet {
    const specs = parameterSpecs(this.#models.of(model).config, this.#dtype);
    return this.#hold(new ParameterSet(this.#device, specs, 'weights'));
  }

  /** A stage's trainer; returns what the model computes with. */
  train({ stage, updates }: NonNullable<Workload['training']>): {
    readonly source: WeightSource;
    readonly base?: WeightSource;
  } {
    const { config } = this.#models.of(stage.model);
    const lora = stage.lora !== undefined;
    const specs = parameterSpecs(config, lora ? stage.compute_dtype : 'f32');
    const parameters = new ParameterSet(this.#device, specs, lora ? 'weights' : 'trainable');
    const training = trainedWeights(parameters, stage, 1);
    this.#hold(training ?? parameters);
    const trainer = this.#hold(
      // On a meta device nothing is written, wherever it would be.
      trainerFor(
        { config, parameters, ...(training === undefined ? {} : { training }) },
        stage,
        lossOf(stage),
        '',
      ),
    );
    for (const examples of updates) trainer.reserve(examples);
    const base = training?.base;
    return { source: training ?? parameters, ...(base === undefined ? {} : { base }) };
  }

  generate(work: GenerationWork, weights: WeightSource): void {
    if (work.prompts.length === 0) return;
    const { config } = this.#models.of(work.model);
    const generator = this.#hold(new Generator(this.#device, config, weights));
    this.host += generator.reserve(
      work.prompts.map(({ prompt }) => Math.min(prompt, config.contextLength - 1)),
      { ...work.sampling, stopIds: [] },
      Math.ceil(SPREAD * work.answer),
    );
  }

  score(work: ScoringWork, weights: WeightSource): void {
    const { config } = this.#models.of(work.model);
    const scorer = this.#hold(new Scorer(this.#device, config, weights));
    const topK = Math.min(work.topK, config.vocabSize);
    scorer.reserve(work.examples.map(treeOf), { topK });
    // Ids and log-probabilities of a call, as they are handed over.
    this.host += work.examples.reduce((bytes, example) => bytes + tokensOf(example) * (8 * topK + 8), 0);
  }

  [Symbol.dispose](): void {
    for (const held of this.#held.toReversed()) held[Symbol.dispose]();
  }
}

const tokensOf = ({ completions }: TrainExample): number =>
  completions.reduce((total, { tokens }) => total + tokens.length, 0);

/** Bytes of what a stage trains, and of the optimiser's averages beside it. */
function stateBytes(
  stage: TrainingStage,
  models: ModelShapes,
): { readonly weights: number; readonly averages: number } {
  const specs = parameterSpecs(models.of(stage.model).config);
  const trained = stage.lora === undefined ? specs : loraSpecs(specs, stage.lora);
  const weights = trained.reduce((total, { shape }) => total + 4 * sizeOf(shape), 0);
  const average =
    stage.optimizer === 'adamw_8bit' ? specBytes({ name: '', shape: [32], dtype: 'q8_0' }) / 32 : 4;
  return { weights, averages: (2 * weights * average) / 4 };
}

/** Bytes on the disk while a stage trains: its checkpoints, and averages that are not in memory. */
export function diskWhileTraining(stage: TrainingStage, models: ModelShapes): number {
  const { weights, averages } = stateBytes(stage, models);
  const offloaded = stage.optimizer === 'adamw_offloaded' ? averages : 0;
  return KEPT_CHECKPOINTS * (weights + averages) + offloaded;
}

/** Plans a stage's memory; throws what building it would throw. */
export function memoryOf(
  recipe: Recipe,
  stage: Stage,
  work: Workload,
  models: ModelShapes,
  threads: number,
): StageMemory {
  using device = Device.meta(recipe.device, threads);
  const dtype = 'compute_dtype' in stage ? stage.compute_dtype : 'f32';
  let most = 0;
  const note = (holding: Holding): void => {
    most = Math.max(most, holding.host);
  };
  const { training, generation, scoring } = work;
  if (training !== undefined) {
    using holding = new Holding(device, models, dtype);
    const { source, base } = holding.train(training);
    for (const one of generation) holding.generate(one, source);
    if (scoring !== undefined)
      holding.score(scoring, scoring.beside ? holding.weights(scoring.model) : (base ?? source));
    note(holding);
  } else {
    // The models of an evaluation are in memory one after the other.
    for (const one of generation) {
      using holding = new Holding(device, models, dtype);
      const weights = holding.weights(one.model);
      holding.generate(one, weights);
      if (scoring !== undefined) holding.score(scoring, weights);
      note(holding);
    }
  }
  const { kind } = device.info;
  const planned = device.meta?.peak ?? 0;
  return kind === 'cpu' ? { device: 0, host: most + planned } : { device: planned, host: most };
}
