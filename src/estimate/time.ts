/** How long a stage's work takes: some of it done on random weights, of a large model by parts of it. */
import { setImmediate } from 'node:timers/promises';
import type { TokenIds } from '../base/token-ids.ts';
import { Device } from '../ggml/device.ts';
import { parameterSpecs, type Qwen3Config, weightCount } from '../model/arch/config.ts';
import { Generator } from '../model/generate/generation.ts';
import { Scorer } from '../model/tree/scoring.ts';
import { ParameterSet } from '../tensor/parameters.ts';
import { treeOf } from '../train/examples.ts';
import { trainedWeights } from '../run/context.ts';
import { trainerFor } from '../run/trainer.ts';
import type { Recipe } from '../recipe/schema.ts';
import type { Stage, TrainingStage } from '../stages/schema.ts';
import { stateBytes } from './memory.ts';
import type { PromptLength } from './lengths.ts';
import type { ModelShapes } from './models.ts';
import { Pace } from './pace.ts';
import { inParts, type Part, wholeOf } from './parts.ts';
import { fillWeights, promptOf, someOf, someOfAll, tokensIn, withInputs } from './stand-ins.ts';
import { measureRates, type Rates, temporaryFolder } from './storage.ts';
import type { GenerationWork, ScoringWork, TrainingWork, Workload } from './work.ts';

/** Tokens that are trained on or scored in a measurement of a part. */
const PART_TOKENS = 800;
/** Prompts that are answered in a measurement, tokens of each answer, and prompts that are read and not answered. */
const PROMPTS = 8;
const TOKENS = 12;
const READ = 2;

type ComputeDType = TrainingStage['compute_dtype'];

/** How long a stage takes. */
export interface StageTime {
  /** Its work, by the milliseconds of a product: see Pace. */
  readonly work: number;
  /** What it does once, opening and saving models, taking memory: in seconds. */
  readonly once: number;
}

/** Tokens that are read of prompts: what those of one tool set begin with, once. */
function tokensRead(prompts: readonly PromptLength[]): number {
  const known = new Set<number>();
  let total = 0;
  for (const { tools, system, prompt } of prompts) {
    total += known.has(tools) ? prompt - system : prompt;
    known.add(tools);
  }
  return total;
}

/** Seconds that `body` takes. */
async function timed(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return (performance.now() - start) / 1000;
}

export class TimeProbe implements Disposable {
  readonly #device: Device;
  readonly #recipe: Recipe;
  readonly #models: ModelShapes;
  readonly #folder: string;
  readonly #pace: Pace;
  #rates: Rates | undefined;

  /** Measures on `threads` of the recipe's device, and on the disk under `folder`. */
  constructor(recipe: Recipe, models: ModelShapes, threads: number, folder: string) {
    this.#device = Device.open(recipe.device, threads);
    this.#recipe = recipe;
    this.#models = models;
    this.#folder = folder;
    this.#pace = new Pace(this.#device);
  }

  /** Milliseconds of a product, on average since the first measurement. */
  get pace(): number {
    return this.#pace.mean;
  }

  /** What a stage takes which holds `memory` bytes at most. */
  async time(stage: Stage, work: Workload, memory: number): Promise<StageTime> {
    const { training, generation, scoring } = work;
    const dtype = 'compute_dtype' in stage ? stage.compute_dtype : 'f32';
    let total = 0;
    await setImmediate();
    if (training !== undefined) total += await this.#train(training);
    for (const one of generation) total += await this.#generate(one, dtype);
    if (scoring !== undefined) total += await this.#score(scoring, dtype);
    return { work: total, once: this.#beside(work, memory) };
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

  #whole(config: Qwen3Config, open: (config: Qwen3Config) => Part): Promise<number[]> {
    return wholeOf(config, open, () => this.#pace.sample());
  }

  #weights(config: Qwen3Config, dtype: ComputeDType, trainable: boolean): ParameterSet {
    const specs = parameterSpecs(config, dtype);
    const parameters = new ParameterSet(this.#device, specs, trainable ? 'trainable' : 'weights');
    fillWeights(config, parameters);
    return parameters;
  }

  async #train({ stage, examples, several, updates }: TrainingWork): Promise<number> {
    if (examples.length === 0) return 0;
    const { config } = this.#models.of(stage.model);
    const chosen = inParts(config) ? someOf(examples, PART_TOKENS) : examples;
    const given = chosen.map((example) => withInputs(example, stage));
    // Of several updates: one may be of long prompts by chance.
    const scale = tokensIn(several.flat()) / several.length / tokensIn(given);
    using folder = temporaryFolder(this.#folder);
    const [learning = 0, updating = 0] = await this.#whole(config, (part) => {
      const parameters = this.#weights(
        part,
        stage.lora === undefined ? 'f32' : stage.compute_dtype,
        stage.lora === undefined,
      );
      const training = trainedWeights(parameters, stage, 1);
      const trainer = trainerFor(
        { config: part, parameters, ...(training === undefined ? {} : { training }) },
        stage,
        folder.path,
        config,
      );
      return {
        measure: async () => [
          await timed(() => trainer.accumulate(given)),
          await timed(() => trainer.update(0)),
        ],
        [Symbol.dispose]() {
          trainer[Symbol.dispose]();
          (training ?? parameters)[Symbol.dispose]();
        },
      };
    });
    // The optimiser works once an update, whatever the number of tokens.
    return (learning * scale + updating) * updates;
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
    const read = prompts.slice(0, READ);
    const [some = 0, answered = some] = await this.#whole(full, (config) => {
      const parameters = this.#weights(config, dtype, false);
      const generator = new Generator(this.#device, config, parameters);
      const call = (asked: readonly TokenIds[], maxTokens: number) => () =>
        generator.generate(asked, {
          samples,
          temperature,
          maxTokens,
          stopIds: [],
          ...(batch === undefined ? {} : { batch }),
        });
      return {
        measure: async () => [
          await timed(call(read, 1)),
          ...(measured === 1 ? [] : [await timed(call(prompts, measured))]),
        ],
        [Symbol.dispose]() {
          generator[Symbol.dispose]();
          parameters[Symbol.dispose]();
        },
      };
    });
    // What is read grows with its tokens; what is answered, with the answers' length.
    const reading = (some * tokensRead(lengths)) / tokensRead(lengths.slice(0, READ));
    const seconds = reading + (Math.max(0, answered - reading) * (answer - 1)) / Math.max(1, measured - 1);
    return (seconds * work.prompts.length * work.calls) / lengths.length;
  }

  async #score({ model, examples, topK, calls }: ScoringWork, dtype: ComputeDType): Promise<number> {
    if (examples.length === 0) return 0;
    const { config: full } = this.#models.of(model);
    const chosen = someOf(examples, inParts(full) ? PART_TOKENS : 4 * PART_TOKENS);
    const [seconds = 0] = await this.#whole(full, (config) => {
      const parameters = this.#weights(config, dtype, false);
      const scorer = new Scorer(this.#device, config, parameters);
      const trees = chosen.map(treeOf);
      return {
        measure: async () => [
          await timed(() => scorer.score(trees, { topK: Math.min(topK, config.vocabSize) })),
        ],
        [Symbol.dispose]() {
          scorer[Symbol.dispose]();
          parameters[Symbol.dispose]();
        },
      };
    });
    return (seconds * calls * tokensIn(examples)) / tokensIn(chosen);
  }

  [Symbol.dispose](): void {
    this.#pace[Symbol.dispose]();
    this.#device[Symbol.dispose]();
  }
}
