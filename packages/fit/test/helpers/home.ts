/** Copies of the example project, for tests that write into a project's folder. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';

export const HOME = resolve(import.meta.dirname, '../../../../examples/home');
const folders: string[] = [];

/** An empty folder, removed when the file's tests have ended. */
export function emptyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'synth-'));
  folders.push(folder);
  return folder;
}

/** As `emptyProject`, with the example's functions and examples in it. */
export function copyOfHome(): string {
  const folder = emptyProject();
  for (const name of ['functions.json', 'examples.jsonl']) cpSync(join(HOME, name), join(folder, name));
  return folder;
}

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));
