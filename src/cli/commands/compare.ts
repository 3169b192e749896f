/** `tinystar compare`: models of several runs side by side, with intervals over seeds. */
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import { formatPercent, pointsText } from '../../report/numbers.ts';
import type { SeedMean, SeedRow } from '../../report/seeds.ts';
import type { CliContext } from '../context.ts';
import { outStyle } from '../context.ts';
import { debugFlag, examples } from '../flags.ts';
import { headedTable } from '../../report/table.ts';

interface Flags {
  readonly against?: string;
  readonly byCategory: boolean;
  readonly json: boolean;
  readonly debug: boolean;
}

/** A model's shares over the seeds, and what it gains over another. */
interface ModelSummary extends SeedRow, SeedMean {
  readonly gain?: SeedMean;
  /** The same with the interval over dialogues. */
  readonly paired?: SeedMean;
}

async function compareRuns(this: CliContext, flags: Flags, ...folders: string[]): Promise<void> {
  if (folders.length === 0)
    throw new UserError('SEEDS', 'Nothing to compare: give the folders of one or more runs.');
  const { readRun } = await import('../../report/read.ts');
  const { pairedGain, verdictsOf } = await import('../../report/paired.ts');
  const { categoriesOf, gains, meanOverSeeds, OVERALL, rowsBySeed } = await import('../../report/seeds.ts');
  const runs = await Promise.all(folders.map((folder) => readRun(folder)));
  const categories = flags.byCategory ? categoriesOf(runs) : [OVERALL];
  const byCategory = categories.map((category) => ({ category, rows: rowsBySeed(runs, category) }));
  const summary = byCategory.map(({ category, rows }) => {
    const { against } = flags;
    const other = against === undefined ? undefined : named(rows, against);
    const verdicts = other === undefined ? undefined : verdictsOf(runs, category);
    const models = rows.map((row): ModelSummary => {
      const summary = { ...row, ...meanOverSeeds(row.shares) };
      if (other === undefined || verdicts === undefined) return summary;
      const paired = pairedGain(verdicts, row.label, other.label);
      const gain = meanOverSeeds(gains(row, other));
      return { ...summary, gain, ...(paired === undefined ? {} : { paired }) };
    });
    return { category, models };
  });
  if (flags.json) {
    this.process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const style = outStyle(this);
  for (const { category, models } of summary) {
    const head = ['model', 'seeds', 'mean', '95% over seeds', 'each seed'];
    if (flags.against !== undefined) head.push(`against ${flags.against}`, 'over dialogues');
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
    const title = flags.byCategory ? `\n${style.bold(category)}\n` : '';
    this.process.stdout.write(title + headedTable(head, rows, style, 2));
  }
}

function named(rows: readonly SeedRow[], label: string): SeedRow {
  const row = rows.find((candidate) => candidate.label === label);
  if (row !== undefined) return row;
  const labels = rows.map((candidate) => candidate.label).join(', ');
  throw new UserError('SEEDS', `No model is called ${label} in these runs; there are ${labels}.`);
}

function intervalText({ mean, half }: SeedMean): string {
  if (half === undefined) return 'one seed';
  return `${(100 * Math.max(0, mean - half)).toFixed(1)} – ${(100 * Math.min(1, mean + half)).toFixed(1)}`;
}

function gainText({ mean, half }: SeedMean): string {
  return pointsText(mean) + (half === undefined ? '' : ` ± ${(100 * half).toFixed(1)}`);
}

export const compareCommand = buildCommand<Flags, string[], CliContext>({
  func: compareRuns,
  parameters: {
    flags: {
      against: {
        kind: 'parsed',
        parse: String,
        brief: 'Also show what each model gains over this one, seed by seed',
        placeholder: 'LABEL',
        optional: true,
      },
      byCategory: {
        kind: 'boolean',
        brief: 'One table for each category',
        default: false,
        withNegated: false,
      },
      json: { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false },
      debug: debugFlag,
    },
    positional: {
      kind: 'array',
      parameter: { brief: 'Run folders', parse: String, placeholder: 'RUN_DIR' },
    },
  },
  docs: {
    brief: 'Compare runs over several seeds',
    fullDescription: examples(
      'Puts the evaluations of several runs side by side: a model that several seeds have made gets a mean and the 95%\n' +
        "interval of Student's t distribution over the seeds. Runs of different recipes add their models to the table.\n" +
        'What a model gains over another one has two intervals: over the seeds, and over the dialogues, paired.',
      'tinystar run recipes/tiny-star.yaml --set seed=2 --set name=tiny-star-2',
      'tinystar compare runs/tiny-star runs/tiny-star-2 --against base',
    ),
  },
});
