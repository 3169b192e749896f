/** Program and machine of a run: for `machine.json` and the head of the report. Names no host, user or path. */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../base/json-file.ts';
import { PACKAGE_ROOT } from '../base/package-root.ts';
import type { MachineFacts } from '../eval/formats.ts';

/** This program's version, from the package.json beside `src` and `dist`. */
export const packageVersion = (): string =>
  readJson(join(PACKAGE_ROOT, 'package.json'), z.object({ version: z.string() }), 'install tinystar again')
    .version;

/** The facts of this process; `device` is the device that computes, with the reason why it was chosen. */
export function machineFacts(options: { started: Date; device?: string; command?: string }): MachineFacts {
  const { started, ...words } = options;
  return {
    version: packageVersion(),
    node: process.versions.node,
    system: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    memory_gb: Math.round(totalmem() / 2 ** 30),
    started: started.toISOString(),
    ...words,
  };
}
