/** The tables of benchmarks: one's own scores first, then what was published, fainter. */
import { CATEGORIES as ACEBENCH_CATEGORIES } from '../../packages/benchmarks/src/acebench/categories.ts';
import {
  type Scores as AcebenchScores,
  THINKING_REMARKS,
} from '../../packages/benchmarks/src/acebench/scores.ts';
import { CATEGORY_NAMES } from '../../packages/benchmarks/src/bfcl/categories.ts';
import { countsOf, type Scores as BfclScores } from '../../packages/benchmarks/src/bfcl/results.ts';
import { percent } from '../../packages/benchmarks/src/bfcl/scores.ts';
import { officialTable } from '../../packages/benchmarks/src/bfcl/table.ts';
import {
  PUBLISHED_ABLATIONS,
  PUBLISHED_ACEBENCH,
  PUBLISHED_BFCL,
  type PublishedAcebench,
} from '../../packages/benchmarks/src/published.ts';
import { html, type Html } from './html.ts';
import { htmlTable, soft } from './table.ts';

interface TableRow {
  readonly name: string;
  /** Remark for the reader; empty for none. */
  readonly remark: string;
  readonly cells: readonly string[];
  readonly own: boolean;
}

function scoreTable(title: string, columns: readonly string[], rows: readonly TableRow[]): Html {
  const shown = rows.map(({ name, remark, cells, own }) => {
    const note = remark !== '' && html` <span class="from">${remark}</span>`;
    return { class: own ? 'own' : '', cells: [[name, note], ...(own ? cells : cells.map(soft))] };
  });
  return htmlTable([title, ...columns], shown, 'overall');
}

const NONE = '–';
const shown = (value: number | undefined): string => (value === undefined ? NONE : `${value.toFixed(2)}%`);
const share = (value: number | undefined): string =>
  value === undefined ? NONE : `${(100 * value).toFixed(1)}%`;

function joined(...remarks: readonly string[]): string {
  return remarks.filter((part) => part !== '').join('; ');
}

function sampleRemark(sample: number | null): string {
  return sample === null ? '' : `a sample of ${sample} entries a category: not the official score`;
}

function thoughtRemark(openThought: boolean): string {
  return openThought ? 'prompts ended with <think>' : '';
}

function bfclRemark({ sample, decode, openThought }: BfclScores, missing: boolean): string {
  return joined(
    sampleRemark(sample),
    missing ? 'categories are missing, and count as 0' : '',
    decode === 'v3' ? '' : 'calls decoded by version 4’s rule',
    thoughtRemark(openThought),
  );
}

/** BFCL's summaries, and below them every category. */
export function bfclTables(scored: readonly BfclScores[]): Html {
  const own = scored.map((scores): TableRow => {
    const { overall, nonLive } = officialTable(countsOf(scores));
    const cells = [
      overall['Overall Acc'],
      overall['Non-Live AST Acc'],
      nonLive['Non_Live Overall Acc'],
      overall['Live Acc'],
      overall['Multi Turn Acc'],
    ].map((cell) => cell ?? NONE);
    const remark = bfclRemark(scores, Object.values(overall).includes('N/A'));
    return { name: scores.model, remark, cells, own: true };
  });
  const published = PUBLISHED_BFCL.map(
    ({ model, overall, nonLive, live, multiTurn, remark = '' }): TableRow => {
      const cells = [shown(overall), shown(nonLive), NONE, shown(live), shown(multiTurn)];
      return { name: model, remark, cells, own: false };
    },
  );
  const columns = ['Overall', 'Non-Live AST', 'Non-Live overall', 'Live', 'Multi Turn'];
  const categories = CATEGORY_NAMES.map((category): TableRow => {
    const cells = scored.map((scores) => {
      const count = scores.categories[category];
      return count === undefined || count.total === 0
        ? 'N/A'
        : `${percent(count.correct / count.total)} (${count.correct}/${count.total})`;
    });
    return { name: category, remark: '', cells, own: true };
  });
  return html`${scoreTable('BFCL v3', columns, [...own, ...published])}
    <details class="block">
      <summary>BFCL v3 by category</summary>
      ${scoreTable(
        'category',
        scored.map(({ model }) => model),
        categories,
      )}
    </details>`;
}

/** The columns of the paper's table that are means of some of the twelve parts, by how those are called. */
const PARTS = [
  { title: 'Atom', key: 'atom', prefix: 'atom_' },
  { title: 'Single-turn', key: 'singleTurn', prefix: 'single_turn_' },
  { title: 'Multi-turn', key: 'multiTurn', prefix: 'multi_turn_' },
  { title: 'Similar API', key: 'similarApi', prefix: 'similar_api' },
  { title: 'Preference', key: 'preference', prefix: 'preference' },
] as const satisfies readonly { title: string; key: keyof PublishedAcebench; prefix: string }[];

/** The mean of the parts whose names begin with `prefix`; undefined as long as one of them is missing. */
function partMean({ categories }: AcebenchScores, prefix: string): number | undefined {
  const wanted = ACEBENCH_CATEGORIES.filter(({ kind, name }) => kind === 'normal' && name.startsWith(prefix));
  const own = categories.filter(({ kind, name }) => kind === 'normal' && name.startsWith(prefix));
  if (own.length < wanted.length) return undefined;
  return own.reduce((sum, { accuracy }) => sum + accuracy, 0) / own.length;
}

/** ACEBench's sums beside their ceilings, and below them every category. */
export function acebenchTables(scored: readonly AcebenchScores[]): Html {
  const own = scored.map((scores): TableRow => {
    const { model, sample, revision, thinking, openThought, normal, special } = scores;
    const parts = PARTS.map(({ prefix }) => share(partMean(scores, prefix)));
    const cells = [
      share(normal?.accuracy),
      share(normal?.ceiling),
      ...parts,
      share(special?.accuracy),
      share(special?.ceiling),
    ];
    const remark = joined(
      `revision ${revision}`,
      THINKING_REMARKS[thinking],
      thoughtRemark(openThought),
      sampleRemark(sample),
    );
    return { name: model, remark, cells, own: true };
  });
  const published = PUBLISHED_ACEBENCH.map((row): TableRow => {
    const part = (value: number | undefined): string => (value === undefined ? NONE : `${value.toFixed(1)}%`);
    const parts = PARTS.map(({ key }) => part(row[key]));
    const cells = [part(row.normal), NONE, ...parts, NONE, NONE];
    return { name: row.model, remark: row.remark ?? '', cells, own: false };
  });
  const titles = PARTS.map(({ title }) => title);
  const columns = ['Normal', 'its ceiling', ...titles, 'Special', 'its ceiling'];
  const categories = ACEBENCH_CATEGORIES.map(({ kind, name }): TableRow => {
    const cells = scored.map((scores) => {
      const one = scores.categories.find((category) => category.kind === kind && category.name === name);
      return one === undefined
        ? 'N/A'
        : `${share(one.accuracy)} of ${share(one.ceiling)} (${one.correct}/${one.total})`;
    });
    return { name: `${kind} ${name}`, remark: '', cells, own: true };
  });
  return html`${scoreTable('ACEBench, English', columns, [...own, ...published])}
    <details class="block">
      <summary>ACEBench by category, of what the official answers reach</summary>
      ${scoreTable(
        'category',
        scored.map(({ model, revision }) => `${model}, ${revision}`),
        categories,
      )}
    </details>`;
}

/** The paper's numbers for other ways to train the 0.6B student. */
export function ablationTable(): Html {
  const rows = PUBLISHED_ABLATIONS.map(({ model, bfcl, acebench, remark = '' }): TableRow => {
    return { name: model, remark, cells: [shown(bfcl), shown(acebench)], own: false };
  });
  return html`<details class="block">
    <summary>The paper’s ablations of Qwen3-0.6B</summary>
    ${scoreTable('training', ['BFCL v3, overall', 'ACEBench, Normal'], rows)}
  </details>`;
}
