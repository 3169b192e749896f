/** The files that a user's module is made of, as far as its words say. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Quoted text that may be the path of a module that is imported or of data that is read. */
const QUOTED = /(['"`])([^'"`\n]{1,300})\1/g;
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** A module and all files that it names by a path from its folder, directly or through others of them. */
export function moduleFiles(path: string): string[] {
  const files = new Set<string>();
  const open = [resolve(path)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (files.has(next) || !isFile(next)) continue;
    files.add(next);
    if (!/\.[cm]?[jt]sx?$/.test(next)) continue;
    for (const [, , name = ''] of readFileSync(next, 'utf8').matchAll(QUOTED))
      open.push(resolve(dirname(next), name));
  }
  return [...files];
}
