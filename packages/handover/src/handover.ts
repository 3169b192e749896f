/**
 * Hand-over of a recipe's stage to an engine that trains elsewhere: a job folder with data, checkpoint, configuration and
 * the table of options, which needs nothing of this machine any more.
 */
import { constants, copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/base/errors.ts';
import { fileError, writeAtomic } from '../../../src/base/files.ts';
import { discard, temporaryName } from '../../../src/base/temporary.ts';
import { Device } from '../../../src/ggml/device.ts';
import { isGguf } from '../../../src/model/checkpoint/checkpoint-path.ts';
import { loadConfig } from '../../../src/model/checkpoint/checkpoint.ts';
import type { Recipe } from '../../../src/recipe/schema.ts';
import { contextOf, outputsOf, type Run } from '../../../src/run/context.ts';
import { namesIn, RunInputs } from '../../../src/run/inputs.ts';
import type { Stage } from '../../../src/stages/index.ts';
import type { StageContext } from '../../../src/stages/stage.ts';
import { NO_DATA } from './data.ts';
import { type Around, COPIED_MODEL, type Engine, type Handing } from './engine.ts';
import { replaceFolder } from './folder.ts';
import { type Job, JOB_FILE, jobSchema } from './job.ts';
import {
  engineOptions,
  HANDED_KINDS,
  type HandedKind,
  type HandedStage,
  optionRows,
  optionsTable,
  refused,
} from './options.ts';
import { readmeOf } from './readme.ts';

export interface HandoverOptions {
  /** Path of the recipe, for people and for whoever brings the checkpoint back. */
  readonly recipePath: string;
  readonly recipe: Recipe;
  /** Overrides that it was read with. */
  readonly set?: readonly string[];
  /** Folder of the run. */
  readonly folder: string;
  /** Name of the stage; the only one that the engine trains, without it. */
  readonly stage?: string;
  readonly engine: Engine;
  /** Job folder; without it, one in the run's folder. */
  readonly out?: string;
  readonly processes: number;
  readonly rewardUrl: string;
  /** Place where the checkpoint to start from lies for the engine, in place of a copy in the job folder. */
  readonly modelPath?: string;
  /** Hands over even what the engine lacks an option for that changes results in earnest. */
  readonly allowMissing: boolean;
  readonly signal: AbortSignal;
}

export interface HandedOver {
  /** The job folder. */
  readonly out: string;
  readonly job: Job;
  readonly stage: HandedStage;
  /** Sequences or prompts in the data. */
  readonly rows: number;
  /** Sentences for people: what was left out, what the engine lacks. */
  readonly warnings: readonly string[];
}

const isHanded = (stage: Stage): stage is HandedStage =>
  HANDED_KINDS.some((kind: HandedKind) => kind === stage.kind);

/** The stage that is meant; throws a UserError if there is none, or several. */
function stageOf({ recipe, recipePath, stage: wanted, engine }: HandoverOptions): HandedStage {
  const fits = recipe.stages.filter(isHanded).filter(({ kind }) => typeof engine.kinds[kind] !== 'string');
  const names = fits.map(({ name }) => name).join(', ') || 'none';
  const named = recipe.stages.find(({ name }) => name === wanted);
  if (wanted !== undefined && named === undefined)
    throw new UserError('STAGE', `${recipePath} has no stage ${wanted}; ${engine.title} can train ${names}.`);
  if (named !== undefined && !isHanded(named))
    throw new UserError(
      'STAGE',
      `Stage ${named.name} of ${recipePath} is of kind ${named.kind}, which is not handed over; ${engine.title} can train ${names}.`,
    );
  if (named !== undefined) return named;
  const [only] = fits;
  if (only !== undefined && fits.length === 1) return only;
  throw new UserError(
    'STAGE',
    fits.length === 0
      ? `${recipePath} has no stage that ${engine.title} can train; choose another --engine.`
      : `${recipePath} has several stages that ${engine.title} can train (${names}); name one by --stage.`,
  );
}

/** Throws a UserError that says which stage has to be run first, if one has. */
function checkReady(run: Run, stage: HandedStage, recipePath: string): void {
  for (const name of namesIn(stage)) {
    const needed = run.recipe.stages.find((one) => one.name === name);
    if (needed === undefined || outputsOf(run, name) !== undefined) continue;
    throw new UserError(
      'NOT_READY',
      `Stage ${stage.name} needs what stage ${name} makes, which is not finished in ${run.folder}; first run tinystar run ${recipePath} --until ${name}.`,
    );
  }
}

const WEIGHTS = /\.safetensors(\.index\.json)?$|^config\.json$/;
const TOKENIZER =
  /^(tokenizer\.json|tokenizer_config\.json|vocab\.json|merges\.txt|chat_template\.jinja|special_tokens_map\.json|added_tokens\.json|generation_config\.json)$/;

function copyFiles(from: string, to: string, which: RegExp): void {
  for (const name of readdirSync(from).filter((one) => which.test(one))) {
    try {
      copyFileSync(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
    } catch (thrown) {
      throw fileError('copy', join(from, name), thrown);
    }
  }
}

/** Puts the checkpoint to start from into a folder: its weights, and the tokenizer with the template of the recipe. */
function copyModel(context: StageContext, reference: string, folder: string): void {
  const source = context.checkpoint(reference);
  if (isGguf(source) || isGguf(context.tokenizerSource(reference)))
    throw new UserError(
      'CHECKPOINT',
      `The model ${reference} is the GGUF file ${source}, which engines do not train; give the recipe a Hugging Face folder.`,
    );
  mkdirSync(folder, { recursive: true });
  copyFiles(source, folder, WEIGHTS);
  copyFiles(context.tokenizerSource(reference), folder, TOKENIZER);
}

const pythonFile = (name: string): URL => new URL(`../python/${name}`, import.meta.url);

/** Checkpoint of the model that drew a distillation stage's rollouts. */
function teacherOf(context: StageContext, recipe: Recipe, stage: HandedStage): string | undefined {
  if (!('kd_topk' in stage)) return undefined;
  const rollout = recipe.stages.find(({ name }) => name === stage.data);
  const isLocal = rollout !== undefined && 'model' in rollout && !('teacher' in rollout);
  return isLocal ? context.checkpoint(rollout.model) : undefined;
}

/** Writes the job folder of a stage. Throws UserErrors, and the signal's reason when it fires. */
export async function handOver(options: HandoverOptions): Promise<HandedOver> {
  const { recipe, folder, engine, processes, rewardUrl, modelPath, signal } = options;
  const stage = stageOf(options);
  const out = options.out ?? join(folder, 'handover', `${stage.name}-${engine.name}`);
  checkOut(out);
  const handing = engine.kinds[stage.kind] as Handing<HandedKind> | string;
  if (typeof handing === 'string') throw new UserError('ENGINE', handing);
  using device = Device.open('cpu', 1);
  const run: Run = { recipe, folder, device, signal, now: () => performance.now() };
  checkReady(run, stage, options.recipePath);
  // Before anything is read: what changes meanwhile is told when the job is submitted.
  const identity = new RunInputs(run).identity(stage);
  const context = contextOf(run, stage);
  const teacher = teacherOf(context, recipe, stage);
  const before: Around = {
    processes,
    model: modelPath ?? COPIED_MODEL,
    rewardUrl,
    teacher,
    seed: context.seed,
    data: NO_DATA,
  };
  const lacked = refused(optionRows(stage, handing.map(stage, before)));
  const [first] = lacked;
  if (first !== undefined && !options.allowMissing)
    throw new UserError(
      'MISSING_OPTION',
      `${engine.title} lacks ${lacked.map(({ path }) => path).join(', ')} of stage ${stage.name}, which changes what is learned (${first.path}: ${first.note}); set the recipe otherwise, choose another engine, or hand over all the same with --allow-missing.`,
    );
  const temporary = temporaryName(out);
  try {
    mkdirSync(join(temporary, 'data'), { recursive: true });
    const learner = {
      ...context.speaking(stage.model),
      config: loadConfig(context.checkpoint(stage.model)),
    };
    const data = await handing.data({ stage, context, learner }, join(temporary, 'data'));
    if (modelPath === undefined) copyModel(context, stage.model, join(temporary, COPIED_MODEL));
    const around: Around = { ...before, data };
    const rows = optionRows(stage, handing.map(stage, around));
    const fixed = handing.fixed(stage, around);
    const all = { ...fixed, ...engineOptions(rows) };
    const job: Job = jobSchema.parse({
      version: 1,
      engine: engine.name,
      recipe: options.recipePath,
      runDir: folder,
      stage: stage.name,
      entrypoint: 'bash run.sh',
      env: handing.needsReward ? { REWARD_URL: rewardUrl } : {},
      output: 'output',
      requirements: 'requirements.txt',
      needsReward: handing.needsReward,
      ...(options.set !== undefined && options.set.length > 0 && { set: [...options.set] }),
      identity,
    } satisfies Job);
    const texts: Readonly<Record<string, string>> = {
      [JOB_FILE]: `${JSON.stringify(job, null, 2)}\n`,
      'OPTIONS.md': optionsTable(engine.title, stage, rows, fixed),
      'README.md': readmeOf(engine, handing, stage, options, data),
      'requirements.txt': `${engine.requirements.join('\n')}\n`,
      'run.sh': [
        '#!/usr/bin/env bash',
        `# Trains stage ${stage.name} by ${engine.title}; what comes of it is in output. Run again, it goes on from its last checkpoint.`,
        'set -euo pipefail',
        'cd "$(dirname "$0")"',
        ...(handing.needsReward ? [`export REWARD_URL="\${REWARD_URL:-${rewardUrl}}"`] : []),
        ...handing.run(all, around),
        '',
      ].join('\n'),
      ...handing.files(all, around),
    };
    for (const [name, text] of Object.entries(texts)) writeAtomic(join(temporary, name), text);
    for (const name of handing.python) copyFileSync(fileURLToPath(pythonFile(name)), join(temporary, name));
    replaceFolder(temporary, out);
    const missing = lacked.map(({ path, note }) => `${engine.title} lacks ${path}: ${note}`);
    return { out, job, stage, rows: data.rows, warnings: [...data.warnings, ...missing] };
  } catch (thrown) {
    discard(temporary);
    throw thrown;
  }
}

/** Checks that an output folder may be written: a new one, an empty one, or an older job folder. */
function checkOut(out: string): void {
  if (!existsSync(out) || existsSync(join(out, JOB_FILE))) return;
  if (readdirSync(out).length === 0) return;
  throw new UserError('OUT', `${out} has other files than a job's in it; give another --out.`);
}
