/** Files of records of which only the places are in memory. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { RecordFile } from '../../src/data/reading.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-records-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const record = (id: string, words: string): string =>
  JSON.stringify({
    id,
    source: 's',
    tools: [],
    messages: [
      { role: 'user', content: words },
      { role: 'assistant', content: 'é' },
    ],
  });

test('lines that go over several pieces of the file are found again, in any order', () => {
  const path = join(scratch, 'records.jsonl');
  const lines = [1, 3_000_000, 5, 1_048_000, 2_097_152].map((length, i) =>
    record(`r${i}`, 'ab'.repeat(length / 2 + 1)),
  );
  writeFileSync(path, `${lines.join('\n\n')}`);
  using file = new RecordFile(path);
  const ids = Array.from(file.read(({ record: { id } }) => id));
  expect(ids).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
  for (const i of [3, 0, 4, 1, 2]) {
    expect(file.lineAt(i) === lines[i]).toBe(true);
    expect(file.at(i, ({ record: { id } }) => id)).toBe(`r${i}`);
  }
});

test('a line that has no end is told before it fills the memory', () => {
  const path = join(scratch, 'long.jsonl');
  writeFileSync(path, `${record('r', 'x')}\n`);
  truncateSync(path, 2 ** 29);
  using file = new RecordFile(path);
  expect(() => Array.from(file.read(({ record: { id } }) => id))).toThrow(
    /long\.jsonl:2 is longer than 256 MB/,
  );
});
