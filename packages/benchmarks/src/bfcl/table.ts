/** BFCL's scores as they are shown. */
import type { Table } from '../benchmark.ts';
import { PUBLISHED_BFCL } from '../published.ts';
import { CATEGORY_NAMES, rulesOf } from './categories.ts';
import { officialTable } from './official-table.ts';
import { countsOf, percent, type Scores, unscored } from './scores.ts';

const NONE = '–';
const shown = (value: number | undefined): string => (value === undefined ? NONE : `${value.toFixed(2)}%`);

function remarks({ decode, openThought }: Scores): readonly string[] {
  return [
    decode === 'v3' ? '' : "calls decoded by version 4's rule",
    openThought ? 'prompts ended with <think>' : '',
  ];
}

/** The note on categories that were not scored; empty if there are none. */
function incomplete(scores: Scores): string {
  const missing = unscored(countsOf(scores));
  if (missing.length === 0) return '';
  const names = missing.length > 4 ? [...new Set(missing.map((one) => rulesOf(one).group))] : missing;
  return `: ${missing.length} of ${CATEGORY_NAMES.length} categories (${names.join(', ')}) were not scored and count as 0\n`;
}

export const bfclTable: Table<Scores> = {
  edition: () => '',
  remarks,
  tables(scores, { bold, dim, bad }) {
    const counts = countsOf(scores);
    const { overall, nonLive } = officialTable(counts);
    const categories = [...counts].flatMap(([category, count]) =>
      count.total === 0
        ? []
        : [
            [
              category,
              bold(percent(count.correct / count.total)),
              count,
              dim(`${count.correct}/${count.total}`),
            ],
          ],
    );
    const sums = [
      ['Non-Live AST', overall['Non-Live AST Acc'] ?? ''],
      ['Non-Live overall', nonLive['Non_Live Overall Acc'] ?? ''],
      ['Live', overall['Live Acc'] ?? ''],
      ['Multi Turn', overall['Multi Turn Acc'] ?? ''],
      [bold('Overall'), bold(overall['Overall Acc'] ?? '')],
    ];
    const missing = incomplete(scores);
    return [
      { head: ['category', 'accuracy', '95% interval', 'correct'], rows: categories },
      { rows: sums, note: missing === '' ? '' : `${bad('incomplete')}${missing}` },
    ];
  },
  summary: {
    columns: ['BFCL v3', 'overall', 'Non-Live AST', 'Live', 'Multi Turn'],
    cells(scores) {
      const { overall } = officialTable(countsOf(scores));
      const columns = ['Overall Acc', 'Non-Live AST Acc', 'Live Acc', 'Multi Turn Acc'];
      return columns.map((column) => overall[column] ?? '');
    },
  },
  page: {
    title: 'BFCL v3',
    columns: ['Overall', 'Non-Live AST', 'Non-Live overall', 'Live', 'Multi Turn'],
    cells(scores) {
      const { overall, nonLive } = officialTable(countsOf(scores));
      const cells = [
        overall['Overall Acc'],
        overall['Non-Live AST Acc'],
        nonLive['Non_Live Overall Acc'],
        overall['Live Acc'],
        overall['Multi Turn Acc'],
      ];
      return cells.map((cell) => cell ?? NONE);
    },
    remarks(scores) {
      const isMissing = Object.values(officialTable(countsOf(scores)).overall).includes('N/A');
      return [isMissing ? 'categories are missing, and count as 0' : '', ...remarks(scores)];
    },
    published: PUBLISHED_BFCL.map(({ overall, nonLive, live, multiTurn, ...row }) => ({
      ...row,
      cells: [shown(overall), shown(nonLive), NONE, shown(live), shown(multiTurn)],
    })),
    categories: {
      title: 'BFCL v3 by category',
      names: CATEGORY_NAMES,
      column: ({ model }) => model,
      cell({ categories }, name) {
        const count = categories[name];
        return count === undefined || count.total === 0
          ? 'N/A'
          : `${percent(count.correct / count.total)} (${count.correct}/${count.total})`;
      },
    },
  },
};
