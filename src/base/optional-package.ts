/** Packages that are no dependencies: those of whoever needs them. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Path of a package's module: of the package beside this program, or else of the folder that it runs in; undefined without. */
export function optionalPackage(name: string): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return createRequire(from).resolve(name);
    } catch {
      continue;
    }
  }
  return undefined;
}
