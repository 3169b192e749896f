/** The compiled modules that a page runs: its own, and those of tinystar that they import. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';

/** Module of a page's entry below the folder of compiled ones. */
export const ENTRY = 'packages/web/src/page/student.js';

const IMPORT = /^(?:import|export)\s(?:[^;'"]*?\sfrom\s)?['"](\.[^'"]+)['"]/gm;

/** Paths of the entry and of all that it imports, below `built`, with /. Throws a UserError where nothing is compiled. */
export function pageModules(built: string): string[] {
  if (!existsSync(join(built, ENTRY)))
    throw new UserError(
      'WEB',
      `There are no compiled modules in ${built}; run "npm run build" in the folder of tinystar first.`,
    );
  const found = new Set<string>();
  const open = [resolve(built, ENTRY)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const name = relative(built, next).split(sep).join('/');
    if (found.has(name)) continue;
    found.add(name);
    for (const [, other = ''] of readFileSync(next, 'utf8').matchAll(IMPORT))
      open.push(resolve(dirname(next), other));
  }
  return [...found].toSorted();
}
