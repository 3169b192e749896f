/** The folder of this package, with its manifest, bases and recipes: the same for sources and for what is built of them. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootAbove(dirname(folder));
}

export const PACKAGE_ROOT = rootAbove(dirname(fileURLToPath(import.meta.url)));
