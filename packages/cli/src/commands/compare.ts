/** `tinystar compare`: models of several runs side by side, with intervals over seeds. */
import { UserError } from '../../../../src/base/errors.ts';
import { formatPercent, pointsText, rangeText } from '../../../report/src/numbers.ts';
import { readRun } from '../../../report/src/read.ts';
import {
  categoriesOf,
  gains,
  meanOverSeeds,
  OVERALL,
  pairedGain,
  rowsBySeed,
  type SeedMean,
  type SeedRow,
  verdictsOf,
} from '../../../report/src/seeds.ts';
import { headedTable } from '../../../report/src/table.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import { optional, text, toggle } from '../flags.ts';

function named(rows: readonly SeedRow[], label: string): SeedRow {
  const row = rows.find((candidate) => candidate.label === label);
  if (row !== undefined) return row;
  const labels = rows.map((candidate) => candidate.label).join(', ');
  throw new UserError('SEEDS', `No model is called ${label} in these runs; there are ${labels}.`);
}

function intervalText({ mean, half }: SeedMean): string {
  if (half === undefined) return 'one seed';
  return rangeText({ low: Math.max(0, mean - half), high: Math.min(1, mean + half) });
}

function gainText({ mean, half }: SeedMean): string {
  return pointsText(mean) + (half === undefined ? '' : ` ± ${(100 * half).toFixed(1)}`);
}

export const compareCommand = command({
  brief: 'Compare runs over several seeds',
  about:
    'Puts the evaluations of several runs side by side: a model that several seeds have made gets a mean and the 95%\n' +
    "interval of Student's t distribution over the seeds. Runs of different recipes add their models to the table.\n" +
    'What a model gains over another one has two intervals: over the seeds, and over the dialogues, paired.',
  examples: [
    'tinystar run recipes/tiny-star.yaml --set seed=2 --set name=tiny-star-2',
    'tinystar compare runs/tiny-star runs/tiny-star-2 --against base',
  ],
  flags: {
    against: optional(text('Also show what each model gains over this one, seed by seed', 'LABEL')),
    by_category: toggle('One table for each category'),
    json: toggle('Print JSON'),
  },
  list: { brief: 'Run folders', placeholder: 'RUN_DIR' },
  async run(context, given, ...folders) {
    const { against, json, by_category: byCategory } = given;
    const { stdout } = context.process;
    const runs = await Promise.all(folders.map((folder) => readRun(folder)));
    const categories = byCategory ? categoriesOf(runs) : [OVERALL];
    const summary = categories.map((category) => {
      const rows = rowsBySeed(runs, category);
      const other = against === undefined ? undefined : named(rows, against);
      const verdicts = other === undefined ? undefined : verdictsOf(runs, category);
      const models = rows.map((row) => ({
        ...row,
        ...meanOverSeeds(row.shares),
        ...(other && { gain: meanOverSeeds(gains(row, other)) }),
        // The same with the interval over dialogues.
        ...(other && verdicts && { paired: pairedGain(verdicts, row.label, other.label) }),
      }));
      return { category, models };
    });
    if (json) {
      stdout.write(`${JSON.stringify(summary)}\n`);
      return;
    }
    const style = outStyle(context);
    for (const { category, models } of summary) {
      const head = ['model', 'seeds', 'mean', '95% over seeds', 'each seed'];
      if (against !== undefined) head.push(`against ${against}`, 'over dialogues');
      const rows = models.map(({ label, seeds, shares, gain, paired, ...mean }) => [
        label,
        style.dim(seeds.join(' ')),
        style.bold(formatPercent(mean.mean)),
        style.dim(intervalText(mean)),
        style.dim(shares.map((share) => (100 * share).toFixed(1)).join(' ')),
        ...(gain === undefined
          ? []
          : [gainText(gain), style.dim(paired === undefined ? '' : gainText(paired))]),
      ]);
      const title = byCategory ? `\n${style.bold(category)}\n` : '';
      stdout.write(title + headedTable(head, rows, style, 2));
    }
  },
});
