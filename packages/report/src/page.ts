/** The report of a run as one page that needs nothing but itself: head, comparison, samples, curves, recipe. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../../../src/base/files.ts';
import { benchmarkSection } from './benchmarks.ts';
import {
  categoryTable,
  compare,
  type Comparison,
  errorTable,
  overallTable,
  toolTable,
} from './comparison.ts';
import { curveSection } from './curves.ts';
import { type Content, html, type Html, trusted } from './html.ts';
import {
  formatCount,
  formatDuration,
  formatPercent,
  intervalText,
  pointsText,
  shareOf,
  sum,
} from './numbers.ts';
import { readRun, type RunRecord } from './read.ts';
import { drawnSamples, evalSamples } from './samples.ts';
import { SCRIPT } from './script.ts';
import { htmlTable } from './table.ts';

const STYLE = new URL('page.css', import.meta.url);

/** Writes `report.html` into the folder of a run and returns its path. */
export async function writeReport(folder: string): Promise<string> {
  const path = join(folder, 'report.html');
  writeAtomic(path, (await pageOf(await readRun(folder))).html);
  return path;
}

async function pageOf(run: RunRecord): Promise<Html> {
  const compared = await Promise.all(run.evaluations.map((evaluation) => compare(run, evaluation)));
  const curves = run.stages.flatMap((stage) => curveSection(stage) ?? []);
  const drawn = [...run.samples].map(([stage, samples]) => {
    const kind = run.stages.find(({ name }) => name === stage)?.kind ?? '';
    return drawnSamples(stage, kind, samples);
  });
  const notes = [...run.notes, ...compared.flatMap((one) => one.notes)];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${run.name} · tinystar</title>
        <style>
          ${trusted(readFileSync(STYLE, 'utf8'))}
        </style>
      </head>
      <body>
        <main>
          ${head(run)} ${compared.map((one) => figures(one, run))}
          ${compared.map((one) => resultSection(one, run))} ${await benchmarkSection(run.folder)}
          ${part('Stages', 'stages', run.stages, stageTable(run))}
          ${part('Curves', 'curves', curves, [CURVES_LEAD, curves])}
          ${part('Drawn while training', 'drawn', drawn, drawn)}
          ${part('Recipe', 'recipe', run.recipeText, recipeBlock(run))}
          ${part(
            'Notes',
            'notes',
            notes,
            html`<ul class="notes">
              ${notes.map((note) => html`<li>${note}</li>`)}
            </ul>`,
          )}
          <footer>
            Made by tinystar${run.machine === undefined ? '' : ` ${run.machine.version}`}. This file needs
            nothing but itself.
          </footer>
        </main>
        <script>
          ${trusted(SCRIPT)};
        </script>
      </body>
    </html> `;
}

const CURVES_LEAD = html`<p class="lead">
  Faint: what each step measured. Strong: the trend. The numbers are means over the last tenth of the steps;
  point at a plot to read a step.
</p>`;

/** A part of the page; undefined where there is nothing to show. */
function part(
  title: string,
  id: string,
  shown: string | readonly unknown[],
  content: Content,
): Html | undefined {
  if (shown.length === 0) return undefined;
  return html`<h2 id="${id}">${title}</h2>
    ${content}`;
}

function head(run: RunRecord): Html {
  const { machine, stages, recipe } = run;
  const seconds = sum(stages.map((stage) => stage.seconds));
  const tokens = sum(stages.map((stage) => stage.tokens ?? 0));
  const counted = tokens > 0 ? `, ${formatCount(tokens)} tokens` : '';
  const facts = {
    when: machine && `${machine.started.slice(0, 16).replace('T', ' ')} UTC`,
    'how long': seconds > 0 ? formatDuration(seconds) + counted : undefined,
    machine:
      machine &&
      `${machine.processor}, ${machine.cores} cores, ${formatCount(machine.memory_gb)} GB; ${machine.system}`,
    device: machine?.device ?? recipe?.device,
    software: machine && `tinystar ${machine.version}, Node.js ${machine.node}`,
    seed: recipe?.seed,
    command: machine?.command,
  };
  const shown = Object.entries(facts).filter(([, value]) => value !== undefined);
  return html`<header class="top">
    <p class="brand">tinystar <span>run report</span></p>
    <h1>${run.name}</h1>
    <dl class="facts">
      ${shown.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </header>`;
}

/** The run in a line of large numbers. */
function figures({ base, student, teacher }: Comparison, run: RunRecord): Html | undefined {
  if (student === undefined) return undefined;
  const share = shareOf(student);
  const seconds = sum(run.stages.map((stage) => stage.seconds));
  const items: [value: string, name: string, detail: string][] = [
    [formatPercent(share), `${student.label}, exact match`, `95% interval ${intervalText(student)}`],
  ];
  if (base !== undefined && base !== student) {
    const from = shareOf(base);
    items.push([pointsText(share - from), `points over ${base.label}`, `which has ${formatPercent(from)}`]);
  }
  if (teacher !== undefined && teacher.correct > 0) {
    const level = shareOf(teacher);
    const reached = `${(100 * (share / level)).toFixed(0)}%`;
    items.push([reached, `of ${teacher.label}`, `which has ${formatPercent(level)}`]);
  }
  if (seconds > 0) {
    const stages = `${run.recipe?.stages.length ?? run.stages.length} stages`;
    items.push([formatDuration(seconds), 'from start to end', stages]);
  }
  return html`<div class="figures">
    ${items.map(
      ([value, name, detail]) => html`<div><b>${value}</b><span>${name}</span><small>${detail}</small></div>`,
    )}
  </div>`;
}

function resultSection(comparison: Comparison, run: RunRecord): Html {
  const { results, evaluation } = comparison;
  const title = run.evaluations.length > 1 ? `Results: ${evaluation.stage}` : 'Results';
  const errors = errorTable(results);
  return html`<section id="${evaluation.stage}">
    <h2>${title}</h2>
    ${overallTable(results)} ${toolTable(evaluation.models)}
    <h3>By category</h3>
    ${categoryTable(results)} ${errors !== undefined && [html`<h3>What went wrong</h3>`, errors]}
    ${answers(comparison)}
  </section>`;
}

function answers({ evaluation, results, ...models }: Comparison): Html | undefined {
  const { base: before = results[0], student: after = results.at(-1) } = models;
  if (evaluation.samples.length === 0 || before === undefined || after === undefined) return undefined;
  return html`<h3>Before and after</h3>
    <p class="lead">
      Held-out requests, answered by ${before.label} and by ${after.label}: first some that were learnt, then
      some that are still wrong.
    </p>
    ${evalSamples(evaluation, before.label, after.label)}`;
}

function stageTable({ stages, recipe }: RunRecord): Html {
  const rows = stages.map((stage) => {
    const declared = recipe?.stages.find(({ name }) => name === stage.name);
    const model = declared !== undefined && 'model' in declared ? declared.model : '';
    const last = stage.steps.at(-1)?.step ?? 0;
    const planned = last === stage.total ? '' : html` <span class="soft">of ${stage.total}</span>`;
    const tokens = stage.tokens === undefined ? '–' : formatCount(stage.tokens);
    return { cells: [stage.name, stage.kind, model, [last, planned], tokens, formatDuration(stage.seconds)] };
  });
  const left = ['kind', 'starts from'].map((head) => ({ head, left: true }));
  return htmlTable(['stage', ...left, 'steps', 'tokens', 'time'], rows);
}

/** The recipe, with its keys set apart. */
function recipeBlock({ name, recipeText }: RunRecord): Html {
  const lines = recipeText.split('\n').map((line) => {
    const [, indent = '', key, rest = ''] = /^(\s*(?:- )?)([^\s:#][^:]*:)(.*)$/.exec(line) ?? [];
    return key === undefined ? `${line}\n` : html`${indent}<i>${key}</i>${rest}${'\n'}`;
  });
  return html`<details class="block">
    <summary>${name}, with every default filled in</summary>
    <pre class="yaml">${lines}</pre>
  </details>`;
}
