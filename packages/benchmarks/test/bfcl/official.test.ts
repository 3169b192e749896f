/**
 * Answers that scripts/official-bfcl.py made up, with the verdicts of the official program on them. The functions and answers were written
 * for tinystar and are under its licence; of the benchmark they hold the names of errors alone.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { isCategory } from '../../src/bfcl/categories.ts';
import type { Entry } from '../../src/bfcl/entries.ts';
import { readMultiTurnEntry } from '../../src/bfcl/multi-turn/index.ts';
import { judge, readResponse } from '../../src/bfcl/verdicts.ts';
import { parseJson } from '../../../../src/json/parse.ts';
import type { PyDict } from '../../../../src/json/python.ts';
import { asText } from './shared.ts';

const file = fileURLToPath(new URL('../fixtures/bfcl-official.jsonl.gz', import.meta.url));
const rows = gunzipSync(readFileSync(file))
  .toString('utf8')
  .trimEnd()
  .split('\n')
  .map((line) => parseJson(line) as PyDict);

function entryOf(row: PyDict): Entry {
  const [id, category] = [asText(row.get('id')), asText(row.get('category'))];
  if (!isCategory(category)) throw new Error(`${category} is no category`);
  const base = { id, category, turns: [] };
  if (category === 'multi_turn_base') {
    const simulated = readMultiTurnEntry(row, row, undefined);
    return { ...base, kind: 'multi', functions: [], heldBack: new Map(), simulated };
  }
  const [functions, answers] = [row.get('function') as PyDict[], row.get('ground_truth') as PyDict[]];
  return { ...base, kind: 'single', functions, answers };
}

test.each([
  ['listed', 'lists of function-calling services'],
  ['typed', 'values of Java and JavaScript'],
  ['texted', 'texts of a local model, and null'],
  ['flight', 'dates that are lists and dicts'],
])('official verdicts agree: %s, %s', (kind) => {
  const own = rows.filter((row) => row.get('kind') === kind);
  const differing = own.flatMap((row) => {
    const entry = entryOf(row);
    const { error } = judge(entry, readResponse(entry, row.get('result') ?? null), 'v3');
    return error === row.get('error') ? [] : [{ error, row }];
  });
  expect(own.length).toBeGreaterThan(100);
  expect(new Set(own.map((row) => row.get('error'))).size).toBeGreaterThan(1);
  expect(differing).toEqual([]);
});
