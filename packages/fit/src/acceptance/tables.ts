/** The answer as tables of text: models side by side by kind of request, the student by function, what it confuses, the worst. */
import { dumps } from '../../../../src/json/dumps.ts';
import { type Count, formatPercent, intervalText, shareOf } from '../../../report/src/numbers.ts';
import { headedTable } from '../../../report/src/table.ts';
import { shortened } from '../../../../src/base/errors.ts';
import type { Answered } from './answers.ts';
import type { RiskPoint } from './confidence.ts';
import type { Scores } from './scores.ts';

/** Looks of text, as of a terminal. */
export interface Looks {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

export interface Labelled {
  readonly label: string;
  readonly scores: Scores;
}

const cell = (count: Count | undefined, { dim }: Looks): string =>
  count === undefined || count.total === 0
    ? ''
    : `${formatPercent(shareOf(count))} ${dim(`(${intervalText(count)})`)}`;

/** Models side by side, one row a kind of request. */
export function kindTable(models: readonly Labelled[], looks: Looks): string {
  const [first] = models;
  const kinds = first?.scores.kinds.map(({ kind }) => kind) ?? [];
  const row = (name: string, of: (scores: Scores) => Count | undefined): string[] => {
    const counts = models.map(({ scores }) => of(scores));
    return [name, String(counts[0]?.total ?? 0), ...counts.map((count) => cell(count, looks))];
  };
  return headedTable(
    ['requests', '', ...models.map(({ label }) => label)],
    [
      row(looks.bold('all'), ({ all }) => all),
      ...kinds.map((name) => row(name, ({ kinds: own }) => own.find(({ kind }) => kind === name))),
      row('a call made where one is due', ({ willing }) => willing),
      row('no call made where none is due', ({ restrained }) => restrained),
    ],
    looks,
  );
}

/** Calls of each function: the right ones of those that were due. */
export function functionTable({ functions }: Scores, looks: Looks): string {
  return headedTable(
    ['function', 'calls due', 'right', '95% interval', 'called wrongly', 'instead of it'],
    functions.map((score) => [
      score.name,
      String(score.total),
      score.total === 0 ? '' : looks.bold(formatPercent(shareOf(score))),
      score.total === 0 ? '' : looks.dim(intervalText(score)),
      score.stray === 0 ? '' : String(score.stray),
      score.instead,
    ]),
    looks,
  );
}

/** Confusions that the tables show. */
const CONFUSIONS = 8;

export function confusionTable({ confusions }: Scores, looks: Looks): string {
  if (confusions.length === 0) return '';
  return headedTable(
    ['due', 'called', 'times'],
    confusions
      .slice(0, CONFUSIONS)
      .map(({ wanted, made, count }) => [wanted || 'no call', made || 'no call', String(count)]),
    looks,
    2,
  );
}

/** Calls, or words, as one line. */
const callsText = (
  calls: readonly { readonly name: string; readonly arguments: string }[],
  words: string,
): string =>
  calls.length === 0
    ? `words: ${words}`
    : calls.map(({ name, arguments: given }) => `${name} ${given}`).join('; ');

/** Characters of what a model wrote that a line shows. */
const SHOWN = 300;

/** Wrong answers in full: the request, what was due, what came. */
export function worstText(worst: readonly Answered[], { bold, dim }: Looks): string {
  return worst
    .map(({ case: { request, calls, reply, kind }, output, error = '', calls: made }) => {
      const due = callsText(
        calls.map(({ name, arguments: given }) => ({ name, arguments: JSON.stringify(given) })),
        reply,
      );
      const got = callsText(
        made.map(({ name, arguments: given }) => ({ name, arguments: dumps(given) })),
        shortened(output.replaceAll(/[\s\p{C}]+/gu, ' ').trim(), SHOWN),
      );
      return `${bold(request)}  ${dim(`${kind}, ${error.replaceAll('_', ' ')}`)}\n  due   ${due}\n  made  ${got}\n`;
    })
    .join('');
}

/** Thresholds of confidence with what is kept above them. */
export function riskTable(points: readonly RiskPoint[], looks: Looks): string {
  return headedTable(
    ['--abstain', 'calls kept', 'of all calls', 'wrong of those'],
    points.map(({ threshold, kept, coverage, risk }) => [
      threshold.toFixed(2),
      String(kept),
      formatPercent(coverage),
      formatPercent(risk),
    ]),
    looks,
  );
}
