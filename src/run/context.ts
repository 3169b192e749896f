/** What every stage of a run is given, and where things lie in the run's folder. */
import { existsSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { required, UserError } from '../base/errors.ts';
import { readText, writeAtomic, writeFolderAtomic } from '../base/files.ts';
import { hashString, Rng } from '../base/rng.ts';
import { ChatTemplate } from '../chat/template.ts';
import { Tokenizer } from '../chat/tokenizer.ts';
import type { Dialogues } from '../data/dialogues.ts';
import { loadDialogues } from '../data/loading.ts';
import type { TaskDialogue } from '../data/source.ts';
import { trainVocabulary } from '../data/vocabulary.ts';
import type { Device } from '../ggml/device.ts';
import {
  initialiseWeights,
  type LoadedModel,
  loadModel,
  type LoadModelOptions,
} from '../model/checkpoint/checkpoint.ts';
import { ComputeCopies } from '../model/compute-copies.ts';
import { parameterSpecs, type Qwen3Config } from '../model/arch/config.ts';
import type { WeightSource } from '../model/arch/forward.ts';
import { LORA_TARGETS, type LoraOptions, LoraWeights } from '../model/lora.ts';
import { isGguf, refuseAdapter } from '../model/checkpoint/checkpoint-path.ts';
import type { TrainedWeights } from '../model/trained-weights.ts';
import { ParameterSet } from '../tensor/parameters.ts';
import type { NewModel, Recipe } from '../recipe/schema.ts';
import type { OptimizerOptions, Stage, TrainingStage } from '../stages/schema.ts';

type Lora = NonNullable<OptimizerOptions['lora']>;

/** After how many steps stages that train end in a rehearsal. */
export interface RehearsalSteps {
  readonly supervised: number;
  readonly reinforcement: number;
}

export interface RunContext {
  readonly recipe: Recipe;
  readonly folder: string;
  readonly device: Device;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Set when only the beginning of each stage is run, to learn what the whole will take. */
  readonly rehearsal?: RehearsalSteps;
}

export const stageFolder = ({ folder }: Pick<RunContext, 'folder'>, name: string): string =>
  join(folder, 'stages', name);
export const modelFolder = (run: RunContext, name: string): string => join(stageFolder(run, name), 'model');
export const checkpointFolder = (run: RunContext, name: string): string =>
  join(stageFolder(run, name), 'checkpoints');
export const rolloutFolder = (run: RunContext, name: string): string =>
  join(stageFolder(run, name), 'rollouts');

export const trajectoryFolder = (run: RunContext, name: string): string =>
  join(stageFolder(run, name), 'trajectories');

/** A stage's seed: its own, or one derived from the recipe's and its name. */
export function seedOf(recipe: Recipe, stage: Pick<Stage, 'name' | 'seed'>): number {
  return stage.seed ?? hashString(`${recipe.seed}:${stage.name}`);
}

/** Paths of what a stage made, by what it is. */
export type Outputs = Readonly<Record<string, string>>;

const outputsSchema = z.record(z.string(), z.string());

function mapPaths(outputs: Outputs, change: (path: string) => string): Outputs {
  return Object.fromEntries(Object.entries(outputs).map(([what, path]) => [what, change(path)]));
}

/** Marks a stage as done, with what it made; written last. Its paths are relative to the run, which may be moved. */
export function markDone(run: RunContext, name: string, outputs: Outputs): void {
  const inside = mapPaths(outputs, (path) => relative(run.folder, path).replaceAll(sep, '/'));
  writeAtomic(join(stageFolder(run, name), 'done.json'), JSON.stringify(inside));
}

/** What a finished stage made; undefined when it is not finished. */
export function outputsOf(run: RunContext, name: string): Outputs | undefined {
  const path = join(stageFolder(run, name), 'done.json');
  if (!existsSync(path)) return undefined;
  try {
    return mapPaths(outputsSchema.parse(JSON.parse(readText(path))), (inside) => join(run.folder, inside));
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError('RUN_FILE', `${path} is damaged; remove it to have that stage finished again.`);
  }
}

/** Tokenizers whose templates were looked at, by run and source: of a large one that takes a second. */
const fixedSources = new WeakMap<RunContext, Map<string, string>>();

/**
 * The folder or GGUF file with the tokenizer of a model or stage, and the chat template that it is trained with: where
 * thoughts depend on who renders it, or the recipe says something of them, a copy with the template fixed.
 */
export function tokenizerSource(run: RunContext, reference: string): string {
  const source = ownTokenizer(run, reference);
  const known = fixedSources.get(run) ?? new Map<string, string>();
  fixedSources.set(run, known);
  const fixed = known.get(source) ?? fixedTokenizer(run, source);
  known.set(source, fixed);
  return fixed;
}

function fixedTokenizer(run: RunContext, source: string): string {
  const tokenizer = Tokenizer.load(source);
  if (tokenizer.chatTemplate === undefined) return source;
  const template = ChatTemplate.of(tokenizer).fixed(run.recipe.thinking);
  if (template.source === tokenizer.chatTemplate) return source;
  const name = `${tokenizer.fingerprint()}-${hashString(template.source).toString(16)}`;
  const folder = join(run.folder, 'templates', name);
  if (!existsSync(folder))
    writeFolderAtomic(folder, (made) => {
      tokenizer.withChatTemplate(template.source).save(made);
      const generation = join(source, 'generation_config.json');
      if (existsSync(generation)) writeAtomic(join(made, basename(generation)), readText(generation));
    });
  return folder;
}

/** Source of a tokenizer; a vocabulary to be trained is trained now, once a run. */
function ownTokenizer(run: RunContext, reference: string): string {
  const model = run.recipe.models[reference];
  if (model === undefined) return modelFolder(run, reference);
  if (typeof model === 'string') return model;
  if (typeof model.tokenizer === 'string') return model.tokenizer;
  const { vocab_size: size, groups } = model.tokenizer;
  const folder = join(run.folder, 'vocabulary', `${size}-${groups}`);
  if (!existsSync(folder)) {
    const seed = generatorSeed(run);
    writeFolderAtomic(folder, (temporary) => trainVocabulary({ seed, size, groups }).save(temporary));
  }
  return folder;
}

export interface Speech {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

/** The tokenizer and chat template of a model or stage. */
export function speechOf(run: RunContext, reference: string): Speech {
  const source = tokenizerSource(run, reference);
  const tokenizer = Tokenizer.load(source);
  if (tokenizer.chatTemplate === undefined) {
    throw new UserError(
      'CHAT_TEMPLATE',
      `The tokenizer in ${source} has no chat template; add ${isGguf(source) ? 'tokenizer.chat_template' : 'chat_template.jinja'} to it.`,
    );
  }
  return { tokenizer, template: ChatTemplate.of(tokenizer) };
}

/** Rows that the vocabulary of a new model is filled up to, as published ones are, for fast matrix products. */
const VOCABULARY_MULTIPLE = 64;

/** A new model's shape. Ids beyond its tokenizer's are never in data; they decode to nothing. */
export function newConfig(model: NewModel, tokenizer: Tokenizer): Qwen3Config {
  return {
    vocabSize: Math.ceil(tokenizer.vocabSize / VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE,
    hiddenSize: model.hidden_size,
    intermediateSize: model.intermediate_size,
    layers: model.num_hidden_layers,
    heads: model.num_attention_heads,
    kvHeads: model.num_key_value_heads,
    headDim: model.head_dim,
    rmsNormEps: model.rms_norm_eps,
    ropeTheta: model.rope_theta,
    tiedEmbeddings: model.tie_word_embeddings,
    maxPositions: model.max_position_embeddings,
    bosTokenId: null,
    eosTokenId: tokenizer.turnEndId,
  };
}

/** Fresh weights; the same seed and shape give the same ones. */
function makeModel(
  run: RunContext,
  model: NewModel,
  config: Qwen3Config,
  { trainable, dtype }: LoadModelOptions,
): LoadedModel {
  const specs = parameterSpecs(config, dtype);
  const parameters = new ParameterSet(run.device, specs, trainable ? 'trainable' : 'weights');
  initialiseWeights(config, parameters, Rng.seeded(run.recipe.seed, 'init'), model.initializer_range);
  return { config, parameters };
}

/** A model with the tokenizer and chat template that it speaks through. */
export interface OpenModel extends LoadedModel, Speech, Disposable {
  /** What it computes with and what is trained of it, where that is not `parameters`. */
  readonly training?: TrainedWeights;
}

/** What a model computes with. */
export const sourceOf = (model: OpenModel): WeightSource => model.training ?? model.parameters;

/** Loads the model that a recipe's reference means, or makes a new one. */
export function openModel(run: RunContext, reference: string, options: LoadModelOptions): OpenModel {
  const model = run.recipe.models[reference];
  // Before its tokenizer is looked for, which an adapter mostly lacks.
  if (typeof model === 'string') refuseAdapter(model);
  const speech = speechOf(run, reference);
  const opened =
    typeof model === 'object'
      ? makeModel(run, model, newConfig(model, speech.tokenizer), options)
      : loadModel(run.device, model ?? modelFolder(run, reference), options);
  const { config, parameters } = opened;
  const { vocabSize } = speech.tokenizer;
  if (vocabSize > config.vocabSize) {
    parameters[Symbol.dispose]();
    throw new UserError(
      'VOCABULARY',
      `The tokenizer of ${reference} has ${vocabSize} tokens and its model only ${config.vocabSize}; put the tokenizer's files that it was trained with into its folder.`,
    );
  }
  return { ...opened, ...speech, [Symbol.dispose]: () => parameters[Symbol.dispose]() };
}

/** Opens the model that a stage trains, as its options say. */
export function openForTraining(run: RunContext, stage: TrainingStage): OpenModel {
  const { lora, compute_dtype: dtype } = stage;
  const model = openModel(
    run,
    stage.model,
    lora === undefined ? { trainable: true } : { trainable: false, dtype },
  );
  try {
    const training = trainedWeights(model.parameters, stage, seedOf(run.recipe, stage));
    if (training === undefined) return model;
    return { ...model, training, [Symbol.dispose]: () => training[Symbol.dispose]() };
  } catch (thrown) {
    model[Symbol.dispose]();
    throw thrown;
  }
}

/** What a stage computes with and trains, where that is not the parameters themselves; it then owns them. */
export function trainedWeights(
  parameters: ParameterSet,
  { lora, compute_dtype: dtype }: Pick<TrainingStage, 'lora' | 'compute_dtype'>,
  seed: number,
): TrainedWeights | undefined {
  if (lora !== undefined) return new LoraWeights(parameters, loraOptions(lora), Rng.seeded(seed, 'lora'));
  return dtype === 'f32' ? undefined : new ComputeCopies(parameters, dtype);
}

/** What a recipe says of LoRA, in the model's words. */
export function loraOptions({ rank, alpha, target_modules: targets }: Lora): LoraOptions {
  return { rank, alpha, targets: targets === 'all-linear' ? LORA_TARGETS : targets };
}

/** Tokens that a prompt may have: what the stage allows, and what leaves room for an answer in the model's positions. */
export function promptLimit(
  stage: { name: string; prompt_max_len: number; generate_max_len: number },
  config: Qwen3Config,
): number {
  const room = config.maxPositions - stage.generate_max_len;
  if (room < 1) {
    throw new UserError(
      'LENGTHS',
      `Stage ${stage.name}: generate_max_len ${stage.generate_max_len} leaves no room for a prompt in the model's ${config.maxPositions} positions; lower it.`,
    );
  }
  return Math.min(stage.prompt_max_len, room);
}

const dialogues = new WeakMap<Recipe, Map<string, Dialogues<TaskDialogue>>>();

/** The dialogues of a split, made or read once a run. */
export function dialoguesOf(
  { recipe }: Pick<RunContext, 'recipe'>,
  split: 'train' | 'test',
): Dialogues<TaskDialogue> {
  const known = dialogues.get(recipe) ?? new Map<string, Dialogues<TaskDialogue>>();
  dialogues.set(recipe, known);
  // A file that is trained and tested on is read once.
  const key = recipe.data.source === 'file' ? recipe.data[split] : split;
  if (!known.has(key)) known.set(key, loadDialogues(recipe.data, split));
  return required(known.get(key), `the ${split} split`);
}

/** Seed of what is generated: the data's own, or the recipe's when the data are files. */
export function generatorSeed({ recipe }: RunContext): number {
  return recipe.data.source === 'file' ? recipe.seed : recipe.data.seed;
}
