/** Long files written piece by piece, so that a model of gigabytes is never in memory twice. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { fileError } from './files.ts';

/**
 * Appends `parts` to a file as they come and syncs it. Not atomic: meant for a file under a temporary name, or
 * inside of a temporary folder, that is renamed afterwards.
 */
export function appendParts(path: string, parts: Iterable<Uint8Array>): void {
  let file: number;
  try {
    file = openSync(path, 'a');
  } catch (thrown) {
    throw fileError('write', path, thrown);
  }
  try {
    for (const part of parts) {
      let written = 0;
      while (written < part.byteLength) {
        try {
          written += writeSync(file, part, written);
        } catch (thrown) {
          throw fileError('write', path, thrown);
        }
      }
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
