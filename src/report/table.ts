/** Tables of text whose columns line up, also where cells are coloured. */
import { stripVTControlCharacters } from 'node:util';

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
