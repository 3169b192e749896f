/** From what a recipe says to an environment at work. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { errorText, UserError } from '../base/errors.ts';
import { arithmetic } from './arithmetic/index.ts';

import { DEFAULT_LIMITS, type Environment, type EnvironmentHost, type Limits } from './environment.ts';
import { hostInProcess } from './in-process.ts';
import { asEnvironment } from './local.ts';
import { logic } from './logic/index.ts';

import { hostInWorker } from './worker-host.ts';

/** The environments that come with the program. */
export const SHIPPED = { arithmetic, logic } as const satisfies Record<string, Environment>;
export type ShippedName = keyof typeof SHIPPED;

export type EnvironmentSource =
  | { readonly source: ShippedName }
  | {
      readonly source: 'module';
      /** Path of a module whose default export is an environment. */
      readonly path: string;
      /** Run it in this process, without a worker. */
      readonly trusted?: boolean;
      readonly limits?: Partial<Limits>;
    };

/**
 * Opens an environment; the shipped ones, and modules that are trusted, run in this process. Throws UserErrors.
 *
 * @example
 * using host = await openEnvironment({ source: 'module', path: './jar.js' });
 * const [problem] = await host.problems({ split: 'train', seed: 1, count: 1 });
 * console.log(await host.open(problem.setting).call('take', {}));
 */
export async function openEnvironment(source: EnvironmentSource): Promise<EnvironmentHost> {
  if (source.source !== 'module') return hostInProcess(SHIPPED[source.source]);
  const { path } = source;
  if (!existsSync(path))
    throw new UserError('ENVIRONMENT', `There is no module ${path}; check the environment's path.`);
  const limits = { ...DEFAULT_LIMITS, ...source.limits };
  const address = pathToFileURL(path).href;
  if (source.trusted !== true) return hostInWorker(address, limits);
  let exported: unknown;
  try {
    ({ default: exported } = (await import(address)) as { default?: unknown });
  } catch (thrown) {
    throw new UserError(
      'ENVIRONMENT',
      `The module ${path} cannot be loaded (${errorText(thrown)}); correct it.`,
    );
  }
  return hostInProcess(asEnvironment(exported, path), limits);
}
