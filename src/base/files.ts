/** Reading whole files; and the door to what else concerns files. */
import { readFileSync } from 'node:fs';
import { STANDARD } from './destination.ts';
import { UserError } from './errors.ts';
import { fileError } from './system-errors.ts';
import { decodeText } from './text.ts';

export { writeAtomic, writeFolderAtomic } from './output.ts';
export { fileError } from './system-errors.ts';
export { discard, removeLeftovers, temporaryName } from './temporary.ts';

/** Reads a whole file of text, or standard input for `-`, without its byte order mark; throws a UserError that names it. */
export function readText(path: string): string {
  const bytes = readBytes(path);
  try {
    return decodeText(bytes, path);
  } catch (thrown) {
    throw thrown instanceof UserError ? thrown : fileError('read', path, thrown);
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
