/** `tinystar report`: writes a run's report again. */
import { writeReport } from '../../../report/src/page.ts';
import { command } from '../command.ts';
import { printResults } from '../execute.ts';

export const reportCommand = command({
  brief: "Write a run's report",
  about:
    'Writes report.html into a run folder, from what the run has logged so far, and prints its table of results.',
  examples: ['tinystar report runs/tiny-star'],
  flags: {},
  args: [{ brief: 'Run folder', placeholder: 'RUN_DIR' }],
  async run(context, _, folder) {
    const path = await writeReport(folder);
    await printResults(context, folder);
    context.process.stdout.write(`\nreport  ${path}\n`);
  },
});
