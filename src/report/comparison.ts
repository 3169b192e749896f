/** The models side by side: overall with intervals, by category, and what the errors were. */
import { isDeepStrictEqual } from 'node:util';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { EvalModelResult } from '../eval/formats.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { formatPercent, wilson } from './numbers.ts';
import { readRun } from './read.ts';
import type { Evaluation, RunRecord } from './read.ts';

export interface Row extends EvalModelResult {
  /** The run it comes from, when that is another one. */
  readonly from: string | undefined;
  /** Tells whether it is the model that its run hands over. */
  readonly exported: boolean;
}

export interface Comparison {
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** The rows of an evaluation, and of those of the runs that the recipe compares with, where the test is the same. */
export async function compare(run: RunRecord, evaluation: Evaluation): Promise<Comparison> {
  const rows: Row[] = evaluation.models.map((model) => ({
    ...model,
    from: undefined,
    exported: model.ref === run.recipe?.export?.model,
  }));
  const notes: string[] = [];
  for (const folder of run.recipe?.compare ?? []) {
    const name = basename(folder);
    if (!existsSync(folder)) {
      notes.push(
        `The run ${name}, which the recipe compares with, is not there yet; make it, then write this report again.`,
      );
      continue;
    }
    const other = await readRun(folder);
    if (!isDeepStrictEqual(other.recipe?.data, run.recipe?.data)) {
      notes.push(`The run ${name} was tested on other data, so its results are not shown beside these.`);
      continue;
    }
    for (const model of other.evaluations.flatMap(({ models }) => models)) {
      const twin = rows.find(
        (row) => row.label === model.label && row.correct === model.correct && row.total === model.total,
      );
      if (twin === undefined && model.total === rows[0]?.total)
        rows.push({ ...model, from: name, exported: model.ref === other.recipe?.export?.model });
    }
  }
  return { rows, notes };
}

/** A share as the table shows it: a bar with the interval as a whisker. */
function bar(row: Row): Html {
  const share = row.total === 0 ? 0 : row.correct / row.total;
  const { low, high } = wilson(row.correct, row.total);
  const percent = (value: number): string => `${(100 * value).toFixed(2)}%`;
  return html`<div class="bar">
    <i style="width:${percent(share)}"></i><u style="left:${percent(low)};width:${percent(high - low)}"></u>
  </div>`;
}

function nameCell(row: Row): Html {
  const origin = row.from === undefined ? undefined : html` <span class="from">${row.from}</span>`;
  return html`<th scope="row">${row.label}${origin}</th>`;
}

export function overallTable(rows: readonly Row[]): Html {
  const body = rows.map((row) => {
    const { low, high } = wilson(row.correct, row.total);
    return html`<tr class="${row.exported ? 'own' : ''}">
      ${nameCell(row)}
      <td class="wide">${bar(row)}</td>
      <td class="n"><b>${formatPercent(row.total === 0 ? 0 : row.correct / row.total)}</b></td>
      <td class="n soft">${(100 * low).toFixed(1)} – ${(100 * high).toFixed(1)}</td>
      <td class="n soft">${row.correct} / ${row.total}</td>
      <td class="n soft">${row.meanTokens === null ? '–' : row.meanTokens.toFixed(1)}</td>
    </tr>`;
  });
  return html`<div class="scroll">
    <table class="overall">
      <thead>
        <tr>
          <th scope="col">model</th>
          <th scope="col" class="wide">exact match on the held-out split</th>
          <th class="n"></th>
          <th scope="col" class="n">95% interval</th>
          <th scope="col" class="n">correct</th>
          <th scope="col" class="n">mean tokens</th>
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

/** A cell whose background grows with `share`. */
function tinted(share: number, text: string, title: string, tint: 'good' | 'bad'): Html {
  return html`<td class="n tint ${tint}" style="--share:${(100 * share).toFixed(1)}%" title="${title}">
    ${text}
  </td>`;
}

function words(name: string): string {
  return name.replaceAll('_', ' ');
}

export function categoryTable(rows: readonly Row[]): Html {
  const categories = [...new Set(rows.flatMap((row) => Object.keys(row.byCategory)))];
  const head = categories.map(
    (category) =>
      html`<th scope="col" class="n">
        ${words(category)}<small
          >${rows.find((row) => row.byCategory[category])?.byCategory[category]?.total ?? 0}</small
        >
      </th>`,
  );
  const body = rows.map(
    (row) =>
      html`<tr>
        ${nameCell(row)}${categories.map((category) => {
          const cell = row.byCategory[category];
          if (cell === undefined || cell.total === 0) return html`<td class="n soft">–</td>`;
          const { low, high } = wilson(cell.correct, cell.total);
          const share = cell.correct / cell.total;
          const title = `${cell.correct} of ${cell.total}; 95% interval ${formatPercent(low)} to ${formatPercent(high)}`;
          return tinted(share, (100 * share).toFixed(0), title, 'good');
        })}
      </tr>`,
  );
  return html`<div class="scroll">
    <table class="matrix">
      <thead>
        <tr>
          <th scope="col">exact match, %</th>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

export function errorTable(rows: readonly Row[]): Html | undefined {
  const classes = [...new Set(rows.flatMap((row) => Object.keys(row.errors)))];
  if (classes.length === 0) return undefined;
  const body = rows.map(
    (row) =>
      html`<tr>
        ${nameCell(row)}${classes.map((name) => {
          const count = row.errors[name] ?? 0;
          const share = row.total === 0 ? 0 : count / row.total;
          return count === 0
            ? html`<td class="n soft">0</td>`
            : tinted(share, String(count), `${formatPercent(share)} of all answers`, 'bad');
        })}
        <td class="n soft">${row.total - row.correct}</td>
      </tr>`,
  );
  return html`<div class="scroll">
    <table class="matrix">
      <thead>
        <tr>
          <th scope="col">wrong answers</th>
          ${classes.map((name) => html`<th scope="col" class="n">${words(name)}</th>`)}
          <th scope="col" class="n">all</th>
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}
