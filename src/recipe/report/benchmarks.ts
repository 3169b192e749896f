/** A run's scores on benchmarks, from what `tinystar eval` left in its folder, beside those that were published. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { readText } from '../../base/files.ts';
import {
  type Scores as AcebenchScores,
  scoresSchema as acebenchSchema,
  THINKING_REMARKS,
} from '../../eval/acebench/scores.ts';
import { countsOf, type Scores as BfclScores, scoresSchema as bfclSchema } from '../../eval/bfcl/results.ts';
import { officialTable } from '../../eval/bfcl/table.ts';
import { PUBLISHED_ACEBENCH, PUBLISHED_BFCL, SOURCE } from '../../eval/published.ts';
import { html, type Html } from './html.ts';

/** The section on benchmarks; undefined for a run without any. */
export function benchmarkSection(folder: string): Html | undefined {
  const { bfcl, acebench, damaged } = readBenchmarks(join(folder, 'benchmarks'));
  if (bfcl.length + acebench.length + damaged === 0) return undefined;
  return html`<section id="benchmarks">
    <h2>Benchmarks</h2>
    ${bfcl.length === 0 ? undefined : bfclTable(bfcl)}
    ${acebench.length === 0 ? undefined : acebenchTable(acebench)}
    <p class="lead">
      Faint rows: ${SOURCE}.${damaged === 0 ? '' : ` Damaged files of scores, left out: ${damaged}.`}
    </p>
  </section>`;
}

interface Benchmarks {
  readonly bfcl: readonly BfclScores[];
  readonly acebench: readonly AcebenchScores[];
  readonly damaged: number;
}

function readBenchmarks(folder: string): Benchmarks {
  const bfcl: BfclScores[] = [];
  const acebench: AcebenchScores[] = [];
  let damaged = 0;
  for (const name of existsSync(folder) ? readdirSync(folder).toSorted() : []) {
    const path = join(folder, name, 'scores.json');
    if (!existsSync(path)) continue;
    const json = jsonOf(path);
    const asBfcl = bfclSchema.safeParse(json);
    const asAcebench = acebenchSchema.safeParse(json);
    if (asBfcl.success) bfcl.push(asBfcl.data);
    else if (asAcebench.success) acebench.push(asAcebench.data);
    else damaged += 1;
  }
  return { bfcl, acebench, damaged };
}

/** Undefined where the file is not whole. */
function jsonOf(path: string): unknown {
  try {
    return JSON.parse(readText(path));
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof UserError) return undefined;
    throw thrown;
  }
}

interface TableRow {
  readonly name: string;
  /** What has to be known about it. */
  readonly remark: string;
  readonly cells: readonly string[];
  readonly own: boolean;
}

function scoreTable(title: string, columns: readonly string[], rows: readonly TableRow[]): Html {
  const body = rows.map(({ name, remark, cells, own }) => {
    const note = remark === '' ? undefined : html` <span class="from">${remark}</span>`;
    return html`<tr class="${own ? 'own' : ''}">
      <th scope="row">${name}${note}</th>
      ${cells.map((cell) => html`<td class="n ${own ? '' : 'soft'}">${cell}</td>`)}
    </tr>`;
  });
  return html`<div class="scroll">
    <table class="overall">
      <thead>
        <tr>
          <th scope="col">${title}</th>
          ${columns.map((column) => html`<th scope="col" class="n">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

function sampleRemark(sample: number | null): string {
  return sample === null ? '' : `a sample of ${sample} entries a category: not the official score`;
}

const shown = (value: number | undefined): string => (value === undefined ? '–' : `${value.toFixed(2)}%`);

function bfclTable(scored: readonly BfclScores[]): Html {
  const own = scored.map((scores): TableRow => {
    const { overall, nonLive } = officialTable(countsOf(scores));
    const missing = Object.values(overall).includes('N/A') ? 'categories are missing, and count as 0' : '';
    const rule = scores.decode === 'v3' ? '' : 'calls decoded by version 4’s rule';
    return {
      name: scores.model,
      remark: [sampleRemark(scores.sample), missing, rule].filter((part) => part !== '').join('; '),
      cells: [
        overall['Overall Acc'],
        overall['Non-Live AST Acc'],
        nonLive['Non_Live Overall Acc'],
        overall['Live Acc'],
        overall['Multi Turn Acc'],
      ].map((cell) => cell ?? '–'),
      own: true,
    };
  });
  const published = PUBLISHED_BFCL.map(
    ({ model, overall, nonLive, live, multiTurn, remark = '' }): TableRow => {
      const cells = [shown(overall), shown(nonLive), '–', shown(live), shown(multiTurn)];
      return { name: model, remark, cells, own: false };
    },
  );
  const columns = ['Overall', 'Non-Live AST', 'Non-Live overall', 'Live', 'Multi Turn'];
  return scoreTable('BFCL v3', columns, [...own, ...published]);
}

function acebenchTable(scored: readonly AcebenchScores[]): Html {
  const percent = (share: number | undefined): string =>
    share === undefined ? '–' : `${(100 * share).toFixed(1)}%`;
  const own = scored.map(({ model, sample, revision, thinking, normal, special }): TableRow => {
    const cells = [normal?.accuracy, normal?.ceiling, special?.accuracy, special?.ceiling].map(percent);
    const remark = [`revision ${revision}`, THINKING_REMARKS[thinking], sampleRemark(sample)]
      .filter((part) => part !== '')
      .join('; ');
    return { name: model, remark, cells, own: true };
  });
  const published = PUBLISHED_ACEBENCH.map(({ model, normal, remark = '' }): TableRow => {
    return { name: model, remark, cells: [percent(normal / 100), '–', '–', '–'], own: false };
  });
  const columns = ['Normal', 'its ceiling', 'Special', 'its ceiling'];
  return scoreTable('ACEBench, English', columns, [...own, ...published]);
}
