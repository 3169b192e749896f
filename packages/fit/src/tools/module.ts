/** Functions of a module of JavaScript or TypeScript, which is loaded in a thread of its own. */
import { resolve } from 'node:path';
import { errorText, UserError } from '../../../../src/base/errors.ts';
import { startThread } from '../../../../src/base/threads.ts';
import { parseJson } from '../../../../src/json/parse.ts';
import type { PyValue } from '../../../../src/json/python.ts';

/** Milliseconds in which a module must load. */
const LOAD_MS = 60_000;

/** Tools of a module as JSON; throws a UserError that says what is wrong with it. */
export async function toolsOfModule(path: string): Promise<PyValue> {
  const thread = startThread(import.meta.url, 'module-thread', {
    workerData: resolve(path),
    stdout: true,
    stderr: true,
  });
  try {
    const { tools, fault } = await new Promise<{ tools?: string; fault?: string }>((done, failed) => {
      const late = setTimeout(() => {
        done({
          fault: `The module ${path} did not load in ${LOAD_MS / 1000} seconds; export its schemas without starting anything.`,
        });
      }, LOAD_MS);
      thread.once('message', done);
      thread.once('error', (thrown) => {
        done({ fault: `The module ${path} cannot be loaded (${errorText(thrown)}); correct it.` });
      });
      thread.once('exit', () => {
        clearTimeout(late);
        done({
          fault: `The module ${path} ended the process while it was loaded; export its schemas and no more.`,
        });
      });
      thread.once('messageerror', failed);
    });
    if (tools === undefined) throw new UserError('TOOLS', (fault ?? '').replaceAll(resolve(path), path));
    return parseJson(tools);
  } finally {
    await thread.terminate();
  }
}
