/** What a run's benchmarks came to, for the end of the run. */
import { countsOf } from '../../packages/benchmarks/src/bfcl/results.ts';
import { officialTable } from '../../packages/benchmarks/src/bfcl/table.ts';
import { readBenchmarks } from '../report/benchmarks.ts';
import { formatPercent } from '../report/numbers.ts';
import type { Style } from './style.ts';
import { headedTable } from '../report/table.ts';

/** A table for each benchmark that the run in `folder` was measured on; empty without any. */
export function benchmarkTables(folder: string, style: Style): string {
  const { bfcl, acebench } = readBenchmarks(folder);
  const named = (model: string, sample: number | null): string =>
    sample === null ? model : `${model} ${style.bad('sample')}`;
  const ofBfcl = bfcl.map((scores) => {
    const { overall } = officialTable(countsOf(scores));
    const columns = ['Overall Acc', 'Non-Live AST Acc', 'Live Acc', 'Multi Turn Acc'];
    return [named(scores.model, scores.sample), ...columns.map((column) => overall[column] ?? '')];
  });
  const ofAcebench = acebench.map(({ model, sample, normal, special }) => [
    named(model, sample),
    ...[normal, special].flatMap((sum) =>
      sum === null ? ['N/A', ''] : [formatPercent(sum.accuracy), formatPercent(sum.ceiling)],
    ),
  ]);
  return (
    tableOf(['BFCL v3', 'overall', 'Non-Live AST', 'Live', 'Multi Turn'], ofBfcl, style) +
    tableOf(['ACEBench', 'Normal', 'its ceiling', 'Special', 'its ceiling'], ofAcebench, style)
  );
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  return rows.length === 0 ? '' : `\n${headedTable(head, rows, style)}`;
}
