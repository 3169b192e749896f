/** Long files written piece by piece, so that a model of gigabytes is never in memory twice. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { fileError } from './files.ts';
import { writeFully } from './output.ts';

/**
 * Appends `parts` to a file as they come and syncs it. Not atomic: meant for a file that grows, or for one under a
 * temporary name, or inside of a temporary folder, that is renamed afterwards.
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
      try {
        writeFully(file, part);
      } catch (thrown) {
        throw fileError('write', path, thrown);
      }
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
