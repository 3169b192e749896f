/** Modules of users: environments and rewards of their own. */
import { existsSync } from 'node:fs';
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
