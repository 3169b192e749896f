/** Keeps two runs out of one folder. */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { discard, fileError, temporaryName } from '../../base/files.ts';
import { isAlive, systemCode } from '../../base/processes.ts';

/** Locks of this process, as its own number in a file says nothing: a container's processes are numbered alike. */
const held = new Set<string>();

function ownerOf(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (thrown) {
    // Released in the meantime.
    if (systemCode(thrown) === 'ENOENT') return 0;
    throw fileError('read', path, thrown);
  }
}

/** Locks `folder` until the result is disposed; a lock whose process is gone is taken over. */
export function lockFolder(folder: string): Disposable {
  const path = join(folder, 'run.lock');
  for (;;) {
    try {
      // It appears with what it says: an empty one would be taken for nobody's.
      writeFileSync(temporaryName(path), String(process.pid));
      linkSync(temporaryName(path), path);
      break;
    } catch (thrown) {
      if (systemCode(thrown) !== 'EEXIST') throw fileError('write', path, thrown);
    } finally {
      discard(temporaryName(path));
    }
    const owner = ownerOf(path);
    if (owner === process.pid ? held.has(path) : owner > 0 && isAlive(owner)) {
      throw new UserError(
        'LOCKED',
        `${folder} is in use by process ${owner}; wait for it or stop it (if that is no tinystar, delete run.lock there).`,
      );
    }
    try {
      rmSync(path, { force: true });
    } catch (thrown) {
      throw fileError('remove', path, thrown);
    }
  }
  held.add(path);
  return {
    [Symbol.dispose]() {
      held.delete(path);
      discard(path);
    },
  };
}
