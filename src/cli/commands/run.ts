/** `tinystar run`: carries a recipe through its stages, or goes on where it was stopped. */
import { dirname } from 'node:path';
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import type { Recipe } from '../../recipe/schema.ts';
import type { CliContext } from '../context.ts';
import { printEstimate } from './estimate.ts';
import { execute } from '../execute.ts';
import { debugFlag, deviceFlag, deviceSetting, examples, runsFlag, setFlag } from '../flags.ts';

interface Flags {
  readonly set?: readonly string[];
  readonly device?: string;
  readonly runs: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly debug: boolean;
}

async function run(this: CliContext, flags: Flags, path: string): Promise<void> {
  const set = [...(flags.set ?? []), ...deviceSetting(flags.device)];
  if (flags.dryRun) {
    await printPlan(this, path, set, flags);
    return;
  }
  const { loadRecipe } = await import('../../recipe/load.ts');
  const recipe = loadRecipe(path, { set, checkFiles: true });
  if (!flags.force) await needRoom(recipe, flags.runs);
  await execute(this, recipe, { runsDir: flags.runs, json: flags.json });
}

/** Prints the recipe with all its defaults, and what it will need. */
async function printPlan(
  context: CliContext,
  path: string,
  set: readonly string[],
  { runs, json }: Flags,
): Promise<void> {
  const [{ loadEstimable }, { formatRecipe }] = await Promise.all([
    import('../../recipe/load.ts'),
    import('../../recipe/resolve.ts'),
  ]);
  if (!json) {
    loadEstimable(path, { set });
    const { loadRecipe } = await import('../../recipe/load.ts');
    context.process.stdout.write(`${formatRecipe(loadRecipe(path, { set }), dirname(path))}\n`);
  }
  await printEstimate(context, path, { set, runs, json });
}

/** Refuses a run that cannot fit. Small models fit any machine, and are not looked at. */
async function needRoom(recipe: Recipe, runsDir: string): Promise<void> {
  const { isLarge, estimateRecipe, obstacles } = await import('../../estimate/index.ts');
  if (!isLarge(recipe)) return;
  const faults = obstacles(estimateRecipe(recipe, runsDir));
  if (faults.length === 0) return;
  throw new UserError(
    'DOES_NOT_FIT',
    `The run cannot fit: ${faults.join('; ')}. Set gradient_checkpointing, lora, compute_dtype or a smaller micro_train_batch_size (tinystar estimate says what helps), or run with --force.`,
  );
}

export const runCommand = buildCommand<Flags, [string], CliContext>({
  func: run,
  parameters: {
    flags: {
      set: setFlag,
      device: deviceFlag,
      runs: runsFlag,
      json: { kind: 'boolean', brief: 'Print events as JSON lines', default: false, withNegated: false },
      dryRun: {
        kind: 'boolean',
        brief: 'Print the resolved recipe and what it will need, and run nothing',
        default: false,
        withNegated: false,
      },
      force: {
        kind: 'boolean',
        brief: 'Run even what cannot fit into memory or disk',
        default: false,
        withNegated: false,
      },
      debug: debugFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Recipe file (YAML)', parse: String, placeholder: 'RECIPE' }],
    },
  },
  docs: {
    brief: 'Run a recipe, or go on with it',
    fullDescription: examples(
      'Carries a recipe through its stages into runs/<name>: log, samples, checkpoints, report. The same command\n' +
        'goes on from the last checkpoint after Ctrl-C, a crash or a power cut.',
      'tinystar run recipes/tiny-star.yaml',
      'tinystar run recipes/tiny-star.yaml --dry-run',
      'tinystar run recipes/tiny-star.yaml --set stages.ckd.lr=5e-4 --set name=my-run',
    ),
  },
});
