/** Puts a folder that was built under a temporary name into its place. */
import { existsSync, renameSync } from 'node:fs';
import { fileError } from '../../../src/base/files.ts';
import { discard, replacedName } from '../../../src/base/temporary.ts';

/** Renames `temporary` to `path`; a folder that is there is replaced, or put back if that fails. */
export function replaceFolder(temporary: string, path: string): void {
  const old = replacedName(path);
  try {
    if (existsSync(path)) renameSync(path, old);
    try {
      renameSync(temporary, path);
    } catch (thrown) {
      if (existsSync(old)) renameSync(old, path);
      throw thrown;
    }
  } catch (thrown) {
    throw fileError('write', path, thrown);
  }
  discard(old);
}
