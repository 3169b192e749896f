import { expect, test } from 'vitest';
import { styleFor } from '../../src/cli/style.ts';
import { table } from '../../src/report/table.ts';

test('columns line up, also where cells are coloured or missing', () => {
  const style = styleFor({ isTTY: true }, {});
  const text = table([['a', '1'], [style.bold('long'), '22'], ['–']], ['left', 'right']);
  expect(text).toBe(`a      1\n${style.bold('long')}  22\n–\n`);
});

test('an empty table is nothing', () => {
  expect(table([])).toBe('');
});
