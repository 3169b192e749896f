/** What an evaluation on ACEBench prints at its end. */
import {
  type CategoryScore,
  type Scores,
  THINKING_REMARKS,
} from '../../packages/benchmarks/src/acebench/scores.ts';
import { formatPercent, intervalText } from '../report/numbers.ts';
import type { AcebenchOutcome } from '../../packages/benchmarks/src/acebench/session.ts';
import { faultLines, unaskedLine } from './benchmark-run.ts';
import type { Style } from './style.ts';
import { headedTable } from '../report/table.ts';

/** The table of scores, each beside what the official answers reach, and what there is to know about it. */
export function acebenchResult(outcome: AcebenchOutcome, style: Style): string {
  const { scores, faulty, thoughts, unasked } = outcome;
  return [
    heading(scores, style),
    scoreRows(scores, style),
    errorRows(scores, style),
    unaskedLine(unasked, style),
    thoughtLine(scores, thoughts, style),
    faultLines(faulty, style),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function heading({ model, sample, seed, revision, thinking, openThought }: Scores, style: Style): string {
  const remarks = [THINKING_REMARKS[thinking], openThought ? 'prompts ended with <think>' : ''];
  const remark = remarks.filter((part) => part !== '').join(', ');
  const title = `${style.bold('ACEBench')} English, revision ${revision}  ${model}${remark === '' ? '' : `, ${remark}`}\n`;
  if (sample === null) return title;
  return `${title}${style.bad('sample')} of at most ${sample} entries a category (seed ${seed}): not the official score\n`;
}

function scoreRow({ name, total, correct, accuracy, ceiling }: CategoryScore, style: Style): string[] {
  return [
    name,
    style.bold(formatPercent(accuracy)),
    style.dim(intervalText({ correct, total })),
    formatPercent(ceiling),
    style.dim(`${correct}/${total}`),
  ];
}

function scoreRows(scores: Scores, style: Style): string {
  const rows = (['normal', 'special'] as const).flatMap((kind) => {
    const own = scores.categories.filter((score) => score.kind === kind);
    if (own.length === 0) return [];
    const mean = scores[kind];
    const title = kind === 'normal' ? 'Normal' : 'Special';
    const sum =
      mean === null
        ? [style.bold(title), style.dim('incomplete'), '', '', '']
        : [
            style.bold(title),
            style.bold(formatPercent(mean.accuracy)),
            '',
            style.bold(formatPercent(mean.ceiling)),
            '',
          ];
    return [...own.map((score) => scoreRow(score, style)), sum];
  });
  const note = style.dim('ceiling: what the official answers themselves reach; dialogues count as one\n');
  return headedTable(['category', 'accuracy', '95% interval', 'ceiling', 'correct'], rows, style) + note;
}

function errorRows({ errors }: Scores, style: Style): string {
  const rows = Object.entries(errors).map(([error, count]) => [error, String(count)]);
  return rows.length === 0 ? '' : headedTable(['error', 'entries'], rows, style);
}

function thoughtLine({ thinking }: Scores, thoughts: number, style: Style): string {
  if (thoughts === 0 || thinking === 'strip') return '';
  const what = thoughts === 1 ? '1 reply holds thoughts' : `${thoughts} replies hold thoughts`;
  return `${style.bad('note')}: ${what}, which the official rules score with the rest; --thinking strip takes them off\n`;
}
