/** The official data and verdicts, where they lie beside the repository. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parseJson } from '../../../../src/json/parse.ts';
import { isDict, type PyDict, type PyValue } from '../../../../src/json/python.ts';

const shared = new URL('../../../../../shared/', import.meta.url);

/** BFCL v3 in the official layout. */
export const DATA = fileURLToPath(new URL('data/bfcl-v3', shared));

const goldenPath = (name: string): string => fileURLToPath(new URL(`golden/${name}.jsonl.gz`, shared));

/** Whether data and this golden file are there. */
export function hasGolden(name: string): boolean {
  return existsSync(DATA) && existsSync(goldenPath(name));
}

/** The rows of a golden file. */
export function golden(name: string): PyDict[] {
  const lines = gunzipSync(readFileSync(goldenPath(name)))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => {
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
