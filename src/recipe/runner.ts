/**
 * Carries a recipe through its stages. Everything lies in `<runsDir>/<name>/`: the resolved recipe, the log, the
 * samples, each stage's checkpoints and model. A stage that is done is not done again; the same command goes on.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import { fileError, readText, writeAtomic } from '../base/files.ts';
import { ggufTokenizer } from '../chat/gguf-tokenizer.ts';
import { Device } from '../ggml/device.ts';
import { exportGguf } from '../model/gguf.ts';
import type { RunEvent } from '../train/events.ts';
import { machineFacts } from './machine.ts';
import { formatRecipe } from './resolve.ts';
import { runEvaluation, runRollout } from './run/answering.ts';
import { isDone, markDone, openModel, outputsOf, type RunContext, tokenizerFolder } from './run/context.ts';
import { Journal } from './run/journal.ts';
import { runTraining } from './run/training.ts';
import type { Recipe } from './schema.ts';
import type { Stage } from './stages.ts';

export interface RunOptions {
  /** Folder of run folders. */
  readonly runsDir: string;
  /** Asks for a stop after the current step, with a checkpoint. */
  readonly signal: AbortSignal;
  /** Milliseconds since some fixed moment. */
  readonly now?: () => number;
}

type Outputs = Record<string, string> | undefined;

function stageEvents(run: RunContext, stage: Stage): AsyncGenerator<RunEvent, Outputs> {
  if (stage.kind === 'rollout') return runRollout(run, stage);
  if (stage.kind === 'eval') return runEvaluation(run, stage);
  return runTraining(run, stage);
}

/** Makes the run's folder, or checks that the one there is of the same recipe. */
function prepareFolder(folder: string, recipe: Recipe): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (thrown) {
    throw fileError('create', folder, thrown);
  }
  const path = join(folder, 'recipe.yaml');
  const text = formatRecipe(recipe, folder);
  if (!existsSync(path)) {
    writeAtomic(path, text);
    writeAtomic(
      join(folder, 'machine.json'),
      `${JSON.stringify(machineFacts({ started: new Date() }), null, 1)}\n`,
    );
  } else if (readText(path) !== text) {
    throw new UserError(
      'OTHER_RECIPE',
      `${folder} holds a run of another recipe or with other options; choose another name (--set name=NEW) or remove that folder.`,
    );
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Keeps a second process out of the folder; a lock of a process that is gone is taken over. */
function lock(folder: string): Disposable {
  const path = join(folder, 'run.lock');
  const owner = existsSync(path) ? Number(readText(path)) : 0;
  if (owner > 0 && owner !== process.pid && alive(owner)) {
    throw new UserError('LOCKED', `${folder} is in use by process ${owner}; wait for it or stop it first.`);
  }
  writeAtomic(path, String(process.pid));
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

function exportStudent(run: RunContext, wanted: NonNullable<Recipe['export']>): string {
  const path = join(run.folder, wanted.gguf);
  const { config, parameters } = openModel(run, wanted.model, false);
  try {
    const tokenizer = ggufTokenizer(tokenizerFolder(run, wanted.model));
    exportGguf(path, config, parameters, tokenizer, {
      dtype: 'f16',
      name: `${run.recipe.name} ${wanted.model}`,
    });
  } finally {
    parameters[Symbol.dispose]();
  }
  return path;
}

async function* runStages(run: RunContext): AsyncGenerator<RunEvent> {
  for (const stage of run.recipe.stages) {
    const start = run.now();
    let outputs: Outputs = isDone(run, stage.name) ? outputsOf(run, stage.name) : undefined;
    if (outputs === undefined) {
      outputs = yield* stageEvents(run, stage);
      if (outputs === undefined) return;
      markDone(run, stage.name, outputs);
    }
    yield { type: 'done', stage: stage.name, seconds: (run.now() - start) / 1000, outputs };
  }
  if (run.recipe.export !== undefined) {
    const start = run.now();
    yield { type: 'stage', stage: 'export', kind: 'export', total: 1, done: 0 };
    const gguf = exportStudent(run, run.recipe.export);
    yield { type: 'done', stage: 'export', seconds: (run.now() - start) / 1000, outputs: { gguf } };
  }
}

/**
 * Runs a recipe, or goes on with it, and says what happens as a stream of events. Ends early, with a checkpoint,
 * when `signal` fires. Throws UserErrors.
 */
export async function* runRecipe(recipe: Recipe, options: RunOptions): AsyncGenerator<RunEvent> {
  const folder = join(options.runsDir, recipe.name);
  prepareFolder(folder, recipe);
  using _lock = lock(folder);
  using device = Device.open(recipe.device, recipe.threads ?? availableParallelism());
  const run: RunContext = {
    recipe,
    folder,
    device,
    signal: options.signal,
    now: options.now ?? (() => performance.now()),
  };
  const journal = new Journal(folder);
  for await (const event of runStages(run)) {
    journal.record(event);
    yield event;
  }
}
