/** `tinystar estimate`: what a recipe will need in memory, disk and time on this machine. */
import { type Estimate, estimateRecipe, obstacles } from '../../../estimate/src/index.ts';
import { type Measured, measureRecipe } from '../../../estimate/src/measure.ts';
import { loadEstimable } from '../../../../src/recipe/load.ts';
import type { Recipe } from '../../../../src/recipe/schema.ts';
import { formatBytes, formatDuration, sum } from '../../../report/src/numbers.ts';
import { headedTable, table } from '../../../report/src/table.ts';
import { command } from '../command.ts';
import { type CliContext, INTERRUPTED_EXIT, outStyle } from '../context.ts';
import { type FlagsOf, optional, overrides, recipeFlags, toggle, whole } from '../flags.ts';
import type { Style } from '../terminal.ts';

const flags = {
  ...recipeFlags,
  measure: optional(
    whole(1, 'Measure the time of every stage whose inputs are there, by this many of its steps'),
  ),
  json: toggle('Print one JSON object'),
};
type Given = FlagsOf<typeof flags>;

function timeOf(time: Measured | undefined, style: Style): string[] {
  if (time === undefined) return [];
  return 'after' in time
    ? ['', style.dim(`once ${time.after} has run`)]
    : [String(time.steps), formatDuration(time.seconds)];
}

/** The table of an estimate, with its notes below. */
function estimateText(
  { stages, notes, machine }: Estimate,
  style: Style,
  measured?: ReadonlyMap<string, Measured>,
): string {
  const { deviceMemory } = machine;
  const onDevice = (text: string): string[] => (deviceMemory === undefined ? [] : [text]);
  const time = measured === undefined ? [] : ['steps', 'time'];
  const head = ['stage', 'kind', 'memory', ...onDevice('on the device'), 'disk', 'checkpoints', ...time];
  const most = (need: 'memory' | 'deviceMemory' | 'checkpoints'): number =>
    Math.max(0, ...stages.map((stage) => stage[need]));
  const all = {
    stage: 'all',
    kind: '',
    memory: most('memory'),
    deviceMemory: most('deviceMemory'),
    disk: sum(stages.map(({ disk }) => disk)),
    checkpoints: most('checkpoints'),
  };
  const rows = [...stages, all].map((need) => [
    need.stage,
    style.dim(need.kind),
    style.bold(formatBytes(need.memory)),
    ...onDevice(formatBytes(need.deviceMemory)),
    formatBytes(need.disk),
    formatBytes(need.checkpoints),
    ...timeOf(measured?.get(need.stage), style),
  ]);
  const here = [
    ['memory here', `${formatBytes(machine.memory)}, ${formatBytes(machine.freeMemory)} free`],
    ...(deviceMemory === undefined ? [] : [['on the device', formatBytes(deviceMemory)]]),
    ['disk here', `${formatBytes(machine.freeDisk)} free`],
  ].map(([name = '', value = '']) => [style.dim(name), value]);
  const lines = notes.map((note) => `note: ${note}\n`).join('');
  return `${headedTable(head, rows, style, 2)}\n${table(here)}${lines}`;
}

/** Estimates the recipe in a file and prints what comes out. */
export async function printEstimate(context: CliContext, path: string, given: Given): Promise<void> {
  const { stdout } = context.process;
  const { runs, json } = given;
  const { recipe, notes } = loadEstimable(path, { set: overrides(given) });
  const estimate = estimateRecipe(recipe, runs);
  const whole = { ...estimate, notes: [...notes, ...estimate.notes] };
  const faults = obstacles(whole);
  const measured = await timesOf(context, recipe, given);
  if (json) {
    const times = measured === undefined ? {} : { measured: Object.fromEntries(measured) };
    stdout.write(`${JSON.stringify({ ...whole, ...times, obstacles: faults })}\n`);
    return;
  }
  stdout.write(estimateText(whole, outStyle(context), measured));
  for (const fault of faults) stdout.write(`does not fit: ${fault}\n`);
}

/** Measures with what is happening in sight; an interrupt ends the process, which removes what was only there for it. */
async function timesOf(
  { process, services }: CliContext,
  recipe: Recipe,
  { runs, json, measure: steps }: Given,
): Promise<ReadonlyMap<string, Measured> | undefined> {
  if (steps === undefined) return undefined;
  const settled = services.onInterrupt((exitCode = INTERRUPTED_EXIT) => services.kill(exitCode));
  const tell = (stage: string): void => {
    if (!json) process.stderr.write(`measuring ${stage}\n`);
  };
  return measureRecipe(recipe, runs, steps, tell).finally(settled);
}

export const estimateCommand = command({
  brief: 'Say what a recipe will need in memory, disk and time',
  about:
    'Memory and disk are worked out by building every stage without allocating anything; checkpoints of published\n' +
    'Qwen3 models need not be there yet. With --measure, stages whose inputs are there are begun in a folder that\n' +
    'is removed, for the time of their steps; what an earlier stage makes is taken from the run of this name.',
  examples: [
    'tinystar estimate recipes/star-0.6b.yaml',
    'tinystar estimate recipes/tiny-star.yaml --measure 3',
    'tinystar estimate recipes/star-0.6b.yaml --set stages.ckd.gradient_checkpointing=true',
  ],
  flags,
  args: [{ brief: 'Recipe file (YAML)', placeholder: 'RECIPE' }],
  run: (context, given, path) => printEstimate(context, path, given),
});
