/** The report as one page: head, comparison, samples, curves, recipe. */
import { benchmarkSection } from './benchmarks.ts';
import { categoryTable, compare, errorTable, overallTable } from './comparison.ts';
import type { Comparison } from './comparison.ts';
import { curveSection } from './curves.ts';
import { html, trusted } from './html.ts';
import type { Html } from './html.ts';
import { protagonists } from './lineage.ts';
import type { Protagonists } from './lineage.ts';
import { formatCount, formatDuration, formatPercent, wilson } from './numbers.ts';
import type { Evaluation, RunRecord, StageLog } from './read.ts';
import { drawnSamples, evalSamples } from './samples.ts';
import { SCRIPT, STYLE } from './style.ts';
import { toolTable } from './tool-use.ts';

interface Compared extends Comparison {
  readonly evaluation: Evaluation;
  readonly cast: Protagonists;
}

/** The whole page of `run`. */
export async function reportPage(run: RunRecord): Promise<string> {
  const compared: Compared[] = [];
  for (const evaluation of run.evaluations) {
    const comparison = await compare(run, evaluation);
    compared.push({ ...comparison, evaluation, cast: protagonists(run.recipe, comparison.rows) });
  }
  const curves = run.stages.flatMap((stage) => curveSection(stage) ?? []);
  const drawn = [...run.samples].map(([stage, samples]) => {
    const kind = run.stages.find(({ name }) => name === stage)?.kind ?? '';
    return drawnSamples(stage, kind, samples);
  });
  const notes = [...run.notes, ...compared.flatMap((one) => one.notes)];
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${run.name} · tinystar</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body>
        <main>
          ${head(run)} ${compared.map(({ cast }) => figures(cast, run))}
          ${compared.map((one) => results(one, run))} ${benchmarkSection(run.folder)} ${stageTable(run)}
          ${
            curves.length === 0
              ? undefined
              : html`<h2 id="curves">Curves</h2>
                  <p class="lead">
                    Faint: what each step measured. Strong: the trend. The numbers are means over the last
                    tenth of the steps; point at a plot to read a step.
                  </p>
                  ${curves}`
          }
          ${
            drawn.length === 0
              ? undefined
              : html`<h2 id="drawn">Drawn while training</h2>
                  ${drawn}`
          }
          ${
            run.recipeText === ''
              ? undefined
              : html`<h2 id="recipe">Recipe</h2>
                  <details class="block">
                    <summary>${run.name}, with every default filled in</summary>
                    <pre class="yaml">${yamlLines(run.recipeText)}</pre>
                  </details>`
          }
          ${
            notes.length === 0
              ? undefined
              : html`<h2>Notes</h2>
                  <ul class="notes">
                    ${notes.map((note) => html`<li>${note}</li>`)}
                  </ul>`
          }
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
  return page.html;
}

function total(stages: readonly StageLog[], pick: (stage: StageLog) => number | undefined): number {
  return stages.reduce((sum, stage) => sum + (pick(stage) ?? 0), 0);
}

function head(run: RunRecord): Html {
  const { machine, stages, recipe } = run;
  const seconds = total(stages, (stage) => stage.seconds);
  const tokens = total(stages, (stage) => stage.tokens);
  const facts: [string, string | undefined][] = [
    ['when', machine === undefined ? undefined : `${machine.started.slice(0, 16).replace('T', ' ')} UTC`],
    [
      'how long',
      seconds > 0
        ? `${formatDuration(seconds)}${tokens > 0 ? `, ${formatCount(tokens)} tokens` : ''}`
        : undefined,
    ],
    [
      'machine',
      machine === undefined
        ? undefined
        : `${machine.processor}, ${machine.cores} cores, ${formatCount(machine.memory_gb)} GB; ${machine.system}`,
    ],
    ['device', machine?.device ?? recipe?.device],
    ['software', machine === undefined ? undefined : `tinystar ${machine.version}, Node.js ${machine.node}`],
    ['seed', recipe === undefined ? undefined : String(recipe.seed)],
    ['command', machine?.command],
  ];
  return html`<header class="top">
    <p class="brand">tinystar <span>run report</span></p>
    <h1>${run.name}</h1>
    <dl class="facts">
      ${facts.map(([name, value]) =>
        value === undefined
          ? undefined
          : html`<div>
              <dt>${name}</dt>
              <dd>${value}</dd>
            </div>`,
      )}
    </dl>
  </header>`;
}

function figure(value: string, name: string, detail: string): Html {
  return html`<div><b>${value}</b><span>${name}</span><small>${detail}</small></div>`;
}

/** The run in a line of large numbers. */
function figures({ base, student, teacher }: Protagonists, run: RunRecord): Html | undefined {
  if (student === undefined) return undefined;
  const share = student.correct / student.total;
  const { low, high } = wilson(student.correct, student.total);
  const items = [
    figure(
      formatPercent(share),
      `${student.label}, exact match`,
      `95% interval ${(100 * low).toFixed(1)} – ${(100 * high).toFixed(1)}`,
    ),
  ];
  if (base !== undefined && base !== student) {
    const from = base.correct / base.total;
    const gain = 100 * (share - from);
    items.push(
      figure(
        `${gain < 0 ? '−' : '+'}${Math.abs(gain).toFixed(1)}`,
        `points over ${base.label}`,
        `which has ${formatPercent(from)}`,
      ),
    );
  }
  if (teacher !== undefined && teacher.correct > 0) {
    const level = teacher.correct / teacher.total;
    items.push(
      figure(
        `${(100 * (share / level)).toFixed(0)}%`,
        `of ${teacher.label}`,
        `which has ${formatPercent(level)}`,
      ),
    );
  }
  const seconds = total(run.stages, (stage) => stage.seconds);
  if (seconds > 0)
    items.push(
      figure(
        formatDuration(seconds),
        'from start to end',
        `${run.recipe?.stages.length ?? run.stages.length} stages`,
      ),
    );
  return html`<div class="figures">${items}</div>`;
}

function results({ rows, evaluation, cast }: Compared, run: RunRecord): Html {
  const [before, after] = [cast.base ?? rows[0], cast.student ?? rows.at(-1)];
  const title = run.evaluations.length > 1 ? `Results: ${evaluation.stage}` : 'Results';
  const samples =
    evaluation.samples.length === 0 || before === undefined || after === undefined
      ? undefined
      : html`<h3>Before and after</h3>
          <p class="lead">
            Held-out requests, answered by ${before.label} and by ${after.label}: first some that were learnt,
            then some that are still wrong.
          </p>
          ${evalSamples(
            evaluation.samples,
            evaluation.models.map(({ label }) => label),
            before.label,
            after.label,
          )}`;
  const errors = errorTable(rows);
  return html`<section id="${evaluation.stage}">
    <h2>${title}</h2>
    ${overallTable(rows)} ${toolTable(evaluation.models)}
    <h3>By category</h3>
    ${categoryTable(rows)}${
      errors === undefined
        ? undefined
        : html`<h3>What went wrong</h3>
            ${errors}`
    }${samples}
  </section>`;
}

function stageTable(run: RunRecord): Html | undefined {
  if (run.stages.length === 0) return undefined;
  const rows = run.stages.map((stage) => {
    const declared = run.recipe?.stages.find(({ name }) => name === stage.name);
    const model = declared !== undefined && 'model' in declared ? declared.model : undefined;
    const last = stage.steps.at(-1)?.step ?? 0;
    return html`<tr>
      <th scope="row">${stage.name}</th>
      <td>${stage.kind}</td>
      <td>${model ?? ''}</td>
      <td class="n">
        ${last}${last === stage.total ? '' : html` <span class="soft">of ${stage.total}</span>`}
      </td>
      <td class="n">${stage.tokens === undefined ? '–' : formatCount(stage.tokens)}</td>
      <td class="n">${formatDuration(stage.seconds)}</td>
    </tr>`;
  });
  return html`<h2 id="stages">Stages</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">stage</th>
            <th scope="col">kind</th>
            <th scope="col">starts from</th>
            <th scope="col" class="n">steps</th>
            <th scope="col" class="n">tokens</th>
            <th scope="col" class="n">time</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}

/** YAML with its keys set apart. */
function yamlLines(text: string): Html[] {
  return text.split('\n').map((line) => {
    const [, indent = '', key, rest = ''] = /^(\s*(?:- )?)([^\s:#][^:]*:)(.*)$/.exec(line) ?? [];
    return key === undefined ? html`${line} ` : html`${indent}<i>${key}</i>${rest} `;
  });
}
