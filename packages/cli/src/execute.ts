/** Runs a recipe in sight of the user: progress, events as JSON, Ctrl-C, and the results at the end. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isAbort } from '../../../src/base/errors.ts';
import type { Recipe } from '../../../src/recipe/schema.ts';
import { benchmarkSummary } from '../../report/src/benchmarks.ts';
import { hasToolUse, toolTexts } from '../../report/src/comparison.ts';
import { writeReport } from '../../report/src/page.ts';
import { formatDuration, formatPercent, intervalText, shareOf } from '../../report/src/numbers.ts';
import { readRun } from '../../report/src/read.ts';
import { headedTable, table } from '../../report/src/table.ts';
import type { RunEvent } from '../../../src/train/events.ts';
import { type CliContext, outStyle } from './context.ts';
import { Progress } from './progress.ts';
import { Stop } from './stop.ts';
import { styleFor } from './terminal.ts';

/** Words on work that the user stops: at once, and when it has come to rest, with where it was. */
export interface StopWords {
  readonly stopping: string;
  readonly stopped: (position: string) => string;
}

const RESUMABLE: StopWords = {
  stopping: 'stopping after this step; re-run the same command to resume (Ctrl-C again ends it now)',
  stopped: (position) => `Stopped${position}; re-run the same command to resume.`,
};

/**
 * Follows the events of work, as progress or through `tell` in place of it. The user may stop the work: then it throws
 * Interrupted.
 */
export async function follow(
  { process, services }: CliContext,
  stages: readonly string[],
  work: (signal: AbortSignal) => AsyncIterable<RunEvent> | Iterable<RunEvent>,
  tell?: (event: RunEvent) => void,
  words: StopWords = RESUMABLE,
): Promise<void> {
  const style = styleFor(process.stderr, process.env);
  const progress = new Progress({ stream: process.stderr, style, stages, now: services.now });
  using stop = new Stop(services, {
    onStop: () => progress.print(words.stopping),
    onEnd: () => void progress.end(),
  });
  services.goOnUnread();
  let position = '';
  try {
    for await (const event of work(stop.signal)) (tell ?? ((one) => progress.handle(one)))(event);
  } catch (thrown) {
    if (!isAbort(thrown, stop.signal)) throw thrown;
  } finally {
    position = progress.end();
  }
  if (stop.signal.aborted) throw stop.interrupted(words.stopped(position));
}

/**
 * Carries `recipe` through its stages and prints what came out: as a table, or, with `json`, events as JSON lines and
 * nothing else. Throws Interrupted when the user stops it.
 */
export async function execute(
  context: CliContext,
  recipe: Recipe,
  { runs: runsDir, json, until }: { readonly runs: string; readonly json: boolean; readonly until?: string },
): Promise<void> {
  const { process, services } = context;
  const started = services.now();
  const stages = [
    ...recipe.stages.map(({ name }) => name),
    ...(recipe.export === undefined ? [] : ['export']),
  ];
  await follow(
    context,
    stages,
    (signal) => services.runRecipe(recipe, { runsDir, signal, ...(until !== undefined && { until }) }),
    json ? (event) => process.stdout.write(`${JSON.stringify(event)}\n`) : undefined,
  );
  const folder = join(runsDir, recipe.name);
  const report = await writeReport(folder);
  if (json) return;
  await printResults(context, folder);
  const exported = recipe.export === undefined ? undefined : join(folder, recipe.export.gguf);
  const made = [
    ['report', shown(report)],
    ...(exported !== undefined && existsSync(exported) ? [['GGUF', shown(exported)]] : []),
    ['time', formatDuration((services.now() - started) / 1000)],
  ];
  process.stdout.write(`\n${table(made)}`);
}

/** A path as short as it can be from here. */
function shown(path: string): string {
  const short = relative('', path);
  return short.startsWith('..') ? path : short;
}

/** The tables of every evaluation in `folder`, those on benchmarks last. */
export async function printResults(context: CliContext, folder: string): Promise<void> {
  const style = outStyle(context);
  for (const { models } of (await readRun(folder)).evaluations) {
    const tools = hasToolUse(models);
    const rows = models.map((model) => {
      const [transfer, distance] = toolTexts(model);
      return [
        model.label,
        style.bold(formatPercent(shareOf(model))),
        style.dim(intervalText(model)),
        style.dim(`${model.correct}/${model.total}`),
        ...(tools ? [style.bold(transfer), distance] : []),
      ];
    });
    const names = tools
      ? ['model', 'right answers', '95% interval', 'correct', 'transfer', 'distance']
      : ['model', 'exact match', '95% interval', 'correct'];
    context.process.stdout.write(`\n${headedTable(names, rows, style)}`);
  }
  context.process.stdout.write(await benchmarkSummary(folder, style));
}
