/** `tinystar eval`: what a model can do. Without the name of a benchmark, checkpoints on the held-out split. */
import { buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { examples } from '../flags.ts';
import { evalAcebenchCommand } from './eval-acebench.ts';
import { evalBfclCommand } from './eval-bfcl.ts';
import { evalHeldOutCommand } from './eval-held-out.ts';

export const evalRoutes = buildRouteMap<string, CliContext>({
  routes: {
    'held-out': evalHeldOutCommand,
    bfcl: evalBfclCommand,
    acebench: evalAcebenchCommand,
  },
  defaultCommand: 'held-out',
  docs: {
    brief: 'Measure models on held-out tasks and on benchmarks',
    fullDescription: examples(
      'Measures models: checkpoints on the held-out split (the command held-out, which may be left out), or on a\n' +
        'benchmark.',
      'tinystar eval bases/student runs/tiny-star/stages/star --limit 200',
      'tinystar eval bfcl --data bfcl --responses result/my-model',
      'tinystar eval acebench --data acebench/data_en --responses result/my-model',
    ),
  },
});
