/** `tinystar run`: carries a recipe through its stages, or goes on where it was stopped. */
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { execute } from '../execute.ts';
import { debugFlag, examples, runsFlag } from '../flags.ts';

interface Flags {
  readonly set?: readonly string[];
  readonly device?: string;
  readonly runs: string;
  readonly json: boolean;
  readonly debug: boolean;
}

async function run(this: CliContext, flags: Flags, path: string): Promise<void> {
  const { loadRecipe } = await import('../../recipe/load.ts');
  const set = [
    ...(flags.set ?? []),
    ...(flags.device === undefined ? [] : [`device=${JSON.stringify(flags.device)}`]),
  ];
  const recipe = loadRecipe(path, { set, checkFiles: true });
  await execute(this, recipe, { runsDir: flags.runs, json: flags.json });
}

export const runCommand = buildCommand<Flags, [string], CliContext>({
  func: run,
  parameters: {
    flags: {
      set: {
        kind: 'parsed',
        parse: String,
        brief: 'Override a value of the recipe; may be repeated',
        optional: true,
        variadic: true,
        placeholder: 'path=value',
      },
      device: {
        kind: 'parsed',
        parse: String,
        brief: 'Compute on cpu, gpu or a device that tinystar doctor names',
        optional: true,
        placeholder: 'NAME',
      },
      runs: runsFlag,
      json: { kind: 'boolean', brief: 'Print events as JSON lines', default: false, withNegated: false },
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
      'tinystar run recipes/tiny-star.yaml --set stages.ckd.lr=5e-4 --set name=my-run',
    ),
  },
});
