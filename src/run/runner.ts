/**
 * Carries a recipe through its stages. Everything lies in `<runsDir>/<name>/`: the resolved recipe, the log, the
 * samples, each stage's checkpoints and model. A stage that is done is not done again; re-run to resume.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isAbort, UserError } from '../base/errors.ts';
import { fileError, readText, removeLeftovers, writeAtomic } from '../base/files.ts';
import { lockFolder } from '../base/lock.ts';
import { ggufTokenizer } from '../chat/gguf-tokenizer.ts';
import { Device } from '../ggml/device.ts';
import { exportGguf } from '../model/checkpoint/gguf.ts';
import { checkpointsIn } from '../train/checkpoints.ts';
import { probeDevice } from '../train/device-probe.ts';
import type { RunEvent, StageRun } from '../train/events.ts';
import type { MetricName } from '../train/metrics.ts';
import { loadRecipe } from '../recipe/load.ts';
import { machineFacts } from './machine.ts';
import { formatRecipe, mapPaths } from '../recipe/resolve.ts';
import {
  contextOf,
  dialoguesOf,
  markDone,
  openModel,
  outputsOf,
  type Run,
  stageFolder,
  tokenizerSource,
} from './context.ts';
import { hasRecord, namesIn, RunInputs } from './inputs.ts';
import { Journal } from './journal.ts';
import { refuseTrainedElsewhere } from './elsewhere.ts';
import type { Recipe } from '../recipe/schema.ts';
import { kindOf, lastingStage } from '../stages/index.ts';
import type { Outputs } from '../stages/stage.ts';

export interface RunOptions extends Pick<StageRun, 'signal'>, Partial<Pick<StageRun, 'now'>> {
  readonly runsDir: string;
  /** Stage after which the run rests; without it, it goes to its end. */
  readonly until?: string;
}

/** Differences of a recipe from the one that a run was begun with; what nothing begun is made of may differ. */
function differences(folder: string, first: Recipe, second: Recipe): string[] {
  const begun = first.stages.filter(({ name }) => existsSync(join(folder, 'stages', name)));
  // Places do not matter where it is known what stages were made of.
  const isKnown = begun.every(({ name }) => hasRecord(folder, name));
  const placeless = (recipe: Recipe): Recipe => (isKnown ? mapPaths(recipe, () => '') : recipe);
  const [before, now] = [placeless(first), placeless(second)] as const;
  const differs = (part: (recipe: Recipe) => unknown): boolean => !isDeepStrictEqual(part(before), part(now));
  const stageOf = ({ stages }: Recipe, name: string): unknown =>
    stages.filter((one) => one.name === name).map(lastingStage);
  const exported =
    first.export !== undefined && existsSync(join(folder, first.export.gguf)) ? first.export : undefined;
  const userOf = new Map([
    ...(exported === undefined ? [] : [[exported.model, 'the export'] as const]),
    ...begun.flatMap((stage) => namesIn(stage).map((name) => [name, `stage ${stage.name}`] as const)),
  ]);
  for (const [name, user] of userOf) {
    const model = first.models[name];
    if (typeof model === 'object' && 'from' in model) userOf.set(model.from, user);
  }
  return [
    ...(differs(({ stages: _s, models: _m, environments: _v, export: _e, compare: _c, ...rest }) => rest)
      ? ['its data, seed or device']
      : []),
    ...(['models', 'environments'] as const).flatMap((kind) =>
      Object.keys(first[kind] ?? {})
        .filter((name) => userOf.has(name) && differs((recipe) => recipe[kind]?.[name]))
        .map((name) => `${kind}.${name}, of which ${userOf.get(name)} was made`),
    ),
    ...begun
      .filter(({ name }) => differs((recipe) => stageOf(recipe, name)))
      .map(({ name }) => `stage ${name}, which has begun`),
    ...(exported !== undefined && differs((recipe) => recipe.export) ? ['its export'] : []),
  ];
}

/** Writes what a new run is of, or checks that the one there resumes with the same; `device` is the one that computes. */
export function prepareFolder(folder: string, recipe: Recipe, device: string): void {
  const path = join(folder, 'recipe.yaml');
  const text = formatRecipe(recipe, folder);
  const machine = join(folder, 'machine.json');
  if (!existsSync(machine))
    writeAtomic(machine, `${JSON.stringify(machineFacts({ started: new Date(), device }), null, 1)}\n`);
  if (existsSync(path)) {
    if (readText(path) === text) return;
    const changed = differences(folder, loadRecipe(path), recipe);
    if (changed.length > 0)
      throw new UserError(
        'OTHER_RECIPE',
        `${folder} holds a run of another recipe or with other options (${changed.join('; ')}); choose another name (--set name=NEW) or remove what is to be made anew.`,
      );
  }
  writeAtomic(path, text);
}

function exportStudent(run: Run, reference: string, path: string): void {
  using model = openModel(run, reference, { trainable: false });
  const tokenizer = ggufTokenizer(tokenizerSource(run, reference));
  const name = `${run.recipe.name} ${reference}`;
  exportGguf(path, model.config, model.parameters, tokenizer, { dtype: 'f16', name });
}

/**
 * A stage's events; what it is made of is stored before anything is that came of it. A stage that fails before that,
 * as its model cannot be loaded, has not begun.
 */
async function* recorded(
  events: AsyncGenerator<RunEvent, Outputs>,
  folder: string,
  watch: readonly MetricName[],
  store: () => void,
): AsyncGenerator<RunEvent, Outputs> {
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) {
      store();
      return value;
    }
    if (value.type !== 'stage' || existsSync(folder)) store();
    yield value.type === 'stage' ? { ...value, watch } : value;
  }
}

async function* runStages(run: Run, inputs: RunInputs, until?: string): AsyncGenerator<RunEvent> {
  for (const [index, stage] of run.recipe.stages.entries()) {
    const start = run.now();
    let outputs = outputsOf(run, stage.name);
    inputs.check(index + 1);
    if (outputs === undefined) {
      if (run.signal.aborted) return;
      refuseTrainedElsewhere(stageFolder(run, stage.name), stage.name);
      const store = inputs.prepare(stage);
      const kind = kindOf(stage);
      const events = kind.run(contextOf(run, stage), stage);
      try {
        outputs = yield* recorded(events, stageFolder(run, stage.name), kind.watch, store);
      } catch (thrown) {
        if (isAbort(thrown, run.signal)) return;
        throw thrown;
      }
      markDone(run, stage.name, outputs);
    }
    // Results of the stage are safe now: the optimiser's state is of no more use.
    rmSync(checkpointsIn(stageFolder(run, stage.name)), { recursive: true, force: true });
    yield { type: 'done', stage: stage.name, seconds: (run.now() - start) / 1000, outputs };
    if (stage.name === until) return;
  }
  if (run.recipe.export === undefined || run.signal.aborted) return;
  const start = run.now();
  const { model, gguf: name } = run.recipe.export;
  const gguf = join(run.folder, name);
  if (!existsSync(gguf) || !inputs.isExported(model)) {
    yield { type: 'stage', stage: 'export', kind: 'export', total: 1, done: 0 };
    exportStudent(run, model, gguf);
    inputs.markExported(model);
  }
  yield { type: 'done', stage: 'export', seconds: (run.now() - start) / 1000, outputs: { gguf } };
}

/**
 * Runs a recipe, or resumes it, and says what happens as a stream of events. Ends early, with a checkpoint,
 * when `signal` fires. Throws UserErrors.
 */
export async function* runRecipe(
  recipe: Recipe,
  { runsDir, until, signal, now = () => performance.now() }: RunOptions,
): AsyncGenerator<RunEvent> {
  const folder = join(runsDir, recipe.name);
  const names = recipe.stages.map(({ name }) => name);
  if (until !== undefined && !names.includes(until))
    throw new UserError('STAGE', `The recipe has no stage ${until}; it has ${names.join(', ')}.`);
  // A bad line is told before anything starts, and not when the first stage that reads it begins.
  if (recipe.data.source !== 'assistant')
    for (const split of ['train', 'test'] as const) dialoguesOf(recipe, split);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (thrown) {
    throw fileError('create', folder, thrown);
  }
  using lock = lockFolder(folder);
  removeLeftovers(folder);
  using device = Device.open(recipe.device, recipe.threads ?? availableParallelism());
  prepareFolder(folder, recipe, device.title);
  // Named with the first stage; what only a larger model lacks is named when it is met.
  if (device.mayLack) device.notices.note(device.info.name, probeDevice(device.info.name).lacking);
  const run: Run = { recipe, folder, device, signal, now };
  const inputs = new RunInputs(run);
  inputs.check();
  const journal = new Journal(folder);
  for await (const event of runStages(run, inputs, until)) {
    lock.check();
    journal.record(event);
    yield event;
    for (const text of device.notices.take()) yield { type: 'warning', stage: event.stage, text };
  }
}
