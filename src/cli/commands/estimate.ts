/** `tinystar estimate`: what a recipe will need in memory, disk and time on this machine. */
import { buildCommand } from '@stricli/core';
import { type CliContext, outStyle } from '../context.ts';
import { estimateText } from '../estimate-table.ts';
import { debugFlag, deviceFlag, deviceSetting, examples, runsFlag, setFlag } from '../flags.ts';

interface Flags {
  readonly set?: readonly string[];
  readonly device?: string;
  readonly runs: string;
  readonly json: boolean;
  readonly debug: boolean;
}

/** Estimates the recipe in a file and prints what comes out. */
export async function printEstimate(
  context: CliContext,
  path: string,
  { set, runs, json }: Pick<Flags, 'set' | 'runs' | 'json'>,
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
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...whole, obstacles: faults })}\n`);
    return;
  }
  process.stdout.write(estimateText(whole, outStyle(context)));
  for (const fault of faults) process.stdout.write(`does not fit: ${fault}\n`);
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
      'Small models that are there rehearse: the beginning of every stage is run and thrown away. Of larger ones the\n' +
        'memory is worked out by building every stage without allocating anything, and the time by a short\n' +
        'measurement on random weights; checkpoints of published Qwen3 models need not be there yet.',
      'tinystar estimate recipes/star-0.6b.yaml',
      'tinystar estimate recipes/star-0.6b.yaml --set stages.ckd.gradient_checkpointing=true',
    ),
  },
});
