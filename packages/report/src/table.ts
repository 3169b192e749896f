/** Tables: lines of text whose columns line up, also where cells are coloured; and the same shape as HTML. */
import { stripVTControlCharacters } from 'node:util';
import { type Content, element, html, type Html } from './html.ts';

export type Align = 'left' | 'right';

/** Characters that `text` takes on a terminal, escape codes aside. */
export function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

function padded(text: string, width: number, align: Align): string {
  const fill = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? fill + text : text + fill;
}

/** Lines with the cells of `rows` in columns; the columns that `align` does not name are left-aligned. */
export function table(rows: readonly (readonly string[])[], align: readonly Align[] = []): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => widthOf(row[i] ?? ''))),
  );
  const lines = rows.map((row) =>
    widths
      .map((width, i) => padded(row[i] ?? '', width, align[i] ?? 'left'))
      .join('  ')
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** `table` under a dim head; the columns that `left` does not count are right-aligned. */
export function headedTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { dim }: { readonly dim: (text: string) => string },
  left = 1,
): string {
  const align = head.map((_, i) => (i < left ? ('left' as const) : ('right' as const)));
  return table([head.map((title) => dim(title)), ...rows], align);
}

/** A cell with a look of its own. */
export interface Cell {
  readonly content: Content;
  readonly class?: string;
  readonly title?: string;
  readonly style?: string;
}

export interface Column {
  readonly head: Content;
  readonly class?: string;
  /** Left-aligned, as the first column is. */
  readonly left?: boolean;
}

export interface Row {
  readonly class?: string;
  /** The first one is the row's own head. */
  readonly cells: readonly (Cell | Content)[];
}

/** A cell in the colour of what matters less. */
export const soft = (content: Content): Cell => ({ content, class: 'soft' });

/** A name with a remark for the reader, if there is one. */
export const named = (name: string, remark = ''): Content => [
  name,
  remark !== '' && html` <span class="from">${remark}</span>`,
];

const isCell = (cell: Cell | Content): cell is Cell => typeof cell === 'object' && 'content' in cell;

/** A table of the page, with a class for its style; columns after the first are right-aligned. */
export function htmlTable(
  columns: readonly (Column | string)[],
  rows: readonly Row[],
  className?: string,
): Html {
  const known = columns.map((column): Column => (typeof column === 'string' ? { head: column } : column));
  const classOf = (i: number, own = ''): string => {
    const { left = i === 0, class: shared = '' } = known[i] ?? {};
    return [left ? '' : 'n', shared, own].filter(Boolean).join(' ');
  };
  const head = known.map((column, i) => element('th', { class: classOf(i), scope: 'col' }, column.head));
  const body = rows.map(({ class: rowClass, cells }) => {
    const shown = cells.map((cell, i) => {
      const { content, ...look } = isCell(cell) ? cell : { content: cell };
      const own = { class: classOf(i, look.class), style: look.style, title: look.title };
      return i === 0 ? element('th', { ...own, scope: 'row' }, content) : element('td', own, content);
    });
    return element('tr', { class: rowClass }, shown);
  });
  const parts = [element('thead', {}, element('tr', {}, head)), element('tbody', {}, body)];
  return element('div', { class: 'scroll' }, element('table', { class: className }, parts));
}
