/** Inputs of a run's stages, from its recipe, and the places of things in the run's folder. */
import { existsSync, rmSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { required, UserError } from '../base/errors.ts';
import { readText, writeAtomic, writeFolderAtomic } from '../base/files.ts';
import { identityOf } from '../base/identity.ts';
import { readJson } from '../base/json-file.ts';
import { hashString, Rng } from '../base/rng.ts';
import { tokenizerFilesOf } from '../chat/gguf-tokenizer.ts';
import { ChatTemplate } from '../chat/template.ts';
import { paddedVocabulary, Tokenizer } from '../chat/tokenizer.ts';
import type { Dialogues } from '../data/dialogues.ts';
import type { TaskDialogue } from '../data/reading.ts';
import { trainVocabulary } from '../../packages/assistant/src/vocabulary.ts';
import { loadDialogues } from './dialogues.ts';
import { openEnvironment } from './environments.ts';
import { agentMode, CONVERSATION } from '../../packages/environments/src/rollout-mode.ts';
import { type ModelConfig, parameterSpecs } from '../model/arch/config.ts';
import { NEW_MODEL_FAMILY } from '../model/arch/index.ts';
import { type KeptLayers, keptLayers, pruneCheckpoint, prunedConfig } from '../model/prune.ts';
import { checkpointContents, refuseAdapter } from '../model/checkpoint/checkpoint-path.ts';
import {
  initialiseWeights,
  loadConfig,
  loadModel,
  type LoadModelOptions,
} from '../model/checkpoint/checkpoint.ts';
import type { DerivedModel, NewModel, Recipe } from '../recipe/schema.ts';
import { derivedFrom } from './inputs.ts';
import { kindOf, type Stage } from '../stages/index.ts';
import type { OpenEnvironment, OpenModel, Outputs, StageContext } from '../stages/stage.ts';
import { ParameterSet } from '../tensor/parameters.ts';
import type { Speaking } from '../train/prompts.ts';

export interface Run extends Pick<StageContext, 'folder' | 'device' | 'signal' | 'now'> {
  readonly recipe: Recipe;
}

/** A run's recipe and place, for what needs no device. */
export type RunPlace = Pick<Run, 'recipe' | 'folder'>;

export const stageFolder = ({ folder }: Pick<Run, 'folder'>, name: string): string =>
  join(folder, 'stages', name);

/** Inputs of a stage: what its options refer to, ready to be opened. */
export function contextOf(run: Run, stage: Pick<Stage, 'name' | 'kind' | 'seed'>): StageContext {
  const { recipe, device, signal, now } = run;
  const { data } = recipe;
  return {
    name: stage.name,
    kind: stage.kind,
    // Its own seed, or one derived from the recipe's and its name.
    seed: stage.seed ?? hashString(`${recipe.seed}:${stage.name}`),
    folder: stageFolder(run, stage.name),
    device,
    signal,
    now,
    generated: {
      seed: generatorSeed(recipe),
      train: data.source === 'assistant' ? data.train : undefined,
    },
    dialogues: (split) => dialoguesOf(recipe, split),
    openModel: (reference, options) => openModel(run, reference, options),
    checkpoint: (reference) => checkpointOf(run, reference),
    speaking: (reference) => speaking(run, reference),
    tokenizerSource: (reference) => tokenizerSource(run, reference),
    openEnvironment: (name) => openRecipeEnvironment(recipe, name),
    referent: (name) => referentOf(run, name),
  };
}

function referentOf(run: Run, name: string): ReturnType<StageContext['referent']> {
  const stage = run.recipe.stages.find((one) => one.name === name);
  if (stage !== undefined) {
    const { makes } = kindOf(stage);
    const is = makes === 'rollouts' || makes === 'trajectories' ? makes : 'model';
    return { is, folder: join(stageFolder(run, name), is) };
  }
  const is =
    name in run.recipe.models ? 'model' : name in (run.recipe.environments ?? {}) ? 'environment' : 'train';
  return { is, folder: run.folder };
}

function mapPaths(outputs: Outputs, change: (path: string) => string): Outputs {
  return Object.fromEntries(Object.entries(outputs).map(([what, path]) => [what, change(path)]));
}

/** Marks a stage as done, with what it made; written last. Its paths are relative to the run, which may be moved. */
export function markDone(run: Pick<Run, 'folder'>, name: string, outputs: Outputs): void {
  const inside = mapPaths(outputs, (path) => relative(run.folder, path).replaceAll(sep, '/'));
  writeAtomic(join(stageFolder(run, name), 'done.json'), JSON.stringify(inside));
}

/** Outputs of a finished stage; undefined when it is not finished. */
export function outputsOf(run: Pick<Run, 'folder'>, name: string): Outputs | undefined {
  const path = join(stageFolder(run, name), 'done.json');
  if (!existsSync(path)) return undefined;
  const strings = z.record(z.string(), z.string());
  const inside = readJson(path, strings, 'remove it to have that stage finished again');
  return mapPaths(inside, (place) => join(run.folder, place));
}

/** Tokenizers whose templates were looked at, by run and source: of a large one that takes a second. */
const fixedSources = new WeakMap<RunPlace, Map<string, string>>();

/**
 * The folder or GGUF file with the tokenizer of a model or stage, and the chat template that it is trained with: where
 * thoughts depend on who renders it, the recipe says something of them or of the functions that prompts show, or the
 * checkpoint's own shows no tools, a copy with the template that is used.
 */
export function tokenizerSource(run: RunPlace, reference: string): string {
  const source = ownTokenizer(run, reference);
  const model = run.recipe.models[reference];
  const shown = typeof model === 'object' && 'from' in model ? model.prompt_tools : undefined;
  const known = fixedSources.get(run) ?? new Map<string, string>();
  fixedSources.set(run, known);
  const key = JSON.stringify([source, shown]);
  const fixed = known.get(key) ?? fixedTokenizer(run, source, shown);
  known.set(key, fixed);
  return fixed;
}

function fixedTokenizer(run: RunPlace, source: string, shown: DerivedModel['prompt_tools']): string {
  const tokenizer = Tokenizer.load(source);
  const { thinking, tool_format } = run.recipe;
  const template = ChatTemplate.of(tokenizer).withPromptTools(shown).fixed(thinking, tool_format);
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
function ownTokenizer(run: RunPlace, reference: string): string {
  const model = run.recipe.models[reference];
  if (model === undefined) return join(stageFolder(run, reference), 'model');
  if (typeof model === 'string') return model;
  if ('from' in model) return derivedFrom(run.recipe, model);
  if (typeof model.tokenizer === 'string') return model.tokenizer;
  const { vocab_size: size, groups } = model.tokenizer;
  const folder = join(run.folder, 'vocabulary', `${size}-${groups}`);
  if (!existsSync(folder)) {
    const seed = generatorSeed(run.recipe);
    writeFolderAtomic(folder, (temporary) => trainVocabulary({ seed, size, groups }).save(temporary));
  }
  return folder;
}

function speaking(run: Run, reference: string): Speaking {
  const source = tokenizerSource(run, reference);
  const tokenizer = Tokenizer.load(source);
  return { tokenizer, template: ChatTemplate.of(tokenizer) };
}

/** A new model's shape. Ids beyond its tokenizer's are never in data; they decode to nothing. */
export function newConfig(model: NewModel, tokenizer: Tokenizer): ModelConfig {
  return {
    vocabSize: paddedVocabulary(tokenizer),
    hiddenSize: model.hidden_size,
    intermediateSize: model.intermediate_size,
    layers: model.num_hidden_layers,
    heads: model.num_attention_heads,
    kvHeads: model.num_key_value_heads,
    headDim: model.head_dim,
    rmsNormEps: model.rms_norm_eps,
    ropeTheta: model.rope_theta,
    tiedEmbeddings: model.tie_word_embeddings,
    family: NEW_MODEL_FAMILY,
    contextLength: model.max_position_embeddings,
    bosTokenId: null,
    eosTokenId: tokenizer.turnEndId,
  };
}

/** Configuration of the model that a recipe's reference means, without its weights. */
export function configOf(run: RunPlace, reference: string): ModelConfig {
  const model = run.recipe.models[reference];
  if (model === undefined) return loadConfig(join(stageFolder(run, reference), 'model'));
  if (typeof model === 'string') return loadConfig(model);
  if (!('from' in model)) return newConfig(model, Tokenizer.load(ownTokenizer(run, reference)));
  const whole = loadConfig(derivedFrom(run.recipe, model));
  return model.layers === undefined ? whole : prunedConfig(whole, keptLayers(whole.layers, model.layers));
}

/** Fresh weights; the same seed and shape give the same ones. */
function makeModel(run: Run, model: NewModel, config: ModelConfig, { trainable, dtype }: LoadModelOptions) {
  const specs = parameterSpecs(config, dtype);
  const parameters = new ParameterSet(run.device, specs, trainable ? 'trainable' : 'weights');
  initialiseWeights(config, parameters, Rng.seeded(run.recipe.seed, 'init'), model.initializer_range);
  return { config, parameters };
}

/** Folder of a pruned model, which is written once a run; one of other layers, or of another model, makes room for it. */
function prunedFolder(run: Run, reference: string, source: string, layers: KeptLayers): string {
  const home = join(run.folder, 'models', reference);
  const folder = join(home, identityOf([checkpointContents(source), layers]));
  if (!existsSync(folder)) {
    rmSync(home, { recursive: true, force: true });
    const tokenizerFiles = tokenizerFilesOf(source);
    pruneCheckpoint(run.device, source, folder, layers, { tokenizerFiles });
  }
  return folder;
}

function checkpointOf(run: Run, reference: string): string {
  const model = run.recipe.models[reference];
  if (typeof model === 'object' && 'from' in model) {
    const source = derivedFrom(run.recipe, model);
    return model.layers === undefined ? source : prunedFolder(run, reference, source, model.layers);
  }
  if (typeof model === 'object')
    throw new UserError(
      'CHECKPOINT',
      `The model ${reference} is a new one, which lies nowhere; train it first.`,
    );
  return model ?? join(stageFolder(run, reference), 'model');
}

export function openModel(run: Run, reference: string, options: LoadModelOptions): OpenModel {
  const model = run.recipe.models[reference];
  // Before its tokenizer is looked for, which an adapter mostly lacks.
  if (typeof model === 'string') refuseAdapter(model);
  const speech = speaking(run, reference);
  const opened =
    typeof model === 'object' && !('from' in model)
      ? makeModel(run, model, newConfig(model, speech.tokenizer), options)
      : loadModel(run.device, checkpointOf(run, reference), options);
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

async function openRecipeEnvironment(recipe: Recipe, name: string): Promise<OpenEnvironment> {
  const source = required(recipe.environments?.[name], 'an environment of the recipe');
  const host = await openEnvironment(source);
  return {
    host,
    rolloutMode: source.rollout_mode === 'agent' ? agentMode(source.max_tries) : CONVERSATION,
    async problems(split) {
      const problems = await host.problems({ split, seed: source.seed, count: source[split] });
      if (problems.length === 0)
        throw new UserError(
          'NO_PROMPTS',
          `The environment ${name} has no ${split} problem; correct its module or raise its ${split}.`,
        );
      return problems;
    },
    [Symbol.dispose]: () => host[Symbol.dispose](),
  };
}

const dialogues = new WeakMap<Recipe, Map<string, Dialogues<TaskDialogue>>>();

/** The dialogues of a split, made or read once a run. */
export function dialoguesOf(recipe: Recipe, split: 'train' | 'test'): Dialogues<TaskDialogue> {
  const known = dialogues.get(recipe) ?? new Map<string, Dialogues<TaskDialogue>>();
  dialogues.set(recipe, known);
  // A file that is trained and tested on is read once.
  const key = recipe.data.source === 'file' ? recipe.data[split] : split;
  if (!known.has(key)) known.set(key, loadDialogues(recipe.data, split));
  return required(known.get(key), `the ${split} split`);
}

/** Seed of what is generated: the data's own, or the recipe's when the data are files. */
export const generatorSeed = ({ data, seed }: Recipe): number => (data.source === 'file' ? seed : data.seed);
