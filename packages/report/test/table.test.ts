import { expect, test } from 'vitest';
import { styleFor } from '../../cli/src/terminal.ts';
import { headedTable, htmlTable, soft, table } from '../src/table.ts';

test('columns line up, also where cells are coloured or missing', () => {
  const style = styleFor({ isTTY: true }, {});
  const text = table([['a', '1'], [style.bold('long'), '22'], ['–']], ['left', 'right']);
  expect(text).toBe(`a      1\n${style.bold('long')}  22\n–\n`);
});

test('an empty table is nothing', () => {
  expect(table([])).toBe('');
});

test('a head is dim, and what stands right of the first columns is right-aligned', () => {
  const style = styleFor({ isTTY: true }, {});
  const text = headedTable(['model', 'seed', 'mean'], [['a', '1', '5']], style, 2);
  expect(text).toBe(`${style.dim('model')}  ${style.dim('seed')}  ${style.dim('mean')}\na      1        5\n`);
});

test('a table of the page names its rows and columns, and escapes what is in them', () => {
  const columns = ['model', { head: 'kind', left: true }, 'mean'];
  const cells = ['<b>', 'x', soft('"5"')];
  const title = '"quoted"';
  expect(
    htmlTable(columns, [{ class: 'own', cells }, { cells: ['y', { content: 1, title }] }], 'few').html,
  ).toBe(
    '<div class="scroll"><table class="few"><thead><tr><th scope="col">model</th><th scope="col">kind</th>' +
      '<th class="n" scope="col">mean</th></tr></thead><tbody><tr class="own"><th scope="row">&lt;b&gt;</th>' +
      '<td>x</td><td class="n soft">&quot;5&quot;</td></tr>' +
      '<tr><th scope="row">y</th><td title="&quot;quoted&quot;">1</td></tr></tbody></table></div>',
  );
});
