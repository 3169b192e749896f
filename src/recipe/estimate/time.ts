/**
 * How long a stage's work takes: some of it done on random weights. A large model is measured with one layer and with
 * two, which gives what a layer takes and what the rest does.
 */
import { setImmediate } from 'node:timers/promises';
import { Rng } from '../../base/rng.ts';
import { asTokenIds } from '../../base/token-ids.ts';
import { Device } from '../../ggml/device.ts';
import { initialiseWeights } from '../../model/checkpoint.ts';
import { parameterSpecs, type Qwen3Config } from '../../model/config.ts';
import { Generator } from '../../model/generation.ts';
import { Scorer } from '../../model/scoring.ts';
import { ParameterSet } from '../../tensor/parameters.ts';
import { exampleTokens, type TrainCompletion, type TrainExample, treeOf } from '../../train/examples.ts';
import { trainedWeights } from '../run/context.ts';
import { objectiveOf } from '../run/objectives.ts';
import { trainerFor } from '../run/trainer.ts';
import type { Recipe } from '../schema.ts';
import type { Stage, TrainingStage } from '../stages.ts';
import { LARGE, type ModelShapes, weightsOf } from './models.ts';
import type { GenerationWork, ScoringWork, TrainingWork, Workload } from './work.ts';

/** Tokens that are trained on or scored in a measurement of a part. */
const PART_TOKENS = 1500;
/** Prompts that are answered in a measurement, and tokens of each answer. */
const PROMPTS = 8;
const TOKENS = 12;

type ComputeDType = TrainingStage['compute_dtype'];

/** Runs `body` once to settle caches and once for its time, in seconds. */
async function timed(body: () => Promise<unknown>): Promise<number> {
  await body();
  const start = performance.now();
  await body();
  return (performance.now() - start) / 1000;
}

/** Weights that differ from each other, quickly. */
function fill(config: Qwen3Config, parameters: ParameterSet): void {
  initialiseWeights(config, parameters, Rng.seeded(1));
}

/** Fills an objective's own inputs with something that it can compute with. */
function withInputs(example: TrainExample, stage: TrainingStage, config: Qwen3Config): TrainExample {
  const { inputs: specs } = objectiveOf(stage, config.vocabSize);
  const inputs = (rows: number): TrainCompletion['inputs'] =>
    Object.fromEntries(
      Object.entries(specs).map(([name, { dtype, width }]) => {
        const each = width === 'groups' ? 1 : width;
        const values =
          dtype === 'i32'
            ? Int32Array.from({ length: each * rows }, (_, i) => i % each)
            : new Float32Array(each * rows).fill(-1);
        return [name, values];
      }),
    );
  return {
    prompt: example.prompt,
    completions: example.completions.map((completion) => ({
      ...completion,
      inputs: inputs(completion.rows.length),
    })),
  };
}

const tokensIn = (examples: readonly TrainExample[]): number =>
  examples.reduce((total, example) => total + exampleTokens(example), 0);

/** As many examples from the start as have `most` tokens, at least one. */
function someOf(examples: readonly TrainExample[], most: number): TrainExample[] {
  const taken: TrainExample[] = [];
  for (const example of examples) {
    if (taken.length > 0 && tokensIn(taken) + exampleTokens(example) > most) break;
    taken.push(example);
  }
  return taken;
}

export class TimeProbe implements Disposable {
  readonly #device: Device;
  readonly #models: ModelShapes;

  constructor(recipe: Recipe, models: ModelShapes, threads: number) {
    this.#device = Device.open(recipe.device, threads);
    this.#models = models;
  }

  /** Seconds that a stage's work takes. */
  async seconds(stage: Stage, { training, generation, scoring }: Workload): Promise<number> {
    const dtype = 'compute_dtype' in stage ? stage.compute_dtype : 'f32';
    let total = 0;
    await setImmediate();
    if (training !== undefined) total += await this.#train(training);
    for (const one of generation) total += await this.#generate(one, dtype);
    if (scoring !== undefined) total += await this.#score(scoring, dtype);
    return total;
  }

  /** What `measure` gives for a whole model: measured on all of it, or worked out from one layer and two. */
  async #whole(model: string, measure: (config: Qwen3Config) => Promise<number>): Promise<number> {
    const { config } = this.#models.of(model);
    if (weightsOf(config) <= LARGE) return measure(config);
    const one = await measure({ ...config, layers: 1 });
    const two = await measure({ ...config, layers: 2 });
    return one + Math.max(0, two - one) * (config.layers - 1);
  }

  #weights(config: Qwen3Config, dtype: ComputeDType, trainable: boolean): ParameterSet {
    const specs = parameterSpecs(config, dtype);
    const parameters = new ParameterSet(this.#device, specs, trainable ? 'trainable' : 'weights');
    fill(config, parameters);
    return parameters;
  }

  async #train({ stage, examples, updates }: TrainingWork): Promise<number> {
    if (examples.length === 0) return 0;
    const { config } = this.#models.of(stage.model);
    const isWhole = weightsOf(config) <= LARGE;
    const chosen = isWhole ? examples : someOf(examples, PART_TOKENS);
    const given = chosen.map((example) => withInputs(example, stage, config));
    const scale = tokensIn(examples) / tokensIn(given);
    const each = await this.#whole(stage.model, async (part) => {
      const parameters = this.#weights(
        part,
        stage.lora === undefined ? 'f32' : stage.compute_dtype,
        stage.lora === undefined,
      );
      const training = trainedWeights(parameters, stage, 1);
      using _weights = training ?? parameters;
      using trainer = trainerFor(
        { config: part, parameters, ...(training === undefined ? {} : { training }) },
        stage,
      );
      const learning = await timed(() => trainer.accumulate(given));
      const whole = await timed(() => trainer.step(given, 0));
      // The optimiser works once an update, whatever the number of tokens.
      return learning * scale + Math.max(0, whole - learning);
    });
    return each * updates;
  }

  async #generate(work: GenerationWork, dtype: ComputeDType): Promise<number> {
    if (work.prompts.length === 0) return 0;
    const { config: full } = this.#models.of(work.model);
    const isWhole = weightsOf(full) <= LARGE;
    const { samples, temperature, batch } = work;
    const lengths = work.prompts.slice(0, isWhole ? Math.max(PROMPTS, batch ?? 0) : 2);
    // Of a token each, so that they have no beginning in common that would be computed once.
    const prompts = lengths.map((length, i) =>
      asTokenIds(new Int32Array(Math.min(length, full.maxPositions - work.maxTokens - 1)).fill(i)),
    );
    const answer = Math.max(1, Math.round(work.answer));
    const measured = Math.min(answer, TOKENS);
    const seconds = await this.#whole(work.model, async (config) => {
      using parameters = this.#weights(config, dtype, false);
      using generator = new Generator(this.#device, config, parameters);
      const call = (maxTokens: number) =>
        timed(() =>
          generator.generate(prompts, {
            samples,
            temperature,
            maxTokens,
            stopIds: [],
            ...(batch === undefined ? {} : { batch }),
          }),
        );
      const first = await call(1);
      if (answer === 1) return first;
      const more = await call(measured);
      return first + (Math.max(0, more - first) * (answer - 1)) / Math.max(1, measured - 1);
    });
    return (seconds * work.prompts.length * work.calls) / lengths.length;
  }

  async #score({ model, examples, topK, calls }: ScoringWork, dtype: ComputeDType): Promise<number> {
    if (examples.length === 0) return 0;
    const isWhole = weightsOf(this.#models.of(model).config) <= LARGE;
    const chosen = someOf(examples, isWhole ? 4 * PART_TOKENS : PART_TOKENS);
    const seconds = await this.#whole(model, async (config) => {
      using parameters = this.#weights(config, dtype, false);
      using scorer = new Scorer(this.#device, config, parameters);
      return await timed(() => scorer.score(chosen.map(treeOf), { topK: Math.min(topK, config.vocabSize) }));
    });
    return (seconds * calls * tokensIn(examples)) / tokensIn(chosen);
  }

  [Symbol.dispose](): void {
    this.#device[Symbol.dispose]();
  }
}
