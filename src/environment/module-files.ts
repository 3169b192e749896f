/** The files that a user's module is made of, as far as its imports say. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** `from './x.mjs'`, `import './x.mjs'`, `import('./x.mjs')`, `require('./x.cjs')`, and files that it reads beside itself by `new URL('./x', ...)`. */
const RELATIVE = /(?:from|import|require|new URL)\s*\(?\s*['"`](\.{1,2}\/[^'"`]+)['"`]/g;
const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();

/** A module and all files of the user's that it names by a path from itself, directly or through others of them. */
export function moduleFiles(path: string): string[] {
  const files = new Set<string>();
  const open = [resolve(path)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (files.has(next) || !isFile(next)) continue;
    files.add(next);
    if (!/\.[cm]?[jt]sx?$/.test(next)) continue;
    const folder = dirname(next);
    for (const [, name = ''] of readFileSync(next, 'utf8').matchAll(RELATIVE))
      open.push(resolve(folder, name.replace(/[?#].*$/, '')));
  }
  return [...files];
}
