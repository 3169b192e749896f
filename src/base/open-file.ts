/** Files that are open: read and written piece by piece, so that they may be longer than memory, and waited for where they are pipes. */
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { UserError } from './errors.ts';
import { systemCode } from './processes.ts';
import { fileError } from './system-errors.ts';

/** Milliseconds between attempts at a pipe that does not wait by itself. */
const RETRY = 5;
const PIECE = 1 << 20;
/** The system reads 2 GiB at most at a time. */
const MOST_BYTES = 2 ** 30;

/** Runs `use`, again a little later where a pipe is full, or empty, and somebody has told it not to wait by itself. */
function waiting<T>(use: () => T): T {
  for (;;) {
    try {
      return use();
    } catch (thrown) {
      if (systemCode(thrown) !== 'EAGAIN') throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY);
    }
  }
}

/** Writes all of `bytes` to an open file. */
export function writeFully(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.byteLength) written += waiting(() => writeSync(file, bytes, written));
}

/**
 * Pieces of an open file from `place` on, or from where reading stands; each is overwritten by the next one. Throws a
 * UserError that names it.
 */
export function* piecesOf(path: string, file: number, place: number | null = null): Generator<Buffer> {
  const chunk = Buffer.alloc(PIECE);
  let at = place;
  for (;;) {
    let got: number;
    try {
      got = waiting(() => readSync(file, chunk, 0, chunk.length, at));
    } catch (thrown) {
      throw fileError('read', path, thrown);
    }
    if (got === 0) return;
    if (at !== null) at += got;
    yield chunk.subarray(0, got);
  }
}

/** `length` bytes of an open file from `start`; throws a UserError where it ends before. */
export function readAt(path: string, file: number, start: number, length: number): Buffer<ArrayBuffer> {
  // Not from the pool, so that the buffer starts on a boundary that typed arrays accept.
  const bytes = Buffer.from(new ArrayBuffer(length));
  let done = 0;
  while (done < length) {
    let count: number;
    try {
      // A read may give fewer than it was asked for.
      count = readSync(file, bytes, done, Math.min(MOST_BYTES, length - done), start + done);
    } catch (thrown) {
      throw fileError('read', path, thrown);
    }
    if (count === 0)
      throw new UserError('FILE', `${path} became shorter while it was read; copy or download it again.`);
    done += count;
  }
  return bytes;
}

/** Opens a file; throws a UserError that names it. */
export function openFile(path: string, flags: 'r' | 'r+' | 'a'): number {
  try {
    return openSync(path, flags);
  } catch (thrown) {
    throw fileError(flags === 'r' ? 'read' : 'write', path, thrown);
  }
}

/** Has `use` work with an open file, and closes it. */
export function withFile<T>(path: string, flags: 'r' | 'r+' | 'a', use: (file: number) => T): T {
  const file = openFile(path, flags);
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Appends `parts` to a file as they come and syncs it. Not atomic: meant for a file that grows, or for one under a
 * temporary name, or inside of a temporary folder, that is renamed afterwards.
 */
export function appendParts(path: string, parts: Iterable<Uint8Array>): void {
  withFile(path, 'a', (file) => {
    for (const part of parts) {
      try {
        writeFully(file, part);
      } catch (thrown) {
        throw fileError('write', path, thrown);
      }
    }
    fsyncSync(file);
  });
}
