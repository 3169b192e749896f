/** Opens the environments that recipes name: the shipped ones, and modules of users. */
import { importDefault } from '../base/modules.ts';
import { arithmetic } from './arithmetic/index.ts';
import { DEFAULT_LIMITS, type Environment, type EnvironmentHost, type Limits } from './environment.ts';
import { asEnvironment, hostInProcess } from './host.ts';
import { logic } from './logic/index.ts';
import { hostInWorker } from './worker-host.ts';

/** The environments that come with the program. */
export const SHIPPED = { arithmetic, logic } as const satisfies Record<string, Environment>;

export type EnvironmentSource =
  | { readonly source: keyof typeof SHIPPED }
  | ({
      readonly source: 'module';
      /** Path of a module whose default export is an environment. */
      readonly path: string;
      /** Run it in this process, without a worker. */
      readonly trusted?: boolean;
    } & Partial<Limits>);

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
  const { path, trusted = false } = source;
  const limits = { ...DEFAULT_LIMITS, ...source };
  return trusted
    ? hostInProcess(asEnvironment(await importDefault(path, 'ENVIRONMENT'), path), limits)
    : hostInWorker(path, limits);
}
