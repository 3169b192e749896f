/** Brings a checkpoint that another engine has trained into a run: checked, and in the form that a stage of our own leaves behind. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../../../src/base/errors.ts';
import { digestOf } from '../../../src/base/identity.ts';
import { tokenizerFilesOf } from '../../../src/chat/gguf-tokenizer.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import type { ModelConfig } from '../../../src/model/arch/config.ts';
import { isGguf, requireCheckpoint } from '../../../src/model/checkpoint/checkpoint-path.ts';
import { loadConfig, saveCheckpoint, weightsIn } from '../../../src/model/checkpoint/checkpoint.ts';
import { configOf, stageFolder, tokenizerSource } from '../../../src/run/context.ts';
import type { ReadableWeights } from '../../../src/model/checkpoint/export-tensor.ts';
import { MAX_WEIGHT } from '../../../src/train/trainer.ts';
import type { HandedStage } from './handed-stage.ts';
import type { OutputFile } from './protocol.ts';

/** Parts of a configuration that training does not depend on, and that engines write as they like. */
const FREE: readonly string[] = ['contextLength', 'bosTokenId', 'eosTokenId'];

/** Names of what two configurations differ in. */
function differences(one: ModelConfig, other: ModelConfig): string[] {
  const [a, b] = [one, other].map((config) => new Map<string, unknown>(Object.entries(config)));
  const names = new Set([...(a?.keys() ?? []), ...(b?.keys() ?? [])]);
  return [...names]
    .filter((name) => !FREE.includes(name) && !isDeepStrictEqual(a?.get(name), b?.get(name)))
    .map(
      (name) => `${name} is ${JSON.stringify(a?.get(name))} where ${JSON.stringify(b?.get(name))} went in`,
    );
}

/** Throws a UserError unless the folder has the files that the job has told of. */
function checkFiles(folder: string, files: readonly OutputFile[]): void {
  for (const { name, bytes, sha256 } of files) {
    const path = join(folder, name);
    const size = existsSync(path) ? statSync(path).size : undefined;
    if (size === bytes && digestOf(path) === sha256) continue;
    const what = size === undefined ? 'is missing' : 'is not the file that the job has made';
    throw new UserError('CHECKPOINT', `${path} ${what}; copy the folder again.`);
  }
}

/** Weights that a stage began with; undefined where they lie in no folder, as those of a new model. */
function weightsBefore({ place, stage }: HandedStage): Pick<ReadableWeights, 'read'> | undefined {
  const model = place.recipe.models[stage.model] ?? join(stageFolder(place, stage.model), 'model');
  return typeof model === 'string' && !isGguf(model) ? weightsIn(model, loadConfig(model)) : undefined;
}

/**
 * Takes the checkpoint in `folder` as the model of a stage: `files` are those that the job has told of, if it has. Throws a
 * UserError where it is not whole, of another shape or vocabulary than what went in, or holds what is no number. Tells
 * whether a weight has changed.
 */
export function takeCheckpoint(
  handed: HandedStage,
  folder: string,
  files: readonly OutputFile[] = [],
): boolean {
  requireCheckpoint(folder);
  if (isGguf(folder))
    throw new UserError('CHECKPOINT', `${folder} is a GGUF file; give the folder with model.safetensors.`);
  checkFiles(folder, files);
  const { place, stage, model } = handed;
  const config = loadConfig(folder);
  const expected = configOf(place, stage.model);
  const wrong = differences(config, expected);
  if (wrong.length > 0)
    throw new UserError(
      'OTHER_SHAPE',
      `The checkpoint in ${folder} is no ${stage.model} that was trained: ${wrong.join(', ')}; take that of the job of stage ${stage.name}.`,
    );
  const source = tokenizerSource(place, stage.model);
  const tokenizer = Tokenizer.load(source);
  if (
    existsSync(join(folder, 'tokenizer.json')) &&
    Tokenizer.load(folder).fingerprint() !== tokenizer.fingerprint()
  )
    throw new UserError(
      'OTHER_TOKENIZER',
      `The tokenizer in ${folder} is not that of ${stage.model}; its weights would be read with other tokens.`,
    );
  const weights = weightsIn(folder, config);
  const before = weightsBefore(handed);
  let hasChanged = before === undefined;
  const read = (name: string): Float32Array => {
    const values = weights.read(name);
    if (!hasChanged) {
      const old = before?.read(name);
      hasChanged = values.some((value, i) => value !== old?.[i]);
    }
    const bad = values.find((value) => !(Math.abs(value) < MAX_WEIGHT));
    if (bad === undefined) return values;
    throw new UserError(
      'NOT_A_NUMBER',
      `The checkpoint in ${folder} holds ${bad} in ${name}; its training has diverged: lower lr, hand the stage over and submit it again.`,
    );
  };
  saveCheckpoint(
    model,
    expected,
    { read },
    {
      tokenizerFiles: tokenizerFilesOf(source),
      stopIds: tokenizer.stopIds,
    },
  );
  return hasChanged;
}
