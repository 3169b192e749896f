/** How models used functions, beside their accuracy: on another domain, and how close to their teacher. */
import type { EvalModelResult } from '../eval/formats.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { formatPercent, wilson } from './numbers.ts';

/** Tells whether an evaluation was one with functions. */
export function hasToolUse(models: readonly EvalModelResult[]): boolean {
  return models.some(({ transfer }) => transfer !== undefined);
}

/** Accuracy on transfer, as text; a dash where there is none. */
export function transferText({ transfer }: EvalModelResult): string {
  return transfer === undefined || transfer.total === 0
    ? '–'
    : formatPercent(transfer.correct / transfer.total);
}

/** The distance to the teacher's use of functions, as text; a dash where there is none. */
export function divergenceText({ toolDivergence }: EvalModelResult): string {
  return typeof toolDivergence === 'number' ? toolDivergence.toFixed(3) : '–';
}

/** Transfer, distance and the share of each function, or nothing when no model was asked to use any. */
export function toolTable(models: readonly EvalModelResult[]): Html | undefined {
  if (!hasToolUse(models)) return undefined;
  const names = [...new Set(models.flatMap(({ tools = {} }) => Object.keys(tools)))];
  const body = models.map((model) => {
    const { transfer = { total: 0, correct: 0 }, tools = {} } = model;
    const { low, high } = wilson(transfer.correct, transfer.total);
    const calls = Object.values(tools).reduce((sum, count) => sum + count, 0);
    return html`<tr>
      <th scope="row">${model.label}</th>
      <td class="n"><b>${transferText(model)}</b></td>
      <td class="n soft">${(100 * low).toFixed(1)} – ${(100 * high).toFixed(1)}</td>
      <td class="n">${divergenceText(model)}</td>
      <td class="n soft">${calls}</td>
      ${names.map(
        (name) =>
          html`<td class="n soft">${calls === 0 ? '–' : formatPercent((tools[name] ?? 0) / calls)}</td>`,
      )}
    </tr>`;
  });
  return html`<h3>Functions</h3>
    <p class="lead">
      Accuracy on problems of another domain, the Jensen-Shannon distance of the use of functions to the
      teacher's (0 is the same, 1 nothing in common), and each function's share of the calls.
    </p>
    <div class="scroll">
      <table class="matrix">
        <thead>
          <tr>
            <th scope="col">model</th>
            <th scope="col" class="n">transfer</th>
            <th scope="col" class="n">95% interval</th>
            <th scope="col" class="n">distance</th>
            <th scope="col" class="n">calls</th>
            ${names.map((name) => html`<th scope="col" class="n">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${body}
        </tbody>
      </table>
    </div>`;
}
