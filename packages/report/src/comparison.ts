/** The models side by side: overall with intervals, by category, what the errors were, and which functions were used. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { EvalModelResult } from '../../../src/eval/formats.ts';
import type { Recipe } from '../../../src/recipe/schema.ts';
import { kindOf } from '../../../src/stages/index.ts';
import { type Html, html } from './html.ts';
import { formatPercent, intervalText, shareOf, sum, wilson } from './numbers.ts';
import { type Evaluation, readRun, type RunRecord } from './read.ts';
import { type Cell, htmlTable, named, soft } from './table.ts';

export interface Result extends EvalModelResult {
  /** The run it comes from, when that is another one. */
  readonly from: string | undefined;
  /** Tells whether it is the model that its run hands over. */
  readonly exported: boolean;
}

export type Comparison = Awaited<ReturnType<typeof compare>>;

const resultsOf = ({ recipe }: RunRecord, models: readonly EvalModelResult[], from?: string): Result[] =>
  models.map((model) => ({ ...model, from, exported: model.ref === recipe?.export?.model }));

/** The results of an evaluation, and of those of the runs that the recipe compares with, where the test is the same. */
export async function compare(run: RunRecord, evaluation: Evaluation) {
  const results = resultsOf(run, evaluation.models);
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
    const models = other.evaluations.flatMap((one) => one.models);
    for (const one of resultsOf(other, models, name)) {
      const { label, correct, total } = one;
      const isKnown = results.some((own) => own.label === label && own.correct === correct);
      if (total === results[0]?.total && !isKnown) results.push(one);
    }
  }
  return { evaluation, results, notes, ...modelsOf(run.recipe, results) };
}

/** Model references from `ref` back to the checkpoint that it began as. */
function ancestry(recipe: Recipe, ref: string): string[] {
  const stage = recipe.stages.find(({ name }) => name === ref);
  return stage === undefined || !('model' in stage) ? [ref] : [ref, ...ancestry(recipe, stage.model)];
}

/** The results that the report's head speaks of: the student, the base that it began as, and its teacher. */
function modelsOf(recipe: Recipe | undefined, results: readonly Result[]) {
  const exported = recipe?.export?.model;
  // A recipe that exports nothing has none.
  if (recipe === undefined || exported === undefined) return {};
  const find = (ref: string | undefined): Result | undefined =>
    results.find((one) => one.from === undefined && one.ref === ref);
  const chain = ancestry(recipe, exported);
  const data = recipe.stages.flatMap((stage) =>
    chain.includes(stage.name) && 'data' in stage ? stage.data : [],
  );
  const source = recipe.stages.find((stage) => data.includes(stage.name));
  // A teacher that is served elsewhere has no row.
  const isOwn = source !== undefined && kindOf(source).makes === 'rollouts' && !('teacher' in source);
  const teacher = isOwn && 'model' in source ? find(source.model) : undefined;
  return { base: find(chain.at(-1)), student: find(exported), teacher };
}

/** A share as the table shows it: a bar with the interval as a whisker. */
function bar(result: Result): Html {
  const { low, high } = wilson(result.correct, result.total);
  const percent = (value: number): string => `${(100 * value).toFixed(2)}%`;
  return html`<div class="bar">
    <i style="width:${percent(shareOf(result))}"></i
    ><u style="left:${percent(low)};width:${percent(high - low)}"></u>
  </div>`;
}

export function overallTable(results: readonly Result[]): Html {
  const columns = [
    'model',
    { head: 'exact match on the held-out split', left: true, class: 'wide' },
    '',
    '95% interval',
    'correct',
    'mean tokens',
  ];
  const rows = results.map((result) => ({
    class: result.exported ? 'own' : '',
    cells: [
      named(result.label, result.from),
      bar(result),
      html`<b>${formatPercent(shareOf(result))}</b>`,
      soft(intervalText(result)),
      soft(`${result.correct} / ${result.total}`),
      soft(result.meanTokens?.toFixed(1) ?? '–'),
    ],
  }));
  return htmlTable(columns, rows, 'overall');
}

/** A cell whose background grows with `share`. */
function tinted(share: number, content: string, title: string, tint: 'good' | 'bad'): Cell {
  return { content, class: `tint ${tint}`, style: `--share:${(100 * share).toFixed(1)}%`, title };
}

const words = (name: string): string => name.replaceAll('_', ' ');

/** Names that any of the records has, in the order in which they first appear. */
const namesIn = (records: readonly Readonly<Record<string, unknown>>[]): string[] => [
  ...new Set(records.flatMap((record) => Object.keys(record))),
];

export function categoryTable(results: readonly Result[]): Html {
  const categories = namesIn(results.map(({ byCategory }) => byCategory));
  const columns = categories.map((category) => {
    const total = results.find(({ byCategory }) => byCategory[category])?.byCategory[category]?.total ?? 0;
    return { head: [words(category), html`<small>${total}</small>`] };
  });
  const cellOf = (result: Result, category: string): Cell => {
    const count = result.byCategory[category];
    if (count === undefined || count.total === 0) return soft('–');
    const { low, high } = wilson(count.correct, count.total);
    const title = `${count.correct} of ${count.total}; 95% interval ${formatPercent(low)} to ${formatPercent(high)}`;
    return tinted(shareOf(count), (100 * shareOf(count)).toFixed(0), title, 'good');
  };
  const rows = results.map((result) => ({
    cells: [named(result.label, result.from), ...categories.map((category) => cellOf(result, category))],
  }));
  return htmlTable(['exact match, %', ...columns], rows, 'matrix');
}

export function errorTable(results: readonly Result[]): Html | undefined {
  const classes = namesIn(results.map(({ errors }) => errors));
  if (classes.length === 0) return undefined;
  const cellOf = ({ errors, total }: Result, name: string): Cell => {
    const correct = errors[name] ?? 0;
    if (correct === 0) return soft('0');
    const share = shareOf({ correct, total });
    return tinted(share, String(correct), `${formatPercent(share)} of all answers`, 'bad');
  };
  const rows = results.map((result) => ({
    cells: [
      named(result.label, result.from),
      ...classes.map((name) => cellOf(result, name)),
      soft(result.total - result.correct),
    ],
  }));
  return htmlTable(['wrong answers', ...classes.map(words), 'all'], rows, 'matrix');
}

/** Tells whether an evaluation was one with functions. */
export function hasToolUse(models: readonly EvalModelResult[]): boolean {
  return models.some(({ transfer }) => transfer !== undefined);
}

/** Accuracy on problems of another domain, and the distance to the teacher's use of functions; dashes where there are none. */
export const toolTexts = ({ transfer, toolDivergence }: EvalModelResult): readonly [string, string] => [
  transfer === undefined || transfer.total === 0 ? '–' : formatPercent(shareOf(transfer)),
  toolDivergence?.toFixed(3) ?? '–',
];

/** Transfer, distance and the share of each function, or nothing when no model was asked to use any. */
export function toolTable(models: readonly EvalModelResult[]): Html | undefined {
  if (!hasToolUse(models)) return undefined;
  const names = namesIn(models.map(({ tools = {} }) => tools));
  const rows = models.map((model) => {
    const { transfer = { total: 0, correct: 0 }, tools = {} } = model;
    const calls = sum(Object.values(tools));
    const share = (name: string): string => (calls === 0 ? '–' : formatPercent((tools[name] ?? 0) / calls));
    const [right, distance] = toolTexts(model);
    return {
      cells: [
        model.label,
        html`<b>${right}</b>`,
        soft(intervalText(transfer)),
        distance,
        soft(calls),
        ...names.map((name) => soft(share(name))),
      ],
    };
  });
  return html`<h3>Functions</h3>
    <p class="lead">
      Accuracy on problems of another domain, the Jensen-Shannon distance of the use of functions to the
      teacher's (0 is the same, 1 nothing in common), and each function's share of the calls.
    </p>
    ${htmlTable(['model', 'transfer', '95% interval', 'distance', 'calls', ...names], rows, 'matrix')}`;
}
