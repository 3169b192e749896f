/** Threads that run a module of this program. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread with the module `name` beside the module at `from`, its `import.meta.url`. Sources run under tsx, which
 * a thread does not inherit: there it is registered first.
 */
export function startThread(from: string, name: string, options: WorkerOptions): Worker {
  if (!from.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, from), options);
  const packageFile = createRequire(import.meta.url).resolve('tsx/package.json');
  const tsx = new URL('dist/esm/api/index.mjs', pathToFileURL(packageFile));
  const entry = new URL(`./${name}.ts`, from);
  const register = `import(${JSON.stringify(tsx.href)}).then(({ register }) => {
    register();
    return import(${JSON.stringify(entry.href)});
  });`;
  return new Worker(register, { ...options, eval: true });
}
