/** `tinystar data label`: what kinds of answers records have, as a table and, on request, in each record. */
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import type { Category, Label } from '../../data/labels.ts';
import type { CliContext } from '../context.ts';
import { debugFlag, examples } from '../flags.ts';
import { checkOutputs, outputName, tellingStream } from '../outputs.ts';
import { RowCounter } from '../row-counter.ts';
import { table } from '../../report/table.ts';

interface Flags {
  readonly output?: string;
  readonly debug: boolean;
}

/** How often each number occurs. */
class Numbers {
  readonly #counts = new Map<number, number>();

  add(number: number): void {
    this.#counts.set(number, (this.#counts.get(number) ?? 0) + 1);
  }

  /** One line: "1: 488, 2: 429". */
  get text(): string {
    return [...this.#counts]
      .toSorted(([a], [b]) => a - b)
      .map(([number, count]) => `${number}: ${count}`)
      .join(', ');
  }
}

/** What is counted of one source, or of all. */
class Counts {
  records = 0;
  readonly turns = new Numbers();
  readonly calls = new Numbers();
  readonly #categories = new Map<Category, number>();

  add({ turns, calls }: Label, categories: readonly Category[]): void {
    this.records += 1;
    this.turns.add(turns);
    this.calls.add(calls);
    for (const category of categories)
      this.#categories.set(category, (this.#categories.get(category) ?? 0) + 1);
  }

  /** "488 (47.7%)". */
  cell(category: Category): string {
    const count = this.#categories.get(category) ?? 0;
    return `${count} (${((100 * count) / this.records).toFixed(1)}%)`;
  }
}

/** A row for each category, a column for each source, if there are several, and one for all. */
function categoryTable(
  sources: ReadonlyMap<string, Counts>,
  all: Counts,
  categories: readonly Category[],
): string {
  const columns = [...(sources.size > 1 ? sources : []), ['all', all] as const];
  return table(
    [
      ['', ...columns.map(([name]) => name)],
      ...categories.map((category) => [category, ...columns.map(([, counts]) => counts.cell(category))]),
      ['records', ...columns.map(([, { records }]) => String(records))],
    ],
    ['left', ...columns.map(() => 'right' as const)],
  );
}

async function label(this: CliContext, flags: Flags, ...inputs: string[]): Promise<void> {
  const [{ LineWriter }, { CATEGORIES, categoriesOf, labelledLine, lastLabel }, { recordRows }] =
    await Promise.all([
      import('../../base/line-writer.ts'),
      import('../../data/labels.ts'),
      import('../../data/reading.ts'),
    ]);
  checkOutputs(inputs, { output: flags.output });
  using output = flags.output === undefined ? undefined : new LineWriter(flags.output);
  using counter = new RowCounter(this);
  const sources = new Map<string, Counts>();
  const all = new Counts();
  let [unread, unanswered] = [0, 0];
  let why: string | undefined;
  for (const file of inputs) {
    for await (const row of recordRows(file)) {
      counter.add();
      if ('rejected' in row) {
        why ??= `${row.rejected.where}: ${row.rejected.message}`;
        unread += 1;
        continue;
      }
      const { record } = row;
      output?.write(labelledLine(record));
      const last = lastLabel(record);
      if (last === undefined) {
        unanswered += 1;
        continue;
      }
      const own = sources.get(record.source) ?? new Counts();
      sources.set(record.source, own);
      for (const counts of [own, all]) counts.add(last, categoriesOf(last));
    }
  }
  counter[Symbol.dispose]();
  if (all.records === 0)
    throw new UserError(
      'DATA_EMPTY',
      `There is no record with an answer${why === undefined ? '' : ` (${why})`}; convert the data first.`,
    );
  output?.commit();
  const telling = tellingStream(this, { output: flags.output });
  telling.write(categoryTable(sources, all, CATEGORIES));
  telling.write(`Turns: ${all.turns.text}.\nCalls in an answer: ${all.calls.text}.\n`);
  if (unread + unanswered > 0)
    telling.write(`Not counted: ${unread} rows that are no records, ${unanswered} without an answer.\n`);
  if (output !== undefined) telling.write(`${output.lines} records in ${outputName(output.path)}.\n`);
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
