/** How long a stage's work takes: some of it done on random weights, of a large model by parts of it. */
import { setImmediate } from 'node:timers/promises';
import { Rng } from '../../base/rng.ts';
import { asTokenIds, type TokenIds } from '../../base/token-ids.ts';
import { Device } from '../../ggml/device.ts';
import { parameterSpecs, type Qwen3Config, weightCount } from '../../model/config.ts';
import { Generator } from '../../model/generation.ts';
import { Scorer } from '../../model/scoring.ts';
import { ParameterSet } from '../../tensor/parameters.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import { exampleTokens, type TrainCompletion, type TrainExample, treeOf } from '../../train/examples.ts';
import { trainedWeights } from '../run/context.ts';
import { objectiveOf } from '../run/objectives.ts';
import { trainerFor } from '../run/trainer.ts';
import type { Recipe } from '../schema.ts';
import type { Stage, TrainingStage } from '../stages.ts';
import { stateBytes } from './memory.ts';
import type { PromptLength } from './lengths.ts';
import type { ModelShapes } from './models.ts';
import { inParts, wholeOf } from './parts.ts';
import { measureRates, type Rates, temporaryFolder } from './storage.ts';
import type { GenerationWork, ScoringWork, TrainingWork, Workload } from './work.ts';

/** Tokens that are trained on or scored in a measurement of a part. */
const PART_TOKENS = 1500;
/** Prompts that are answered in a measurement, and tokens of each answer. */
const PROMPTS = 8;
const TOKENS = 12;
/** Every vocabulary that is measured has twice as many. */
const SOME_IDS = 100;
/** A measurement is repeated so often, or until so many seconds have gone. */
const REPETITIONS = 3;
const ENOUGH = 3;

type ComputeDType = TrainingStage['compute_dtype'];

/** Runs `body` once to settle caches and then for its time, in seconds: the median of three runs, if they are short. */
async function timed(body: () => Promise<unknown>): Promise<number> {
  await body();
  return once(body);
}

/** As `timed`, of what has run before. */
async function once(body: () => Promise<unknown>): Promise<number> {
  const seconds: number[] = [];
  let total = 0;
  while (seconds.length < REPETITIONS && total < ENOUGH) {
    const start = performance.now();
    await body();
    const taken = (performance.now() - start) / 1000;
    seconds.push(taken);
    total += taken;
  }
  return seconds.toSorted((a, b) => a - b)[Math.floor((seconds.length - 1) / 2)] ?? 0;
}

/** Weights that differ from each other, quickly: the same few thousand over and over. */
function fill(config: Qwen3Config, parameters: ParameterSet): void {
  const rng = Rng.seeded(1);
  const some = Float32Array.from({ length: 65_521 }, () => 0.02 * rng.normal());
  for (const { name, shape } of parameterSpecs(config)) {
    const values = new Float32Array(sizeOf(shape)).fill(1);
    if (shape.length > 1)
      for (let at = 0; at < values.length; at += some.length)
        values.set(some.subarray(0, values.length - at), at);
    parameters.set(name, values);
  }
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

/**
 * A prompt of `length` with the beginning that others of its tool set have too, which is computed once, and then tokens
 * that only the prompt number `index` has; at most `most` of them.
 */
function promptOf({ tools, system, prompt }: PromptLength, index: number, most: number): TokenIds {
  const ids = new Int32Array(Math.min(prompt, most)).fill(SOME_IDS + (index % SOME_IDS));
  return asTokenIds(ids.fill(tools % SOME_IDS, 0, system));
}

/** At most `count` prompts: from the start those that share tools, as they are beside each other, else from all over. */
function someOfAll(prompts: readonly PromptLength[], count: number): readonly PromptLength[] {
  const stride = prompts.some(({ system }) => system > 0) ? 1 : Math.max(1, prompts.length / count);
  const picked = Array.from({ length: count }, (_, i) => prompts[Math.floor(i * stride)]);
  return picked.filter((prompt) => prompt !== undefined);
}

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
  readonly #recipe: Recipe;
  readonly #models: ModelShapes;
  readonly #folder: string;
  #rates: Rates | undefined;

  /** Measures on `threads` of the recipe's device, and on the disk under `folder`. */
  constructor(recipe: Recipe, models: ModelShapes, threads: number, folder: string) {
    this.#device = Device.open(recipe.device, threads);
    this.#recipe = recipe;
    this.#models = models;
    this.#folder = folder;
  }

  /** Seconds that a stage takes which holds `memory` bytes at most: its work, and what it does once. */
  async seconds(stage: Stage, work: Workload, memory: number): Promise<number> {
    const { training, generation, scoring } = work;
    const dtype = 'compute_dtype' in stage ? stage.compute_dtype : 'f32';
    let total = 0;
    await setImmediate();
    if (training !== undefined) total += await this.#train(training);
    for (const one of generation) total += await this.#generate(one, dtype);
    if (scoring !== undefined) total += await this.#score(scoring, dtype);
    return total + this.#beside(work, memory);
  }

  /** Opening and saving models, and taking memory. Of small models that is not worth its measurement. */
  #beside({ steps, training, generation, scoring }: Workload, memory: number): number {
    const opened =
      training === undefined
        ? generation.map(({ model }) => model)
        : [training.stage.model, ...(scoring?.beside === true ? [scoring.model] : [])];
    const weights = (model: string): number => weightCount(this.#models.of(model).config);
    if (!opened.some((model) => inParts(this.#models.of(model).config))) return 0;
    const rates = (this.#rates ??= measureRates(this.#device, this.#folder));
    let seconds = 0;
    let held = 0;
    for (const model of opened) {
      const isNew = typeof this.#recipe.models[model] === 'object';
      seconds += weights(model) * (isNew ? rates.made + rates.touched : rates.read);
      held = Math.max(held, weights(model));
    }
    seconds += Math.max(0, memory / 4 - held) * rates.touched;
    if (training === undefined) return seconds;
    const { stage } = training;
    const checkpoints = Math.floor((steps - 1) / stage.save_steps);
    const state = stateBytes(stage, this.#models);
    const saved = weights(stage.model) + (checkpoints * (state.weights + state.averages)) / 4;
    return seconds + saved * rates.written;
  }

  #weights(config: Qwen3Config, dtype: ComputeDType, trainable: boolean): ParameterSet {
    const specs = parameterSpecs(config, dtype);
    const parameters = new ParameterSet(this.#device, specs, trainable ? 'trainable' : 'weights');
    fill(config, parameters);
    return parameters;
  }

  async #train({ stage, examples, several, updates }: TrainingWork): Promise<number> {
    if (examples.length === 0) return 0;
    const { config } = this.#models.of(stage.model);
    const chosen = inParts(config) ? someOf(examples, PART_TOKENS) : examples;
    const given = chosen.map((example) => withInputs(example, stage, config));
    // Of several updates: one may be of long prompts by chance.
    const scale = tokensIn(several.flat()) / several.length / tokensIn(given);
    using folder = temporaryFolder(this.#folder);
    const each = await wholeOf(config, async (part) => {
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
        folder.path,
        config,
      );
      const learning = await timed(() => trainer.accumulate(given));
      const whole = await once(() => trainer.step(given, 0));
      // The optimiser works once an update, whatever the number of tokens.
      return learning * scale + Math.max(0, whole - learning);
    });
    return each * updates;
  }

  async #generate(work: GenerationWork, dtype: ComputeDType): Promise<number> {
    if (work.prompts.length === 0) return 0;
    const { config: full } = this.#models.of(work.model);
    const { samples, temperature, batch } = work;
    const lengths = someOfAll(work.prompts, Math.max(PROMPTS, batch ?? 0));
    const most = full.maxPositions - work.maxTokens - 1;
    const prompts = lengths.map((length, i) => promptOf(length, i, most));
    const answer = Math.max(1, Math.round(work.answer));
    const measured = Math.min(answer, TOKENS);
    const seconds = await wholeOf(full, async (config) => {
      using parameters = this.#weights(config, dtype, false);
      using generator = new Generator(this.#device, config, parameters);
      const call = (maxTokens: number) => () =>
        generator.generate(prompts, {
          samples,
          temperature,
          maxTokens,
          stopIds: [],
          ...(batch === undefined ? {} : { batch }),
        });
      const first = await timed(call(1));
      if (answer === 1) return first;
      const more = await timed(call(measured));
      return first + (Math.max(0, more - first) * (answer - 1)) / Math.max(1, measured - 1);
    });
    return (seconds * work.prompts.length * work.calls) / lengths.length;
  }

  async #score({ model, examples, topK, calls }: ScoringWork, dtype: ComputeDType): Promise<number> {
    if (examples.length === 0) return 0;
    const { config: full } = this.#models.of(model);
    const chosen = someOf(examples, inParts(full) ? PART_TOKENS : 4 * PART_TOKENS);
    const seconds = await wholeOf(full, async (config) => {
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
