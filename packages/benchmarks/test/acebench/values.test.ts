/**
 * Values of arguments, operations among them: Python 3.11's own word on what scripts/python-values.py made up (and which is under
 * tinystar's licence).
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeCalls } from '../../src/acebench/decode.ts';
import { repr } from '../../src/acebench/values.ts';

interface Row {
  readonly text: string;
  readonly value: string | null;
}

const file = fileURLToPath(new URL('../fixtures/python-values.jsonl.gz', import.meta.url));
const rows = gunzipSync(readFileSync(file))
  .toString('utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);

function valueOf(text: string): string | null {
  const calls = decodeCalls(`[f(x=${text})]`, '2025-10', false);
  const value = calls?.[0]?.arguments.get('x');
  return value === undefined ? null : repr(value);
}

test('arguments have the values that Python gives them', () => {
  const differing = rows.flatMap((row) => {
    const own = valueOf(row.text);
    return own === row.value ? [] : [{ ...row, own }];
  });
  expect(rows.length).toBeGreaterThan(1000);
  expect(differing).toEqual([]);
});
