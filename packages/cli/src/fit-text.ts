/** The answer of a fit on a terminal: its tables. */
import { type Suite, STUDENT } from '../../fit/src/artefacts/card.ts';
import {
  confusionTable,
  functionTable,
  kindTable,
  riskTable,
  worstText,
} from '../../fit/src/acceptance/tables.ts';
import type { Style } from './terminal.ts';

/** Tables of models on a set of requests. */
export function answerText({ title, models, worst, risk }: Suite, style: Style): string {
  const student = models.findLast(({ label }) => label.startsWith(STUDENT)) ?? models.at(-1);
  const parts = [
    `${style.bold(title)}\n${kindTable(models, style)}`,
    ...(student === undefined
      ? []
      : [functionTable(student.scores, style), confusionTable(student.scores, style)]),
    risk.length === 0 ? '' : riskTable(risk, style),
    worst.length === 0 ? '' : `${style.bold('worst answers')}\n${worstText(worst, style)}`,
  ];
  return parts
    .filter((part) => part !== '')
    .map((part) => `\n${part}`)
    .join('');
}
