/** The compiled modules that a page runs: its own, and those of tinystar that they import. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix, relative, sep } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';

/** Module of a page's entry below the folder of compiled ones. */
export const ENTRY = 'packages/web/src/page/student.js';

const IMPORT = /^(?:import|export)\s(?:[^;'"]*?\sfrom\s)?['"]([^'"]+)['"]/gm;
/** The package of schemas, whose modules are a browser's as they are, and the folder that they get in a page. */
const [SCHEMAS, PLACE] = ['@cfworker/json-schema', 'json-schema'];

/** Path from a module's folder to another module, as imports have it. */
function pathTo(from: string, to: string): string {
  const path = relative(dirname(from), to).split(sep).join('/');
  return path.startsWith('.') ? path : `./${path}`;
}

/** The entry and all that it imports, by their paths with /. Throws a UserError where nothing is compiled in `built`. */
export function pageModules(built: string): ReadonlyMap<string, string> {
  if (!existsSync(join(built, ENTRY)))
    throw new UserError(
      'WEB',
      `There are no compiled modules in ${built}; run "npm run build" in the folder of tinystar first.`,
    );
  const schemas = join(
    dirname(createRequire(import.meta.url).resolve(`${SCHEMAS}/package.json`)),
    'dist/esm',
  );
  const found = new Map<string, string>();
  const open = [ENTRY];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    const own = name;
    const isSchemas = own.startsWith(`${PLACE}/`);
    const file = isSchemas ? join(schemas, own.slice(PLACE.length + 1)) : join(built, own);
    const text = readFileSync(file, 'utf8').replaceAll(IMPORT, (whole: string, other: string) => {
      const to = other === SCHEMAS ? `${PLACE}/index.js` : posix.join(posix.dirname(own), other);
      open.push(to);
      return other === SCHEMAS ? whole.replace(other, pathTo(own, to)) : whole;
    });
    found.set(own, text);
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
