/** Opens the environments that recipes name: the shipped ones, and modules of users. */
import { environments } from '../../packages/environments/src/index.ts';
import { importDefault } from '../base/modules.ts';
import {
  DEFAULT_LIMITS,
  type EnvironmentHost,
  type Limits,
} from '../../packages/environments/src/environment.ts';
import { asEnvironment, hostInProcess } from '../../packages/environments/src/host.ts';
import { hostInWorker } from '../../packages/environments/src/worker-host.ts';

export type EnvironmentSource =
  | { readonly source: keyof typeof environments }
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
  if (source.source !== 'module') return hostInProcess(environments[source.source]);
  const { path, trusted = false } = source;
  const limits = { ...DEFAULT_LIMITS, ...source };
  return trusted
    ? hostInProcess(asEnvironment(await importDefault(path, 'ENVIRONMENT'), path), limits)
    : hostInWorker(path, limits);
}
