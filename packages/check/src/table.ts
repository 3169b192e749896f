/** The truth table as text. */
import type { Count } from '../../report/src/numbers.ts';
import { shortened } from '../../../src/base/errors.ts';
import { headedTable } from '../../report/src/table.ts';
import { type Checked, type Row } from './check.ts';
import { CLASSES, type DifferenceClass, FAILING } from './classify.ts';

/** Styles of a terminal. */
interface Look {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

/** Cases of a class that are shown in full. */
const MOST_SHOWN = 3;
/** Characters of calls that are shown. */
const BRIEF = 160;

const HEAD = ['runtime', 'prompts equal', 'tokens equal', 'calls equal', 'right', 'differences'];

const countText = (count: Count | undefined): string =>
  count === undefined ? '–' : `${count.correct}/${count.total}`;

/** Numbers of differences by class, the classes in their order. */
function classesOf({ differences }: Row): [DifferenceClass, number][] {
  const names = Object.keys(CLASSES) as DifferenceClass[];
  return names
    .map((name): [DifferenceClass, number] => [name, differences.filter((one) => one.class === name).length])
    .filter(([, count]) => count > 0);
}

const callsText = (calls: readonly unknown[]): string =>
  calls.length === 0 ? 'no call' : shortened(JSON.stringify(calls).slice(1, -1), BRIEF);

function rowText(row: Row, { dim }: Look): string[] {
  const { name, partings } = row;
  const lines: string[] = [];
  for (const { id, of, at, ours, theirs } of partings) {
    lines.push(`${name}: the prompt of ${id} differs from ${of === 'tokens' ? 'token' : 'byte'} ${at} on`);
    lines.push(`  tinystar ${ours}`, `  theirs   ${theirs}`);
  }
  for (const [found] of classesOf(row)) {
    // A prompt or tokens that differ are shown above; here it is what came of them.
    const isShown = found === 'template' || found === 'tokenizer';
    const of = row.differences.filter(
      ({ class: own, ours, theirs }) =>
        own === found && !(isShown && JSON.stringify(ours) === JSON.stringify(theirs)),
    );
    for (const { id, request, ours, theirs, fault } of of.slice(0, MOST_SHOWN)) {
      lines.push(`${name}: ${found} in ${id} ${dim(shortened(request, BRIEF))}`);
      lines.push(`  tinystar ${callsText(ours)}`, `  theirs   ${fault ?? callsText(theirs)}`);
    }
    if (of.length > MOST_SHOWN) lines.push(dim(`  and ${of.length - MOST_SHOWN} more`));
  }
  return lines;
}

/** Table, first differences, what is not there, and the verdict. */
export function checkText(checked: Checked, look: Look): string {
  const { cases, rows, missing, failing, constrained } = checked;
  const cells = rows.map((row) => [
    `${row.name} ${look.dim(row.about)}`,
    countText(row.prompts),
    countText(row.tokens),
    countText(row.calls),
    countText(row.right),
    classesOf(row)
      .map(([name, count]) => (FAILING.includes(name) ? look.bad : look.dim)(`${name} ${count}`))
      .join(', '),
  ]);
  const held = [`tinystar ${look.dim('calls obey schemas')}`, '', '', '', countText(constrained), ''];
  const named = rows.flatMap(classesOf).map(([name]) => name);
  const explained = (Object.keys(CLASSES) as DifferenceClass[]).filter((name) => named.includes(name));
  const others = rows.length - 1;
  const verdict =
    others === 0
      ? look.bad('No runtime is there to compare with.')
      : failing.length === 0
        ? look.good(
            `No runtime of ${others} makes another prompt or fewer calls than tinystar, in ${cases} cases.`,
          )
        : look.bad(
            `${failing.join(', ')}: another prompt, or fewer calls than tinystar makes; the check fails by it.`,
          );
  const sections = [
    headedTable(HEAD, [...cells.slice(0, 1), held, ...cells.slice(1)], look),
    explained.map((name) => look.dim(`${name}: ${CLASSES[name]}\n`)).join(''),
    rows
      .flatMap((row) => rowText(row, look))
      .map((line) => `${line}\n`)
      .join(''),
    missing.map(({ name, why }) => `not there: ${name}: ${why}\n`).join(''),
    `${look.bold(verdict)}\n`,
  ];
  return sections.filter((section) => section !== '').join('\n');
}
