/** `tinystar report`: writes a run's report again. */
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { printResults } from '../execute.ts';
import { debugFlag, examples } from '../flags.ts';

interface Flags {
  readonly debug: boolean;
}

async function report(this: CliContext, _flags: Flags, folder: string): Promise<void> {
  const { writeReport } = await import('../../report/index.ts');
  const path = await writeReport(folder);
  await printResults(this, folder);
  this.process.stdout.write(`\nreport  ${path}\n`);
}

export const reportCommand = buildCommand<Flags, [string], CliContext>({
  func: report,
  parameters: {
    flags: { debug: debugFlag },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Run folder', parse: String, placeholder: 'RUN_DIR' }],
    },
  },
  docs: {
    brief: "Write a run's report",
    fullDescription: examples(
      'Writes report.html into a run folder, from what the run has logged so far, and prints its table of results.',
      'tinystar report runs/tiny-star',
    ),
  },
});
