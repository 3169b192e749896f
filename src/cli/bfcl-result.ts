/** What an evaluation on BFCL prints at its end. */
import { CATEGORY_NAMES, rulesOf } from '../../packages/benchmarks/src/bfcl/categories.ts';
import { countsOf, type Scores } from '../../packages/benchmarks/src/bfcl/results.ts';
import type { BfclOutcome } from '../../packages/benchmarks/src/bfcl/run.ts';
import { percent, unscored } from '../../packages/benchmarks/src/bfcl/scores.ts';
import { officialTable } from '../../packages/benchmarks/src/bfcl/table.ts';
import { intervalText } from '../report/numbers.ts';
import { faultLines, unaskedLine } from './benchmark-run.ts';
import type { Style } from './style.ts';
import { headedTable, table } from '../report/table.ts';

/** The official table, and what there is to know about it. */
export function bfclResult(outcome: BfclOutcome, style: Style): string {
  const { scores, faulty, unasked } = outcome;
  return [
    heading(scores, style),
    categoryRows(scores, style),
    sumRows(scores, style),
    errorRows(scores, style),
    unaskedLine(unasked, style),
    longContextLine(outcome, style),
    faultLines(faulty, style),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function heading({ model, sample, seed, decode, openThought }: Scores, style: Style): string {
  const rule = decode === 'v3' ? '' : ", calls decoded by version 4's rule";
  const thought = openThought ? ', prompts ended with <think>' : '';
  const title = `${style.bold('BFCL v3')}  ${model}${rule}${thought}\n`;
  if (sample === null) return title;
  return `${title}${style.bad('sample')} of at most ${sample} entries a category (seed ${seed}): not the official score\n`;
}

function categoryRows(scores: Scores, style: Style): string {
  const counts = countsOf(scores);
  const rows = CATEGORY_NAMES.flatMap((category) => {
    const count = counts.get(category);
    if (count === undefined || count.total === 0) return [];
    return [
      [
        category,
        style.bold(percent(count.correct / count.total)),
        style.dim(intervalText(count)),
        style.dim(`${count.correct}/${count.total}`),
      ],
    ];
  });
  return headedTable(['category', 'accuracy', '95% interval', 'correct'], rows, style);
}

function sumRows(scores: Scores, style: Style): string {
  const counts = countsOf(scores);
  const { overall, nonLive } = officialTable(counts);
  const rows = [
    ['Non-Live AST', overall['Non-Live AST Acc'] ?? ''],
    ['Non-Live overall', nonLive['Non_Live Overall Acc'] ?? ''],
    ['Live', overall['Live Acc'] ?? ''],
    ['Multi Turn', overall['Multi Turn Acc'] ?? ''],
    [style.bold('Overall'), style.bold(overall['Overall Acc'] ?? '')],
  ];
  const missing = unscored(counts);
  const names = missing.length > 4 ? [...new Set(missing.map((one) => rulesOf(one).group))] : missing;
  const note =
    missing.length === 0
      ? ''
      : `${style.bad('incomplete')}: ${missing.length} of ${CATEGORY_NAMES.length} categories (${names.join(', ')}) were not scored and count as 0\n`;
  return table(rows, ['left', 'right']) + note;
}

function errorRows({ errors }: Scores, style: Style): string {
  const rows = Object.entries(errors).map(([error, count]) => [error, String(count)]);
  return rows.length === 0 ? '' : headedTable(['error', 'entries'], rows, style);
}

function longContextLine({ lacksLongContext }: BfclOutcome, style: Style): string {
  if (!lacksLongContext) return '';
  return `${style.bad('left out')}: multi_turn_long_context, whose constants were not found; put long_context.py, of the official program, beside the data\n`;
}
