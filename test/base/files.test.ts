/** Whole files, and what can be read once only. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readBytes, readText } from '../../src/base/files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-files-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('a named pipe that is read twice gives the same bytes', () => {
  const pipe = join(scratch, 'pipe');
  execFileSync('mkfifo', [pipe]);
  spawn('sh', ['-c', `printf 'a: 1' > '${pipe}'`], { stdio: 'ignore' });
  expect(readText(pipe)).toBe('a: 1');
  expect(readText(pipe)).toBe('a: 1');
});

test('what is not there is told by its name', () => {
  const missing = join(scratch, 'missing');
  expect(() => readBytes(missing)).toThrow(`Cannot read ${missing}: it does not exist; check the path.`);
  expect(() => readBytes(scratch)).toThrow(`Cannot read ${scratch}: it is a folder, and a file is needed.`);
});
