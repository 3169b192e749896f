/** Thread in which a user's module is loaded: whatever it starts, prints or keeps open ends with the thread. */
import Module, { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { errorText, required, UserError } from '../../../../src/base/errors.ts';
import type { Fields } from '../../../../src/json/value.ts';
import { toolsOfExports } from './exports.ts';

/** Part of Node.js's loader of CommonJS, which a module in TypeScript that is in no package goes through. */
interface CommonJs {
  _resolveFilename: (name: string, ...rest: unknown[]) => string;
}

/** Has zod be this program's where the module's own folder has none. */
function lendZod(): void {
  const loader = Module as unknown as CommonJs;
  const usual = loader._resolveFilename.bind(Module);
  loader._resolveFilename = (name, ...rest) => {
    try {
      return usual(name, ...rest);
    } catch (thrown) {
      if (name !== 'zod' && !name.startsWith('zod/')) throw thrown;
      return createRequire(import.meta.url).resolve(name);
    }
  };
  const hook = `export async function resolve(name, context, next) {
    try {
      return await next(name, context);
    } catch (thrown) {
      if (name !== 'zod' && !name.startsWith('zod/')) throw thrown;
      return next(name, { ...context, parentURL: ${JSON.stringify(import.meta.url)} });
    }
  }`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

/** Manifest of what reads TypeScript where Node.js does not: the tsx that is installed beside the module, or that this program runs under. */
function loaderOf(path: string): string {
  try {
    return createRequire(pathToFileURL(path)).resolve('tsx/package.json');
  } catch {
    if (import.meta.url.endsWith('.ts')) return createRequire(import.meta.url).resolve('tsx/package.json');
    throw new UserError(
      'TOOLS',
      `${path} is TypeScript, which Node.js ${process.versions.node} does not read; use Node.js 22.18 or later, install tsx beside it, or compile it.`,
    );
  }
}

async function load(path: string): Promise<Fields> {
  const { typescript } = process.features as { readonly typescript?: unknown };
  const isRead = !/\.[cm]?ts$/.test(path) || Boolean(typescript);
  lendZod();
  const address = pathToFileURL(path).href;
  if (isRead) return (await import(address)) as Fields;
  const api = new URL('dist/esm/api/index.mjs', pathToFileURL(loaderOf(path)));
  const { tsImport } = (await import(api.href)) as {
    tsImport: (name: string, parent: string) => Promise<Fields>;
  };
  return tsImport(address, address);
}

/** JSON of the module's functions, or the sentence that says why there is none. */
async function answer(path: string): Promise<{ readonly tools?: string; readonly fault?: string }> {
  try {
    return { tools: JSON.stringify(await toolsOfExports(await load(path), path)) };
  } catch (thrown) {
    if (thrown instanceof UserError) return { fault: thrown.message };
    const [why = ''] = errorText(thrown).split('\n');
    return { fault: `The module ${path} cannot be loaded (${why.replace(/\.$/, '')}); correct it.` };
  }
}

required(parentPort, 'the port of a thread').postMessage(await answer(workerData as string));
