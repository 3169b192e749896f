/** `tinystar data label`: what kinds of answers records have, as a table and, on request, in each record. */
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import type { Label } from '../../data/labels.ts';
import type { CliContext } from '../context.ts';
import { debugFlag, examples } from '../flags.ts';
import { RowCounter } from '../row-counter.ts';
import { table } from '../table.ts';

interface Flags {
  readonly output?: string;
  readonly debug: boolean;
}

/** Counts of numbers as one line: "1: 488, 2: 429". */
function spread(numbers: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  return [...counts]
    .toSorted(([a], [b]) => a - b)
    .map(([number, count]) => `${number}: ${count}`)
    .join(', ');
}

interface Source {
  readonly name: string;
  readonly labels: Label[];
}

/** A row for each category, a column for each source and one for all. */
async function categoryTable(sources: readonly Source[]): Promise<string> {
  const { CATEGORIES, categoriesOf } = await import('../../data/labels.ts');
  const all = { name: 'all', labels: sources.flatMap(({ labels }) => labels) };
  const columns = sources.length > 1 ? [...sources, all] : [all];
  const cell = (labels: readonly Label[], category: string): string => {
    const count = labels.filter((label) => categoriesOf(label).some((one) => one === category)).length;
    return `${count} (${((100 * count) / labels.length).toFixed(1)}%)`;
  };
  return table(
    [
      ['', ...columns.map(({ name }) => name)],
      ...CATEGORIES.map((category) => [category, ...columns.map(({ labels }) => cell(labels, category))]),
      ['records', ...columns.map(({ labels }) => String(labels.length))],
    ],
    ['left', ...columns.map(() => 'right' as const)],
  );
}

async function label(this: CliContext, flags: Flags, ...inputs: string[]): Promise<void> {
  const [{ LineWriter }, { labelledLine, labelsOf }, { readRecord, Rejection }, { fileRows }] =
    await Promise.all([
      import('../../base/line-writer.ts'),
      import('../../data/labels.ts'),
      import('../../data/record.ts'),
      import('../../data/streams/rows.ts'),
    ]);
  using output = flags.output === undefined ? undefined : new LineWriter(flags.output);
  using counter = new RowCounter(this);
  const sources = new Map<string, Source>();
  let [unread, unanswered] = [0, 0];
  for (const file of inputs) {
    for await (const { value, where } of fileRows(file)) {
      counter.add();
      try {
        const record = readRecord(value ?? null, where);
        output?.write(labelledLine(record));
        const last = labelsOf(record).at(-1);
        const source = sources.get(record.source) ?? { name: record.source, labels: [] };
        sources.set(record.source, source);
        if (last === undefined) unanswered += 1;
        else source.labels.push(last);
      } catch (thrown) {
        if (!(thrown instanceof Rejection)) throw thrown;
        unread += 1;
      }
    }
  }
  counter[Symbol.dispose]();
  const labelled = [...sources.values()].filter(({ labels }) => labels.length > 0);
  if (labelled.length === 0)
    throw new UserError('DATA_EMPTY', 'There is no record with an answer; convert the data first.');
  output?.commit();
  const labels = labelled.flatMap((source) => source.labels);
  this.process.stdout.write(await categoryTable(labelled));
  this.process.stdout.write(`Turns: ${spread(labels.map(({ turns }) => turns))}.\n`);
  this.process.stdout.write(`Calls in an answer: ${spread(labels.map(({ calls }) => calls))}.\n`);
  if (unread + unanswered > 0)
    this.process.stdout.write(
      `Not counted: ${unread} rows that are no records, ${unanswered} without an answer.\n`,
    );
  if (output !== undefined) this.process.stdout.write(`${output.lines} records in ${output.path}.\n`);
}

export const dataLabelCommand = buildCommand<Flags, string[], CliContext>({
  func: label,
  parameters: {
    flags: {
      output: {
        kind: 'parsed',
        parse: String,
        brief: 'The records with the labels of all their answers',
        optional: true,
        placeholder: 'FILE',
      },
      debug: debugFlag,
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { parse: String, brief: 'Records, as data convert writes them', placeholder: 'FILE' },
    },
  },
  docs: {
    brief: 'Count kinds of answers',
    fullDescription: examples(
      'Counts records by what their last answer is: words, one call or several, calls after a result; and by turns. These\n' +
        'are the categories that data mix has quotas for.',
      'tinystar data label xlam.jsonl toolace.jsonl',
      'tinystar data label toolmind.jsonl --output labelled.jsonl',
    ),
  },
});
