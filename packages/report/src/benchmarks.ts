/** A run's scores on benchmarks, from what its stages and `tinystar eval` left in its folder, beside those that were published. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Paint } from '../../benchmarks/src/benchmark.ts';
import { benchmarks } from '../../benchmarks/src/index.ts';
import { PUBLISHED_ABLATIONS, SOURCE } from '../../benchmarks/src/published.ts';
import { SCORES } from '../../benchmarks/src/session.ts';
import { RESULTS } from '../../../src/eval/formats.ts';
import { html, type Html } from './html.ts';
import { attempt, readJson } from './read.ts';
import { headedTable, htmlTable, named, type Row, soft } from './table.ts';

/** Folders of results: of the run's stages, then of commands. */
function resultFolders(run: string): readonly string[] {
  const inside = (folder: string): string[] =>
    existsSync(folder)
      ? readdirSync(folder)
          .toSorted()
          .map((name) => join(folder, name))
      : [];
  const ofStages = inside(join(run, 'stages')).flatMap((stage) => inside(join(stage, RESULTS)));
  return [...ofStages, ...inside(join(run, 'benchmarks'))];
}

/** All scores of a run, by benchmark, and how many files of scores cannot be read. */
async function readBenchmarks(run: string) {
  const paths = resultFolders(run).map((folder) => join(folder, SCORES));
  const there = paths.filter((path) => existsSync(path));
  const files = there.map((path) => attempt([], () => readJson(path, z.unknown())));
  if (files.length === 0) return { scored: [], damaged: 0 };
  const loaded = await Promise.all(Object.values(benchmarks).map((one) => one.load()));
  const all = loaded.map((benchmark) => {
    return { benchmark, scores: files.flatMap((json) => benchmark.readScores(json) ?? []) };
  });
  const read = all.reduce((count, { scores }) => count + scores.length, 0);
  return { scored: all.filter(({ scores }) => scores.length > 0), damaged: files.length - read };
}

type Scored = Awaited<ReturnType<typeof readBenchmarks>>['scored'][number];

/** A table for each benchmark that the run in `folder` was measured on; empty without any. */
export async function benchmarkSummary(folder: string, paint: Paint): Promise<string> {
  const { scored } = await readBenchmarks(folder);
  const tables = scored.map(({ benchmark: { table }, scores }) => {
    const rows = scores.map((one) => {
      const name = one.sample === null ? one.model : `${one.model} ${paint.bad('sample')}`;
      return [name, ...table.summary.cells(one)];
    });
    return `\n${headedTable(table.summary.columns, rows, paint)}`;
  });
  return tables.join('');
}

/** The page's section on benchmarks; undefined for a run without any. */
export async function benchmarkSection(folder: string): Promise<Html | undefined> {
  const { scored, damaged } = await readBenchmarks(folder);
  if (scored.length + damaged === 0) return undefined;
  return html`<section id="benchmarks">
    <h2>Benchmarks</h2>
    ${scored.map(benchmarkTables)} ${ablationTable()}
    <p class="lead">
      Faint rows: ${SOURCE}.${damaged === 0 ? '' : ` Damaged files of scores, left out: ${damaged}.`}
    </p>
  </section>`;
}

const ownRow = (name: string, cells: readonly string[], remark?: string): Row => ({
  class: 'own',
  cells: [named(name, remark), ...cells],
});

const publishedRow = (name: string, cells: readonly string[], remark?: string): Row => ({
  cells: [named(name, remark), ...cells.map(soft)],
});

const scoreTable = (columns: readonly string[], rows: readonly Row[]): Html =>
  htmlTable(columns, rows, 'overall');

/** One's own scores first, then what was published, fainter; and below them every category. */
function benchmarkTables({ benchmark, scores }: Scored): Html {
  const { page } = benchmark.table;
  const own = scores.map((one) => {
    const sample =
      one.sample === null ? '' : `a sample of ${one.sample} entries a category: not the official score`;
    const remarks = [sample, ...page.remarks(one)].filter((remark) => remark !== '');
    return ownRow(one.model, page.cells(one), remarks.join('; ').replaceAll("'", '’'));
  });
  const published = page.published.map(({ model, cells, remark }) => publishedRow(model, cells, remark));
  const { categories } = page;
  const byCategory = categories.names.map((name) => {
    const cells = scores.map((one) => categories.cell(one, name));
    return ownRow(name, cells);
  });
  const columns = scores.map((one) => categories.column(one));
  return html`${scoreTable([page.title, ...page.columns], [...own, ...published])}
    <details class="block">
      <summary>${categories.title}</summary>
      ${scoreTable(['category', ...columns], byCategory)}
    </details>`;
}

/** The paper's numbers for other ways to train the 0.6B student. */
function ablationTable(): Html {
  const rows = PUBLISHED_ABLATIONS.map(({ model, bfcl, acebench, remark }) => {
    const cells = [bfcl, acebench].map((value) => `${value.toFixed(2)}%`);
    return publishedRow(model, cells, remark);
  });
  return html`<details class="block">
    <summary>The paper’s ablations of Qwen3-0.6B</summary>
    ${scoreTable(['training', 'BFCL v3, overall', 'ACEBench, Normal'], rows)}
  </details>`;
}
