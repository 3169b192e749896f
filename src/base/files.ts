/** Reading whole files; and the door to what else concerns files. */
import { fstatSync, readFileSync, statSync } from 'node:fs';
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

/** Contents that can be read once only, standard input or a named pipe, by its place in the system. */
const readOnce = new Map<string, Buffer>();

/**
 * Reads a whole file, or standard input for `-`, as bytes; standard input and pipes are kept, so that they can be read
 * again. Throws a UserError that names it.
 */
export function readBytes(path: string): Buffer {
  try {
    const isStandard = path === STANDARD;
    const stats = isStandard ? fstatSync(0) : statSync(path);
    if (stats.isFile() && !isStandard) return readFileSync(path);
    const place = `${stats.dev}:${stats.ino}`;
    const bytes = readOnce.get(place) ?? readFileSync(isStandard ? 0 : path);
    readOnce.set(place, bytes);
    return bytes;
  } catch (thrown) {
    throw fileError('read', path, thrown);
  }
}
