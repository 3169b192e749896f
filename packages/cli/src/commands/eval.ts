/** `tinystar eval`: measures models. Without the name of a benchmark, checkpoints on the held-out split. */
import { buildRouteMap } from '@stricli/core';
import { benchmarks } from '../../../benchmarks/src/index.ts';
import type { CliContext } from '../context.ts';
import { examples } from '../command.ts';
import { benchmarkCommand } from './eval-benchmark.ts';
import { evalHeldOutCommand } from './eval-held-out.ts';
import { evalProjectCommand } from './eval-project.ts';

export const evalRoutes = buildRouteMap<string, CliContext>({
  routes: {
    'held-out': evalHeldOutCommand,
    project: evalProjectCommand,
    ...Object.fromEntries(Object.values(benchmarks).map((spec) => [spec.name, benchmarkCommand(spec)])),
  },
  defaultCommand: 'held-out',
  docs: {
    brief: 'Measure models on held-out tasks and on benchmarks',
    fullDescription: examples(
      'Measures models: checkpoints on the held-out split (the command held-out, which may be left out), a model on a\n' +
        'project of tinystar fit, or on a benchmark.',
      'tinystar eval bases/student runs/tiny-star/stages/star --limit 200',
      ...Object.values(benchmarks).flatMap(({ help }) => help.examples.slice(0, 1)),
    ),
  },
});
