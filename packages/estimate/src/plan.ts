/**
 * Memory and disk of a stage: everything that it holds, built on a meta device, for batches of the sizes that its options
 * and the data's lengths lead to, whatever its kind. Answers are taken to be as long as the data's own, up to
 * generate_max_len; nothing that is drawn is taken to be dropped.
 */
import { Owned } from '../../../src/base/owned.ts';
import { asTokenIds, type TokenIds } from '../../../src/base/token-ids.ts';
import { Device } from '../../../src/ggml/device.ts';
import { type ModelConfig, parameterSpecs, weightCount } from '../../../src/model/arch/config.ts';
import type { LoadedModel, LoadModelOptions } from '../../../src/model/checkpoint/checkpoint.ts';
import { Generator } from '../../../src/model/generate/generation.ts';
import { Scorer } from '../../../src/model/tree/scoring.ts';
import type { Recipe } from '../../../src/recipe/schema.ts';
import { mean, sum } from '../../report/src/numbers.ts';
import { dialoguesOf } from '../../../src/run/context.ts';
import { kindOf, lossOf, outputsModel, type Stage, type TrainingStage } from '../../../src/stages/index.ts';
import { GROUP_LIMIT } from '../../../src/stages/lessons.ts';
import { openForTraining, type TrainableModel, trainerFor } from '../../../src/stages/training.ts';
import { ParameterSet } from '../../../src/tensor/parameters.ts';
import { rowsFrom, type TrainExample, treeOf } from '../../../src/train/examples.ts';
import { epochOrder } from '../../../src/train/supervised.ts';
import type { Lengths, ModelShapes } from './models.ts';

/** Options of stages of any kind; undefined where a stage's kind has no such option. */
type AnyOptions = { readonly [K in OptionOf<Stage>]?: ValueOf<Stage, K> | undefined };
type OptionOf<S> = S extends unknown ? keyof S : never;
type ValueOf<S, K> = S extends unknown ? (K extends keyof S ? S[K] : never) : never;

/** Assumed ratio of a call's longest answer to its average. */
const SPREAD = 1.5;
/** Two, and one that is being written. */
const KEPT_CHECKPOINTS = 3;
/** Updates whose layouts are looked at: batches of different layouts have graphs of their own, which are kept. */
const UPDATES = 6;
/** Problems of an environment that does not say how many it has. */
const PROBLEMS = 1000;

/** `count` of `items`, over and over. */
const cycled = <T>(items: readonly T[], count: number): T[] =>
  Array.from({ length: count }).flatMap((_, i) => items[i % items.length] ?? []);

const blank = (length: number): TokenIds => asTokenIds(new Int32Array(Math.max(1, length)));

/** Dialogues as one tree behind the first `shared` tokens, those of their tools unless told, each with `samples` answers. */
function blankTree(
  dialogues: readonly Lengths[],
  samples: number,
  longest: number,
  shared = Math.min(...dialogues.map(({ system }) => system)),
): TrainExample {
  const completions = dialogues.flatMap(({ prompt, target }) => {
    const tokens = blank(prompt - shared + Math.min(target, longest));
    const rows = rowsFrom(tokens, Math.min(prompt - shared, tokens.length - 1));
    return Array.from({ length: samples }, () => ({ tokens, rows, inputs: {} }));
  });
  return { prompt: blank(shared), completions };
}

const alone = (samples: number, longest: number) => (one: Lengths) =>
  blankTree([one], samples, longest, one.prompt);

/** A model whose weights may be trained. */
type Planned = LoadedModel & Pick<TrainableModel, 'training'>;

/** Plan of a stage: what it works on, then the bytes that it takes. Nothing is known of a benchmark's prompts. */
export class StagePlan {
  readonly stage: Stage;
  readonly #options: AnyOptions;
  readonly #recipe: Recipe;
  readonly #models: ModelShapes;
  /** The stage that makes what it reads. */
  readonly #source: Stage | undefined;
  /** Number of dialogues or problems of which answers are drawn, and who draws them: a model of the recipe or others. */
  readonly #asked: number;
  readonly #isElsewhere: boolean;
  /** The models that draw answers, or that it trains, with the dialogues that each meets, by tool sets. */
  readonly #lengths: ReadonlyMap<string, readonly (readonly Lengths[])[]>;
  /** Bytes on the device, where that has memory of its own; and of the process, beside what runtime and data take. */
  device = 0;
  host = 0;
  /** Bytes of its checkpoints while it runs. */
  checkpoints = 0;

  constructor(recipe: Recipe, stage: Stage, models: ModelShapes) {
    [this.#recipe, this.stage, this.#options, this.#models] = [recipe, stage, stage, models];
    const { data, from, teacher, rollout_batch_size, models: compared, model = '' } = this.#options;
    this.#source = recipe.stages.find(({ name }) => name === data);
    this.#isElsewhere = from !== undefined || typeof teacher === 'object';
    const split = kindOf(stage).reads?.(stage) ?? 'train';
    this.#asked = rollout_batch_size === undefined ? 0 : this.#count(split);
    const met = this.#asked > 0 || outputsModel(stage) ? Object.values(compared ?? { model }) : [];
    this.#lengths = new Map(met.map((reference) => [reference, this.#measure(reference, split)]));
  }

  #count(split: 'train' | 'test'): number {
    const { prompts, problems, limit = Infinity, environment = '' } = this.#options;
    const own = this.#recipe.environments?.[environment];
    const all = own === undefined ? dialoguesOf(this.#recipe, split).length : (own.train ?? PROBLEMS);
    return Math.min(prompts ?? problems ?? limit, all);
  }

  /** The lengths of dialogues, where it reads any, or the longest that its options let through. */
  #measure(reference: string, split: 'train' | 'test'): readonly (readonly Lengths[])[] {
    const { data = 'train', environment, prompt_max_len: most = Infinity, generate_max_len } = this.#options;
    const source = this.#source && kindOf(this.#source).makes;
    if (environment !== undefined || source === 'trajectories' || (data !== 'train' && source === undefined))
      return [[{ system: Math.ceil(most / 2), prompt: most, target: generate_max_len ?? 0 }]];
    return this.#models
      .lengths(reference, split)
      .map((group) => group.filter(({ prompt }) => prompt <= most))
      .filter(({ length }) => length > 0);
  }

  /** Bytes that it leaves on the disk: a model, or answers with two or three bytes an id and two a log-probability. */
  get disk(): number {
    if (outputsModel(this.stage)) return 4 * weightCount(this.#models.of(this.stage.model).config);
    if (kindOf(this.stage).makes !== 'rollouts') return 0;
    const { kd_topk = 0, n_samples_per_prompt = 1 } = this.#options;
    const answer = this.#answer([...this.#lengths.values()].flat(2));
    return this.#asked * n_samples_per_prompt * answer * (5 * kd_topk + 5);
  }

  /** Tokens of an answer, on average. */
  #answer(dialogues: readonly Lengths[]): number {
    const { generate_max_len: longest = 0 } = this.#options;
    return sum(dialogues.map(({ target }) => Math.min(target, longest))) / Math.max(1, dialogues.length);
  }

  /** Builds all that the stage holds; throws what building it throws. */
  build(threads: number): void {
    using device = Device.meta(this.#recipe.device, threads);
    // The models of an evaluation are in memory one after the other.
    for (const [reference, groups] of this.#lengths)
      if (outputsModel(this.stage) || !this.#isElsewhere) this.#hold(device, reference, groups);
    const planned = device.meta?.peak ?? 0;
    if (device.info.kind === 'cpu') this.host += planned;
    else this.device = planned;
  }

  /** Builds what is in memory together with a model. */
  #hold(device: Device, reference: string, groups: readonly (readonly Lengths[])[]): void {
    const { n_samples_per_prompt: samples = 1, generate_max_len: longest = 0, ...options } = this.#options;
    const { kd_topk = 0, temperature = 1, init_kl_coef = 0, lmbda, teacher } = options;
    const trained = outputsModel(this.stage) ? this.stage : undefined;
    using held = new Owned();
    const { config } = this.#models.of(reference);
    // Shape of a teacher that scores each step's answers.
    const taughtBy =
      lmbda === undefined || typeof teacher !== 'string' ? undefined : this.#models.of(teacher).config;
    const asked = Math.min(options.rollout_batch_size ?? 0, this.#asked);
    const prompts = taughtBy === undefined ? asked : (trained?.train_batch_size ?? 0);
    const opening =
      (of: ModelConfig) =>
      ({ trainable, dtype: own }: LoadModelOptions): LoadedModel & Disposable => {
        const specs = parameterSpecs(of, own);
        const parameters = new ParameterSet(device, specs, trainable ? 'trainable' : 'weights');
        return { config: of, parameters, [Symbol.dispose]: () => parameters[Symbol.dispose]() };
      };
    const untrained = (of = config): Planned =>
      held.add(opening(of)({ trainable: false, dtype: options.compute_dtype ?? 'f32' }));
    const dialogues = groups.flat();
    const drawn = dialogues.map(alone(samples, longest));
    const model =
      trained === undefined ? untrained() : held.add(openForTraining(opening(config), trained, 1));
    if (trained !== undefined) {
      // A joint stage learns from stored answers beside those that it draws.
      const lessons = this.#asked === 0 || 'kd_kl_coef' in this.stage ? this.#lessons(trained, groups) : [];
      this.#train(trained, model, this.#asked > 0 ? [...drawn, ...lessons] : lessons, held);
    }
    if (prompts === 0 || dialogues.length === 0) return;
    const examples = cycled(drawn, prompts);
    let host = 0;
    if (!this.#isElsewhere && lmbda !== 0) {
      const generator = held.add(new Generator(device, config, model.training ?? model.parameters));
      host += generator.reserve(
        examples.map(({ prompt }) => Math.min(prompt.length, config.contextLength - 1)),
        { n_samples_per_prompt: samples, temperature, generate_max_len: longest, stopIds: [] },
        Math.ceil(SPREAD * this.#answer(dialogues)),
      );
    }
    const isAnchored = trained !== undefined && init_kl_coef > 0;
    if (isAnchored || taughtBy !== undefined || kindOf(this.stage).makes === 'rollouts') {
      // LoRA has the model as it was before training in it.
      const isOther = taughtBy !== undefined || (isAnchored && trained.lora === undefined);
      const before = isOther ? untrained(taughtBy).parameters : model.training?.base;
      const weights = before ?? model.training ?? model.parameters;
      const scorer = held.add(new Scorer(device, taughtBy ?? config, weights));
      const topK = isAnchored ? 0 : Math.min(kd_topk, config.vocabSize);
      scorer.reserve(examples.map(treeOf), { topK });
      // Ids and log-probabilities of a call, as they are handed over.
      const tokens = examples.flatMap(({ completions }) => completions.map((one) => one.tokens.length));
      host += sum(tokens) * (8 * topK + 8);
    }
    this.host = Math.max(this.host, host);
  }

  /** Trees that it learns from where it draws nothing itself. */
  #lessons(stage: TrainingStage, groups: readonly (readonly Lengths[])[]): TrainExample[] {
    const source = this.#source;
    if (source === undefined || kindOf(source).makes !== 'rollouts')
      return groups.map((group) => blankTree(group, 1, stage.generate_max_len));
    const options: AnyOptions = source;
    const { by_tools, n_samples_per_prompt: samples = 1, generate_max_len: longest = 0 } = options;
    // A loss that compares completions learns from pairs.
    if (!lossOf(stage).rowwise) return groups.flat().map(alone(2, longest));
    const together = Math.max(1, Math.floor((2 * GROUP_LIMIT) / samples));
    if (by_tools !== true || together === 1) return groups.flat().map(alone(samples, longest));
    return groups.map((group) => blankTree(group.slice(0, together), samples, longest));
  }

  /** Builds a trainer with the graphs of a few updates. */
  #train(stage: TrainingStage, model: Planned, examples: readonly TrainExample[], held: Owned): void {
    // On a meta device nothing is written, wherever it would be.
    const trainer = held.add(trainerFor(model, stage, lossOf(stage), ''));
    const trees = lossOf(stage).rowwise ? mean(examples.map(({ completions }) => completions.length)) : 1;
    const count = Math.max(1, Math.round(stage.train_batch_size / Math.max(1, trees)));
    // In some order, as stages take them.
    const [length, order] = [UPDATES * count, epochOrder(Math.max(1, examples.length), 1)];
    const all = Array.from({ length }).flatMap((_, i) => examples[order(i % examples.length)] ?? []);
    for (let i = 0; i < UPDATES; i++) trainer.reserve(all.slice(i * count, (i + 1) * count));
    const { weights, moments } = trainer.savedBytes;
    const offloaded = stage.optimizer === 'adamw_offloaded' ? moments : 0;
    this.checkpoints = KEPT_CHECKPOINTS * (weights + moments) + offloaded;
  }
}
