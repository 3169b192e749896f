/** Golden files unpacked, for what reads a path: they are gone when the test file that asked for them is done. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { goldenText } from './golden-files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'golden-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Path of an unpacked `test/golden/<name>.br`. */
export function goldenFile(name: string): string {
  const path = join(scratch, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, goldenText(name));
  return path;
}

/** Path of a folder of `test/golden`, with its `.br` files unpacked. */
export function goldenFolder(name: string): string {
  const source = fileURLToPath(new URL(`../golden/${name}/`, import.meta.url));
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(source)) {
    if (file.endsWith('.br')) goldenFile(join(name, basename(file, '.br')));
    else copyFileSync(join(source, file), join(folder, file));
  }
  return folder;
}
