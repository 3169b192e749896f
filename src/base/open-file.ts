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

/** Writes all of `bytes` to an open file, at `place` or where writing stands; throws a UserError that names it, such as for a full disk. */
export function writeFully(path: string, file: number, bytes: Uint8Array, place?: number): void {
  let written = 0;
  const next = (): number =>
    writeSync(file, bytes, written, undefined, place === undefined ? null : place + written);
  try {
    while (written < bytes.byteLength) written += waiting(next);
  } catch (thrown) {
    throw fileError('write', path, thrown);
  }
}

/** Reads from an open file, at `place` or where reading stands, into `bytes`; returns how many there were, 0 at its end. */
function readInto(path: string, file: number, bytes: Uint8Array, place: number | null): number {
  try {
    return waiting(() => readSync(file, bytes, 0, Math.min(MOST_BYTES, bytes.length), place));
  } catch (thrown) {
    throw fileError('read', path, thrown);
  }
}

/**
 * Pieces of an open file from `place` on, or from where reading stands; each is overwritten by the next one. Throws a
 * UserError that names it.
 */
export function* piecesOf(path: string, file: number, place: number | null = null): Generator<Buffer> {
  const chunk = Buffer.alloc(PIECE);
  let at = place;
  for (;;) {
    const got = readInto(path, file, chunk, at);
    if (got === 0) return;
    if (at !== null) at += got;
    yield chunk.subarray(0, got);
  }
}

/** `length` bytes of an open file from `start`; throws a UserError where it ends before. */
export function readAt(path: string, file: number, start: number, length: number): Buffer<ArrayBuffer> {
  // Not from the pool, so that the buffer starts on a boundary that typed arrays accept.
  const bytes = Buffer.from(new ArrayBuffer(length));
  // A read may give fewer than it was asked for.
  for (let done = 0; done < length;) {
    const count = readInto(path, file, bytes.subarray(done), start + done);
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
    for (const part of parts) writeFully(path, file, part);
    fsyncSync(file);
  });
}
