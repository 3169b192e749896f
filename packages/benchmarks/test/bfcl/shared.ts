/** BFCL v3's data and the official verdicts, which are kept compressed in test/golden. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { afterAll } from 'vitest';
import { parseJson } from '../../../../src/json/parse.ts';
import { isDict, type PyDict, type PyValue } from '../../../../src/json/python.ts';

/** Lines of a file of test/golden. */
export function goldenLines(name: string): string[] {
  const packed = readFileSync(new URL(`../golden/${name}.jsonl.br`, import.meta.url));
  return brotliDecompressSync(packed).toString('utf8').trimEnd().split('\n');
}

/** BFCL v3 in the official layout, unpacked for the test file that asks for it. */
export const DATA = mkdtempSync(join(tmpdir(), 'bfcl-v3-'));
afterAll(() => rmSync(DATA, { recursive: true, force: true }));
for (const line of goldenLines('bfcl-v3')) {
  const { path, text } = JSON.parse(line) as { readonly path: string; readonly text: string };
  mkdirSync(join(DATA, dirname(path)), { recursive: true });
  writeFileSync(join(DATA, path), text);
}

/** The rows of a golden file. */
export function golden(name: string): PyDict[] {
  return goldenLines(name).map((line) => {
    const row = parseJson(line);
    if (!isDict(row)) throw new Error(`a row of ${name} is no object`);
    return row;
  });
}

/** A value of a row that is text. */
export function asText(value: PyValue | undefined): string {
  if (typeof value !== 'string') throw new Error('a text is expected');
  return value;
}
