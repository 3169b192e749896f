/** A stage of a run that another engine trains: its run's folder, locked, and what makes sure that the stage is still the one that was handed over. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';
import { fileError, removeLeftovers } from '../../../src/base/files.ts';
import { type Lock, lockFolder } from '../../../src/base/lock.ts';
import { Device } from '../../../src/ggml/device.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import type { Recipe } from '../../../src/recipe/schema.ts';
import { markDone, outputsOf, type RunPlace, stageFolder } from '../../../src/run/context.ts';
import { markElsewhere, readElsewhere, unmarkElsewhere } from '../../../src/run/elsewhere.ts';
import { namesIn, RunInputs } from '../../../src/run/inputs.ts';
import { Journal } from '../../../src/run/journal.ts';
import { prepareFolder } from '../../../src/run/runner.ts';
import { outputsModel, type TrainingStage } from '../../../src/stages/index.ts';
import { checkpointsIn } from '../../../src/train/checkpoints.ts';
import type { Job } from './job.ts';

/** Name of the device that this side's stages compute on. */
function deviceTitle({ device: name, threads }: Recipe): string {
  using device = Device.open(name, threads ?? availableParallelism());
  return device.title;
}

export class HandedStage implements Disposable {
  readonly stage: TrainingStage;
  readonly place: RunPlace;
  readonly journal: Journal;
  readonly #inputs: RunInputs;
  readonly #lock: Lock;

  /** Opens a job's stage. Throws a UserError where the run is in use, of another recipe, or an input is not what it was. */
  constructor({ recipe: path, runDir, stage: name, set = [] }: Job) {
    const recipe = loadRecipe(path, { set: [...set, `name=${JSON.stringify(basename(runDir))}`] });
    const stage = recipe.stages.find((one) => one.name === name);
    if (stage === undefined || !outputsModel(stage))
      throw new UserError('JOB', `${path} has no stage ${name} that trains a model; hand it over again.`);
    this.stage = stage;
    this.place = { recipe, folder: runDir };
    try {
      mkdirSync(runDir, { recursive: true });
    } catch (thrown) {
      throw fileError('create', runDir, thrown);
    }
    this.#lock = lockFolder(runDir);
    try {
      removeLeftovers(runDir);
      prepareFolder(runDir, recipe, deviceTitle(recipe));
      this.#inputs = new RunInputs(this.place);
      this.#inputs.check();
      this.journal = new Journal(runDir);
    } catch (thrown) {
      this.#lock[Symbol.dispose]();
      throw thrown;
    }
  }

  /** Folder of the stage in its run. */
  get folder(): string {
    return stageFolder(this.place, this.stage.name);
  }

  /** Tells whether the stage has its result. */
  get isDone(): boolean {
    return outputsOf(this.place, this.stage.name) !== undefined;
  }

  /** Throws a UserError if another process has taken the run over. */
  check(): void {
    this.#lock.check();
  }

  /** Begins the stage, as `tinystar run` would: what it is made of is stored. Throws a UserError where it cannot begin. */
  begin(job: Job, folder: string): void {
    const { recipe } = this.place;
    const { name } = this.stage;
    const needed = recipe.stages.find(
      (one) => namesIn(this.stage).includes(one.name) && outputsOf(this.place, one.name) === undefined,
    );
    if (needed !== undefined)
      throw new UserError(
        'STAGE_ORDER',
        `Stage ${name} goes on from ${needed.name}, which is not done in ${this.place.folder}; run that first.`,
      );
    if (job.identity !== undefined && this.#inputs.identity(this.stage) !== job.identity)
      throw new UserError(
        'JOB_CHANGED',
        `Stage ${name} is not what the job in ${folder} was made from: its options or what it reads have changed since; hand it over again.`,
      );
    const other = readElsewhere(this.folder);
    if (other !== undefined && other.job !== folder)
      throw new UserError(
        'ELSEWHERE',
        `Stage ${name} is trained by the job ${other.job} already; end that by tinystar submit ${other.job} --stop.`,
      );
    if (existsSync(checkpointsIn(this.folder)))
      throw new UserError(
        'STAGE_BEGUN',
        `Stage ${name} was begun on this machine; remove ${this.folder} to have it trained elsewhere.`,
      );
    this.#inputs.prepare(this.stage)();
    markElsewhere(this.folder, { job: folder, engine: job.engine });
  }

  /** Gives the stage back to this program, without a result. */
  release(): void {
    unmarkElsewhere(this.folder);
  }

  /** Marks the stage as done by others; `by` says in words who has trained it. Returns its outputs. */
  finish(job: Job, folder: string, model: string, by: string): Readonly<Record<string, string>> {
    const outputs = { model };
    markElsewhere(this.folder, { job: folder, engine: job.engine, by });
    markDone(this.place, this.stage.name, outputs);
    rmSync(checkpointsIn(this.folder), { recursive: true, force: true });
    return outputs;
  }

  /** Place of the stage's result. */
  get model(): string {
    return join(this.folder, 'model');
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}
