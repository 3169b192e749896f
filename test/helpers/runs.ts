/** Runs of the smoke recipe, in this process and through the command line, and what they leave behind. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAbort } from '../../src/base/errors.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { runRecipe } from '../../src/run/runner.ts';
import type { Recipe } from '../../src/recipe/schema.ts';
import type { RunEvent } from '../../src/train/events.ts';
import { type CliResult, runCli } from './cli.ts';

export const SMOKE = fileURLToPath(new URL('../../recipes/smoke.yaml', import.meta.url));

export const smoke = (...set: string[]): Recipe => loadRecipe(SMOKE, { set });

/** A folder that is removed at the end of the test; hand its clean-up to `onTestFinished` or `afterAll`. */
export function scratchFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-run-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Watched {
  /** Stage after which it rests. */
  readonly until?: string;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

/** All events of a run, or of its continuation. */
export async function runAll(recipe: Recipe, runsDir: string, watched: Watched = {}): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const signal = watched.signal ?? new AbortController().signal;
  const until = watched.until === undefined ? {} : { until: watched.until };
  for await (const event of runRecipe(recipe, { runsDir, signal, ...until })) {
    events.push(event);
    watched.onEvent?.(event);
  }
  return events;
}

/** A copy of a run, in `runsDir`, without what its stages from `stage` on made; returns that. */
export function runBefore(recipe: Recipe, folder: string, stage: string, runsDir: string): string {
  const order = recipe.stages.map(({ name }) => name);
  const later = order.slice(order.indexOf(stage));
  const copy = join(runsDir, recipe.name);
  cpSync(folder, copy, {
    recursive: true,
    filter: (from) => !later.some((name) => from.endsWith(join('stages', name))),
  });
  for (const file of ['log.jsonl', 'samples.jsonl']) {
    const kept = readLines(join(folder, file)).filter((line) => !later.includes(String(line['stage'])));
    writeFileSync(join(copy, file), kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  return runsDir;
}

/** Runs a recipe to its end, stopping after every `count` steps. */
export async function runStopping(recipe: Recipe, runsDir: string, count: number): Promise<void> {
  for (let stopped = true; stopped;) {
    const stop = new AbortController();
    let steps = 0;
    await runAll(recipe, runsDir, {
      signal: stop.signal,
      onEvent: ({ type }) => {
        steps += type === 'step' ? 1 : 0;
        if (steps === count) stop.abort();
      },
    });
    stopped = stop.signal.aborted;
  }
}

/** Events of a stage up to its end or to where the signal stopped it, and which of the two it was. */
export async function eventsOf(
  run: AsyncGenerator<RunEvent, unknown>,
  signal: AbortSignal,
  onEvent: (event: RunEvent) => void = () => undefined,
): Promise<{ events: RunEvent[]; complete: boolean }> {
  const events: RunEvent[] = [];
  try {
    for await (const event of run) {
      events.push(event);
      onEvent(event);
    }
  } catch (thrown) {
    if (!isAbort(thrown, signal)) throw thrown;
    return { events, complete: false };
  }
  return { events, complete: true };
}

/** A command line with the real engine behind it. */
export function runEngine(args: readonly string[]): Promise<CliResult> {
  return runCli(args, {
    services: { runRecipe },
  });
}

/** The files of a folder, by their path in it. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted();
}

export const readLines = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Text that depends on the clock and the machine. */
const MEASURED = ['time', 'seconds', 'tokens_per_second', 'memory_mb'];

/** A run's log without what it measured. */
export function logOf(folder: string): Record<string, unknown>[] {
  return readLines(join(folder, 'log.jsonl')).map((line) =>
    Object.fromEntries(Object.entries(line).filter(([key]) => !MEASURED.includes(key))),
  );
}

/** Everything that two runs of one recipe must have in common: the bytes of every file, the log without measurements. */
export function traceOf(folder: string): Record<string, unknown> {
  const skipped = new Set(['log.jsonl', 'machine.json', 'report.html']);
  const digest = (path: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex')
      .slice(0, 16);
  const files = filesOf(folder).filter((path) => !skipped.has(path));
  return { ...Object.fromEntries(files.map((path) => [path, digest(path)])), log: logOf(folder) };
}
