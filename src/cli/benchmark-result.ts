/** Prints the result of an evaluation on a benchmark: its tables, and what there is to know about them. */
import type { Benchmark } from '../../packages/benchmarks/src/benchmark.ts';
import {
  countFaults,
  type FaultyResponse,
  RESPONSE_FAULTS,
} from '../../packages/benchmarks/src/responses.ts';
import type { Outcome } from '../../packages/benchmarks/src/session.ts';
import { intervalText } from '../report/numbers.ts';
import { headedTable, table } from '../report/table.ts';
import type { Style } from './terminal.ts';

/** The result as text, under the title of its benchmark. */
export function benchmarkResult(
  title: string,
  benchmark: Benchmark,
  { scores, faulty, unasked, note }: Outcome,
  style: Style,
): string {
  const { model, sample, seed, errors } = scores;
  const heading = [`${style.bold(title)}${benchmark.table.edition(scores)}  ${model}`];
  const remarks = benchmark.table.remarks(scores).filter((remark) => remark !== '');
  const official =
    sample === null
      ? ''
      : `${style.bad('sample')} of at most ${sample} entries a category (seed ${seed}): not the official score\n`;
  const tables = benchmark.table.tables(scores, style).map(({ head, rows, note: below = '' }) => {
    const cells = rows.map((row) =>
      row.map((cell) => (typeof cell === 'string' ? cell : style.dim(intervalText(cell)))),
    );
    return (head === undefined ? table(cells, ['left', 'right']) : headedTable(head, cells, style)) + below;
  });
  const errorRows = Object.entries(errors).map(([error, count]) => [error, String(count)]);
  return [
    `${[...heading, ...remarks].join(', ')}\n${official}`,
    ...tables,
    errorRows.length === 0 ? '' : headedTable(['error', 'entries'], errorRows, style),
    unaskedLine(unasked, style),
    note === undefined ? '' : `${style.bad(note.label)}: ${note.text}\n`,
    faultLines(faulty, style),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Lines that were left out, by fault, with the first place of each; empty if there are none. */
function faultLines(faulty: readonly FaultyResponse[], style: Style): string {
  if (faulty.length === 0) return '';
  const lines = countFaults(faulty).map(({ fault, count, first }) => {
    const id = first.id === undefined ? '' : `, ${first.id}`;
    const place = `${count === 1 ? '' : 'first '}line ${first.line} of ${first.path}${id}`;
    return `  ${count} × ${fault}: ${RESPONSE_FAULTS[fault]} (${place})\n`;
  });
  return `${style.bad('left out')}: ${faulty.length} ${faulty.length === 1 ? 'line' : 'lines'} of responses\n${lines.join('')}`;
}

/** The note on prompts that could not be asked; empty if there are none. */
function unaskedLine(unasked: number, style: Style): string {
  if (unasked === 0) return '';
  const what = unasked === 1 ? '1 prompt fills' : `${unasked} prompts fill`;
  return `${style.bad('note')}: ${what} the model's positions, so that nothing was asked; they count as wrong (no_response)\n`;
}
