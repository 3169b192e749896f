/** `tinystar estimate`: what a recipe will need in memory, disk and time on this machine. */
import { buildCommand } from '@stricli/core';
import type { Measured } from '../../estimate/measure.ts';
import type { Recipe } from '../../recipe/schema.ts';
import { type CliContext, INTERRUPTED_EXIT, outStyle } from '../context.ts';
import { estimateText } from '../estimate-table.ts';
import { debugFlag, deviceFlag, deviceSetting, examples, runsFlag, setFlag, wholeNumber } from '../flags.ts';

interface Flags {
  readonly set?: readonly string[];
  readonly device?: string;
  readonly runs: string;
  readonly measure?: number;
  readonly json: boolean;
  readonly debug: boolean;
}

/** Estimates the recipe in a file and prints what comes out. */
export async function printEstimate(
  context: CliContext,
  path: string,
  { set, runs, json, measure }: Pick<Flags, 'set' | 'runs' | 'json' | 'measure'>,
): Promise<void> {
  const { process } = context;
  const [{ loadEstimable }, { estimateRecipe, obstacles }] = await Promise.all([
    import('../../recipe/load.ts'),
    import('../../estimate/index.ts'),
  ]);
  const { recipe, notes } = loadEstimable(path, { set: set ?? [] });
  const estimate = estimateRecipe(recipe, runs);
  const whole = { ...estimate, notes: [...notes, ...estimate.notes] };
  const faults = obstacles(whole);
  const measured = measure === undefined ? undefined : await timesOf(context, recipe, runs, measure, json);
  if (json) {
    const times = measured === undefined ? {} : { measured: Object.fromEntries(measured) };
    process.stdout.write(`${JSON.stringify({ ...whole, ...times, obstacles: faults })}\n`);
    return;
  }
  process.stdout.write(estimateText(whole, outStyle(context), measured));
  for (const fault of faults) process.stdout.write(`does not fit: ${fault}\n`);
}

/** Measures with what is happening in sight; an interrupt ends the process, which removes what was only there for it. */
async function timesOf(
  { process, services }: CliContext,
  recipe: Recipe,
  runs: string,
  steps: number,
  quiet: boolean,
): Promise<ReadonlyMap<string, Measured>> {
  const { measureRecipe } = await import('../../estimate/measure.ts');
  const settled = services.onInterrupt((exitCode = INTERRUPTED_EXIT) => services.kill(exitCode));
  const tell = (stage: string): void => {
    if (!quiet) process.stderr.write(`measuring ${stage}\n`);
  };
  return measureRecipe(recipe, runs, steps, tell).finally(settled);
}

async function estimate(this: CliContext, flags: Flags, path: string): Promise<void> {
  const set = [...(flags.set ?? []), ...deviceSetting(flags.device)];
  await printEstimate(this, path, { ...flags, set });
}

export const estimateCommand = buildCommand<Flags, [string], CliContext>({
  func: estimate,
  parameters: {
    flags: {
      set: setFlag,
      device: deviceFlag,
      runs: runsFlag,
      measure: {
        kind: 'parsed',
        parse: wholeNumber(1),
        brief: 'Measure the time of every stage whose inputs are there, by this many of its steps',
        optional: true,
        placeholder: 'N',
      },
      json: { kind: 'boolean', brief: 'Print one JSON object', default: false, withNegated: false },
      debug: debugFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Recipe file (YAML)', parse: String, placeholder: 'RECIPE' }],
    },
  },
  docs: {
    brief: 'Say what a recipe will need in memory, disk and time',
    fullDescription: examples(
      'Memory and disk are worked out by building every stage without allocating anything; checkpoints of published\n' +
        'Qwen3 models need not be there yet. With --measure, stages whose inputs are there are begun in a folder that\n' +
        'is removed, for the time of their steps; what an earlier stage makes is taken from the run of this name.',
      'tinystar estimate recipes/star-0.6b.yaml',
      'tinystar estimate recipes/tiny-star.yaml --measure 3',
      'tinystar estimate recipes/star-0.6b.yaml --set stages.ckd.gradient_checkpointing=true',
    ),
  },
});
