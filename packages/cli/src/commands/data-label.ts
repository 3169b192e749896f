/** `tinystar data label`: what kinds of answers records have, as a table and, on request, in each record. */
import { UserError } from '../../../../src/base/errors.ts';
import { Tally } from '../../../../src/data/convert.ts';
import { CATEGORIES, categoriesOf, labelledLine, lastLabel } from '../../../../src/data/labels.ts';
import { recordRows } from '../../../../src/data/reading.ts';
import { formatPercent } from '../../../report/src/numbers.ts';
import { headedTable } from '../../../report/src/table.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import { optional, text } from '../flags.ts';
import { recordFiles, RowOutputs } from '../row-outputs.ts';
import type { Style } from '../terminal.ts';

/** One line, of numbers from the least: "1: 488, 2: 429". */
const countsText = (counts: Tally): string =>
  counts
    .entries()
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([number, count]) => `${number}: ${count}`)
    .join(', ');

/** Counts of one source, or of all. */
const newCounts = () => ({ turns: new Tally(), calls: new Tally(), categories: new Tally() });
type Counts = ReturnType<typeof newCounts>;

/** A row for each category, a column for each source, if there are several, and one for all. */
function categoryTable(sources: ReadonlyMap<string, Counts>, all: Counts, style: Style): string {
  const columns = [...(sources.size > 1 ? sources : []), ['all', all] as const];
  const rows = CATEGORIES.map((category) => [
    category,
    ...columns.map(([, { turns, categories }]) => {
      const count = categories.of(category);
      return `${count} (${formatPercent(count / turns.total)})`;
    }),
  ]);
  const total = ['records', ...columns.map(([, { turns }]) => String(turns.total))];
  return headedTable(['', ...columns.map(([name]) => name)], [...rows, total], style);
}

export const dataLabelCommand = command({
  brief: 'Count kinds of answers',
  about:
    'Counts records by what their last answer is: words, one call or several, calls after a result; and by turns. These\n' +
    'are the categories that data mix has quotas for.',
  examples: [
    'tinystar data label xlam.jsonl toolace.jsonl',
    'tinystar data label toolmind.jsonl --output labelled.jsonl',
  ],
  flags: { output: optional(text('The records with the labels of all their answers', 'FILE')) },
  list: recordFiles,
  async run(context, given, ...inputs) {
    using rows = new RowOutputs(context, inputs, given);
    const sources = new Map<string, Counts>();
    const all = newCounts();
    for await (const { record } of rows.read(inputs, recordRows)) {
      rows.keep(labelledLine(record));
      const last = lastLabel(record);
      if (last === undefined) continue;
      const own = sources.get(record.source) ?? newCounts();
      sources.set(record.source, own);
      for (const { turns, calls, categories } of [own, all]) {
        turns.add(String(last.turns));
        calls.add(String(last.calls));
        for (const category of categoriesOf(last)) categories.add(category);
      }
    }
    const { firstDropped } = rows;
    const why = firstDropped === undefined ? '' : ` (${firstDropped.where}: ${firstDropped.message})`;
    if (all.turns.total === 0)
      throw new UserError('DATA_EMPTY', `There is no record with an answer${why}; convert the data first.`);
    const [unread, unanswered] = [rows.dropped.total, rows.kept - all.turns.total];
    rows.commit();
    const { telling } = rows;
    telling.write(categoryTable(sources, all, outStyle(context)));
    telling.write(`Turns: ${countsText(all.turns)}.\nCalls in an answer: ${countsText(all.calls)}.\n`);
    if (unread + unanswered > 0)
      telling.write(`Not counted: ${unread} rows that are no records, ${unanswered} without an answer.\n`);
    if (given.output !== undefined) telling.write(`${rows.kept} records in ${rows.name}.\n`);
  },
});
