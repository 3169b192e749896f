/** Reading whole files; and the door to what else concerns files. */
import { readFileSync } from 'node:fs';
import { STANDARD } from './destination.ts';
import { fileError } from './system-errors.ts';

export { writeAtomic, writeFolderAtomic } from './output.ts';
export { fileError } from './system-errors.ts';
export { discard, removeLeftovers, syncFolder, temporaryName } from './temporary.ts';

/** Reads a whole file, or standard input for `-`, as UTF-8; throws a UserError that names it. */
export function readText(path: string): string {
  try {
    return readFileSync(path === STANDARD ? 0 : path, 'utf8');
  } catch (thrown) {
    throw fileError('read', path, thrown);
  }
}

/** Reads a whole file, or standard input for `-`, as bytes; throws a UserError that names it. */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path === STANDARD ? 0 : path);
  } catch (thrown) {
    throw fileError('read', path, thrown);
  }
}
