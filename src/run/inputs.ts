/**
 * Inputs of each stage of a run, by contents, so that a run that resumes never mixes old and new: data,
 * checkpoints, modules of environments and what earlier stages made. It stands in `stages/<name>/inputs.json` from
 * the stage's beginning; a run without such files, of an older version, resumes with what is there.
 */
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { InternalError, UserError } from '../base/errors.ts';
import { readText, writeAtomic } from '../base/files.ts';
import { readJson } from '../base/json-file.ts';
import { type Contents, contentsOf, filesIn, identityOf, programIdentity } from '../base/identity.ts';
import { moduleFiles } from '../base/modules.ts';
import { checkpointContents } from '../model/checkpoint/checkpoint-path.ts';
import { mapPaths } from '../recipe/resolve.ts';
import { placesInStage } from '../recipe/rules.ts';
import type { DerivedModel, Recipe } from '../recipe/schema.ts';
import { kindOf, lastingStage, type Stage } from '../stages/index.ts';

/** A file, or files of a folder, from outside of the run. */
interface Input {
  /** Folder that the names in its contents begin from. */
  readonly path: string;
  readonly contents: () => Contents;
}

const recordSchema = z.object({
  /** By what the recipe calls them. */
  inputs: z.record(z.string(), z.record(z.string(), z.string())),
  /** Of the program, where its verdicts are stored. */
  scorer: z.string().exactOptional(),
});
type InputRecord = z.output<typeof recordSchema>;

const recordFile = (folder: string, stage: string): string => join(folder, 'stages', stage, 'inputs.json');

/** Tells whether it is known what a stage that has begun was made of. */
export const hasRecord = (folder: string, stage: string): boolean => existsSync(recordFile(folder, stage));

/** Every name that a stage refers to: models, earlier stages, environments. */
export const namesIn = (stage: Stage): string[] =>
  placesInStage(stage)
    .filter(({ rule }) => rule.accepts !== undefined)
    .map(({ value }) => value);

const file = (path: string): Input => ({ path, contents: () => contentsOf(path, [path]) });

const checkpoint = (path: string, part: 'tokenizer' | 'whole'): Input => ({
  path,
  contents: () => checkpointContents(path, part),
});

function module(path: string): Input {
  const folder = dirname(path);
  return { path: folder, contents: () => contentsOf(folder, moduleFiles(path)) };
}

function dataInputs(data: Recipe['data'], split: 'train' | 'test' | undefined): Record<string, Input> {
  if (split === undefined || data.source === 'assistant') return {};
  if (data.source === 'file') {
    const tools = data.tools === undefined ? {} : { 'data.tools': file(data.tools) };
    return { [`data.${split}`]: file(data[split]), ...tools };
  }
  if (split === 'test') return { 'data.test': file(data.test) };
  return Object.fromEntries(data.parts.map(({ path }, i) => [`data.parts.${i}`, file(path)]));
}

/** Checkpoint that a model is made of. */
export function derivedFrom(recipe: Recipe, { from }: DerivedModel): string {
  const source = recipe.models[from];
  if (typeof source !== 'string') throw new InternalError(`the model ${from} is no checkpoint`);
  return source;
}

/** Inputs of a stage from outside of the run, by their names in the recipe. */
function outerInputs(recipe: Recipe, stage: Stage): Record<string, Input> {
  const kind = kindOf(stage);
  const inputs: Record<string, Input> = dataInputs(recipe.data, kind.reads?.(stage));
  const part = kind.needsWeights?.(stage) === false ? 'tokenizer' : 'whole';
  for (const name of namesIn(stage)) {
    const model = recipe.models[name];
    if (typeof model === 'string') inputs[`models.${name}`] = checkpoint(model, part);
    else if (model !== undefined && 'from' in model)
      inputs[`models.${name}.from`] = checkpoint(derivedFrom(recipe, model), part);
    else if (typeof model?.tokenizer === 'string')
      inputs[`models.${name}.tokenizer`] = checkpoint(model.tokenizer, 'tokenizer');
    const environment = recipe.environments?.[name];
    if (environment?.source === 'module') inputs[`environments.${name}`] = module(environment.path);
  }
  for (const { path: at, value: path, rule } of placesInStage(stage)) {
    if (rule.wants === undefined) continue;
    const contents = (): Contents => kind.contents?.(path) ?? contentsOf(path, filesIn(path));
    inputs[at.join('.')] = rule.wants === 'module' ? module(path) : { path, contents };
  }
  return inputs;
}

/**
 * A recipe under a name of its own for what it is made of: re-run to resume the same run, also when files
 * or a server have moved; other contents or options begin another one.
 */
export function namedByContents(recipe: Recipe): Recipe {
  const contents = recipe.stages.map((stage) =>
    Object.entries(outerInputs(recipe, stage)).map(([name, input]) => [name, input.contents()]),
  );
  const placeless = mapPaths(recipe, () => '');
  const lasting = { ...placeless, stages: placeless.stages.map(lastingStage) };
  const identity = identityOf([lasting, contents, scorerOf(recipe.stages)]);
  return { ...recipe, name: `${recipe.name}-${identity}` };
}

const scorerOf = (stages: readonly Stage[]): string | undefined =>
  stages.some((stage) => kindOf(stage).storesVerdicts) ? programIdentity() : undefined;

/** A file whose contents differ; undefined where none does, or where nothing is known or left. */
function changedFile(before: Contents | undefined, now: Contents | undefined): string | undefined {
  if (before === undefined || now === undefined || Object.keys(now).length === 0) return undefined;
  return Object.keys({ ...before, ...now }).find((name) => before[name] !== now[name]);
}

const exportRecord = (model: string, contents: Contents): string =>
  JSON.stringify({ model, identity: identityOf(contents) });

export class RunInputs {
  readonly #recipe: Recipe;
  readonly #folder: string;
  readonly #exportFile: string;
  /** Of data, as they were when this process read them. */
  readonly #data = new Map<string, Contents>();

  constructor({ recipe, folder }: { readonly recipe: Recipe; readonly folder: string }) {
    this.#recipe = recipe;
    this.#folder = folder;
    this.#exportFile = join(folder, 'export.json');
    for (const split of ['train', 'test'] as const)
      for (const [name, input] of Object.entries(dataInputs(recipe.data, split)))
        this.#data.set(name, input.contents());
  }

  #read(stage: string): InputRecord | undefined {
    const path = recordFile(this.#folder, stage);
    if (!existsSync(path)) return undefined;
    return readJson(path, recordSchema, `remove ${dirname(path)} to make that stage anew`);
  }

  /** All that a stage reads: what comes from outside of the run, and what earlier stages made. */
  #inputsOf(stage: Stage): Record<string, Input> {
    const earlier = this.#recipe.stages.filter(({ name }) => namesIn(stage).includes(name));
    const made = earlier.map(({ name }) => [`stages.${name}`, this.#madeBy(name)] as const);
    return { ...outerInputs(this.#recipe, stage), ...Object.fromEntries(made) };
  }

  #madeBy(stage: string): Input {
    const path = join(this.#folder, 'stages', stage);
    const made = ['model', 'rollouts', 'trajectories'].map((name) => join(path, name));
    return { path, contents: () => contentsOf(path, made.flatMap(filesIn)) };
  }

  #modelContents(model: string): Contents {
    const path = this.#recipe.models[model];
    if (typeof path === 'string') return checkpointContents(path);
    if (path !== undefined && 'from' in path) return checkpointContents(derivedFrom(this.#recipe, path));
    return this.#madeBy(model).contents();
  }

  /** Tells whether what was exported is of the model as it is now; taken to be where nothing was stored of it. */
  isExported(model: string): boolean {
    const contents = this.#modelContents(model);
    if (Object.keys(contents).length === 0) return true;
    if (!existsSync(this.#exportFile)) this.markExported(model);
    return readText(this.#exportFile) === exportRecord(model, contents);
  }

  markExported(model: string): void {
    writeAtomic(this.#exportFile, exportRecord(model, this.#modelContents(model)));
  }

  #now(stage: Stage): InputRecord {
    const inputs = Object.entries(this.#inputsOf(stage)).map(
      ([name, input]) => [name, this.#data.get(name) ?? input.contents()] as const,
    );
    const scorer = scorerOf([stage]);
    return { inputs: Object.fromEntries(inputs), ...(scorer === undefined ? {} : { scorer }) };
  }

  /** Identity of a stage as it would begin now: its options, and the contents of all that it reads. */
  identity(stage: Stage): string {
    return identityOf([lastingStage(stage), this.#now(stage)]);
  }

  /** Throws a UserError if a stage that has begun, one of the first `count`, would resume with something else. */
  check(count = this.#recipe.stages.length): void {
    for (const stage of this.#recipe.stages.slice(0, count)) {
      const before = this.#read(stage.name);
      if (before === undefined) continue;
      const now = this.#now(stage);
      const folder = join(this.#folder, 'stages', stage.name);
      for (const [name, { path }] of Object.entries(this.#inputsOf(stage))) {
        // That it is not there is told where it is needed; what an earlier stage made is made again.
        const changed = existsSync(path) ? changedFile(before.inputs[name], now.inputs[name]) : undefined;
        if (changed === undefined) continue;
        throw new UserError(
          'INPUT_CHANGED',
          `${join(path, changed)} (${name} of the recipe) is not what stage ${stage.name} of ${this.#folder} was begun with; put the old contents back, remove ${folder} and the folders of the stages that go on from it to make them anew, or choose another name for the run (--set name=NEW).`,
        );
      }
    }
  }

  /** Inputs of a stage that is about to begin: a function that stores it, once, when the stage has begun. */
  prepare(stage: Stage): () => void {
    const path = recordFile(this.#folder, stage.name);
    const [before, now] = [this.#read(stage.name), this.#now(stage)];
    let isStored = before !== undefined && before.scorer === now.scorer;
    // Verdicts of another version of the program cannot stand beside those of this one.
    if (before !== undefined && !isStored)
      rmSync(join(dirname(path), 'verdicts'), { recursive: true, force: true });
    return () => {
      if (!isStored) writeAtomic(path, JSON.stringify(now));
      isStored = true;
    };
  }
}
