/** What every stage of a run is given, and where things lie in the run's folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InternalError, required, UserError } from '../../base/errors.ts';
import { readText, writeAtomic } from '../../base/files.ts';
import { hashString, Rng } from '../../base/rng.ts';
import { Tokenizer } from '../../chat/tokenizer.ts';
import { loadDialogues, type TaskDialogue } from '../../data/source.ts';
import { trainVocabulary } from '../../data/vocabulary.ts';
import type { Device } from '../../ggml/device.ts';
import { initialiseWeights, type LoadedModel, loadModel } from '../../model/checkpoint.ts';
import { parameterSpecs, type Qwen3Config } from '../../model/config.ts';
import { ParameterSet } from '../../tensor/parameters.ts';
import type { NewModel, Recipe } from '../schema.ts';
import type { Stage } from '../stages.ts';

export interface RunContext {
  readonly recipe: Recipe;
  readonly folder: string;
  readonly device: Device;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

export const stageFolder = (run: RunContext, name: string): string => join(run.folder, 'stages', name);
export const modelFolder = (run: RunContext, name: string): string => join(stageFolder(run, name), 'model');
export const checkpointFolder = (run: RunContext, name: string): string =>
  join(stageFolder(run, name), 'checkpoints');
export const rolloutFolder = (run: RunContext, name: string): string =>
  join(stageFolder(run, name), 'rollouts');

/** A stage's seed: its own, or one derived from the recipe's and its name. */
export function seedOf(recipe: Recipe, stage: Pick<Stage, 'name' | 'seed'>): number {
  return stage.seed ?? hashString(`${recipe.seed}:${stage.name}`);
}

/** Marks a stage as done, with what it made; written last. */
export function markDone(run: RunContext, name: string, outputs: Readonly<Record<string, string>>): void {
  writeAtomic(join(stageFolder(run, name), 'done.json'), JSON.stringify(outputs));
}

export function isDone(run: RunContext, name: string): boolean {
  return existsSync(join(stageFolder(run, name), 'done.json'));
}

/** What a finished stage made. */
export function outputsOf(run: RunContext, name: string): Record<string, string> {
  return JSON.parse(readText(join(stageFolder(run, name), 'done.json'))) as Record<string, string>;
}

/** The folder with the tokenizer of a model or stage; a vocabulary to be trained is trained now, once a run. */
export function tokenizerFolder(run: RunContext, reference: string): string {
  const model = run.recipe.models[reference];
  if (model === undefined) return modelFolder(run, reference);
  if (typeof model === 'string') return model;
  if (typeof model.tokenizer === 'string') return model.tokenizer;
  const { vocab_size: size, groups } = model.tokenizer;
  const folder = join(run.folder, 'vocabulary', `${size}-${groups}`);
  if (!existsSync(join(folder, 'tokenizer.json'))) {
    const seed = run.recipe.data.source === 'assistant' ? run.recipe.data.seed : run.recipe.seed;
    trainVocabulary({ seed, size, groups }).save(folder);
  }
  return folder;
}

/** The tokenizer and chat template of a model or stage. */
export function tokenizerOf(run: RunContext, reference: string): { tokenizer: Tokenizer; template: string } {
  const folder = tokenizerFolder(run, reference);
  const tokenizer = Tokenizer.load(folder);
  if (tokenizer.chatTemplate === undefined) {
    throw new UserError(
      'CHAT_TEMPLATE',
      `The tokenizer in ${folder} has no chat template; add chat_template.jinja to it.`,
    );
  }
  return { tokenizer, template: tokenizer.chatTemplate };
}

function newConfig(model: NewModel, tokenizer: Tokenizer): Qwen3Config {
  return {
    vocabSize: tokenizer.vocabSize,
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
    eosTokenId: tokenizer.eosId,
  };
}

function makeModel(run: RunContext, name: string, model: NewModel, trainable: boolean): LoadedModel {
  const config = newConfig(model, tokenizerOf(run, name).tokenizer);
  const parameters = new ParameterSet(
    run.device,
    parameterSpecs(config),
    trainable ? 'trainable' : 'weights',
  );
  initialiseWeights(config, parameters, Rng.seeded(run.recipe.seed, 'init'));
  return { config, parameters };
}

/** Loads the model that a recipe's reference means, or makes a new one. */
export function openModel(run: RunContext, reference: string, trainable: boolean): LoadedModel {
  const model = run.recipe.models[reference];
  if (model === undefined) return loadModel(run.device, modelFolder(run, reference), { trainable });
  if (typeof model === 'string') return loadModel(run.device, model, { trainable });
  return makeModel(run, reference, model, trainable);
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

const dialogues = new WeakMap<Recipe, Map<string, readonly TaskDialogue[]>>();

/** The dialogues of a split, made or read once a run. */
export function dialoguesOf(run: RunContext, split: 'train' | 'test'): readonly TaskDialogue[] {
  const known = dialogues.get(run.recipe) ?? new Map<string, readonly TaskDialogue[]>();
  dialogues.set(run.recipe, known);
  if (!known.has(split)) known.set(split, loadDialogues(run.recipe.data, split));
  return required(known.get(split), `the ${split} split`);
}

/** Seed of the assistant's generator; other data have none. */
export function assistantSeed(run: RunContext): { seed: number; groups: number } {
  const { data } = run.recipe;
  if (data.source !== 'assistant') throw new InternalError('pre-training needs the assistant as its data');
  return { seed: data.seed, groups: Math.max(1, Math.floor(data.train / 8)) };
}
