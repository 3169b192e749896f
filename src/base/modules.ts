/** Modules of users: environments and rewards of their own. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorText, UserError } from './errors.ts';

/** Default export of the module at `path`, which runs in this process; throws a UserError of `code` that says what is wrong. */
export async function importDefault(path: string, code: string): Promise<unknown> {
  if (!existsSync(path)) throw new UserError(code, `There is no module ${path}; check its path.`);
  let exported: { readonly default?: unknown };
  try {
    exported = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  } catch (thrown) {
    throw new UserError(code, `The module ${path} cannot be loaded (${errorText(thrown)}); correct it.`);
  }
  if (exported.default === undefined)
    throw new UserError(code, `The module ${path} has no default export; export what it defines by default.`);
  return exported.default;
}

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
