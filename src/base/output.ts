/**
 * All that is written goes through here. A regular file is whole or absent: it is written under a temporary name, synced
 * and renamed, behind the links that lead to it and with the mode that it had. A device, a named pipe or standard output
 * is written to as it stands, and nothing is ever renamed over one.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Destination, destinationOf, folderBehind } from './destination.ts';
import { InternalError, UserError } from './errors.ts';
import { piecesOf, withFile, writeFully } from './open-file.ts';
import { systemCode } from './processes.ts';
import { fileError } from './system-errors.ts';
import { discard, removeLeftoversOf, replacedName, syncFolder, temporaryName } from './temporary.ts';

/** Gives a file that is to replace another one its mode, and its owner if that may be. */
function takeAfter(path: string, old: Stats | undefined): void {
  if (old === undefined) return;
  try {
    chownSync(path, old.uid, old.gid);
  } catch {
    // Only root gives files away.
  }
  chmodSync(path, old.mode & 0o7777);
}

/** Puts a file that is whole and synced where it belongs. */
function putInPlace(temporary: string, { path, old }: Extract<Destination, { kind: 'file' }>): void {
  takeAfter(temporary, old);
  renameSync(temporary, path);
  syncFolder(dirname(path));
}

/** An output that is written piece by piece: memory stays flat. */
export class Output implements Disposable {
  /** As it was given. */
  readonly path: string;
  readonly #destination: Destination;
  readonly #temporary: string | undefined;
  #file: number | undefined;

  /** Begins an output; throws a UserError if that cannot be. A named pipe is waited for until somebody reads it. */
  constructor(path: string) {
    this.path = path;
    this.#destination = destinationOf(path);
    try {
      if (this.#destination.kind === 'open') this.#file = this.#destination.descriptor;
      else if (this.#destination.kind === 'device')
        this.#file = openSync(this.#destination.path, constants.O_WRONLY);
      else {
        mkdirSync(dirname(this.#destination.path), { recursive: true });
        this.#temporary = temporaryName(this.#destination.path);
        this.#file = openSync(this.#temporary, 'w');
      }
    } catch (thrown) {
      throw fileError('write', path, thrown);
    }
  }

  /** Throws a UserError when it cannot be written, such as to a full disk. */
  write(bytes: Uint8Array): void {
    if (this.#file === undefined) throw new InternalError(`${this.path} is written to after its end`);
    writeFully(this.path, this.#file, bytes);
  }

  /** Puts the whole file in its place. */
  commit(): void {
    if (this.#file === undefined) return;
    try {
      if (this.#temporary !== undefined) fsyncSync(this.#file);
      this.#close();
      if (this.#temporary !== undefined && this.#destination.kind === 'file')
        putInPlace(this.#temporary, this.#destination);
    } catch (thrown) {
      if (this.#temporary !== undefined) discard(this.#temporary);
      throw fileError('write', this.path, thrown);
    }
  }

  #close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined && this.#destination.kind !== 'open') closeSync(file);
  }

  /** Takes back what was not committed. */
  [Symbol.dispose](): void {
    if (this.#file === undefined) return;
    this.#close();
    if (this.#temporary !== undefined) discard(this.#temporary);
  }
}

/** Writes `parts` to `path`: of a regular file, a reader sees the old one or the whole new one. */
export function writeAtomic(path: string, ...parts: readonly (string | Uint8Array)[]): void {
  using output = new Output(path);
  for (const part of parts) output.write(typeof part === 'string' ? Buffer.from(part, 'utf8') : part);
  output.commit();
}

function copyTo(path: string, from: string): void {
  withFile(from, 'r', (file) => {
    using output = new Output(path);
    for (const piece of piecesOf(from, file)) output.write(piece);
    output.commit();
  });
}

/**
 * Writes `path` by way of a regular file that `fill` makes, for writers that need a name and cannot stream. What `fill`
 * returns is handed on. Throws UserErrors, and whatever `fill` throws.
 */
export function writeThrough<T>(path: string, fill: (place: string) => T): T {
  const destination = destinationOf(path);
  const isFile = destination.kind === 'file';
  let folder: string | undefined;
  let place = '';
  try {
    if (isFile) {
      mkdirSync(dirname(destination.path), { recursive: true });
      removeLeftoversOf(destination.path);
      place = temporaryName(destination.path);
    } else {
      folder = mkdtempSync(join(tmpdir(), 'tinystar-'));
      place = join(folder, 'output');
    }
    rmSync(place, { force: true });
    const filled = fill(place);
    if (isFile) {
      withFile(place, 'r+', fsyncSync);
      putInPlace(place, destination);
    } else copyTo(path, place);
    return filled;
  } catch (thrown) {
    if (systemCode(thrown).startsWith('E')) throw fileError('write', path, thrown);
    // A file that was being written has the user's name for it.
    if (!(thrown instanceof UserError) || !thrown.message.includes(place)) throw thrown;
    throw new UserError(thrown.code, thrown.message.replaceAll(place, path), { cause: thrown });
  } finally {
    discard(folder ?? place);
  }
}

/** Moves a whole file to where it belongs, which may be a link to another disk. */
export function moveFile(from: string, path: string): void {
  writeThrough(path, (place) => {
    try {
      renameSync(from, place);
    } catch (thrown) {
      if (systemCode(thrown) !== 'EXDEV') throw thrown;
      copyFileSync(from, place);
    }
  });
  discard(from);
}

/**
 * Builds a folder under a temporary name with `fill`, then renames it into place, replacing an older one. No system
 * call swaps two folders everywhere: a kill between the two renames leaves the older one aside, from where
 * `removeLeftovers` puts it back.
 */
export function writeFolderAtomic(given: string, fill: (temporary: string) => void): void {
  const path = folderBehind(given);
  const temporary = temporaryName(path);
  const old = replacedName(path);
  try {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    fill(temporary);
    syncFolder(temporary);
    if (existsSync(path)) renameSync(path, old);
    try {
      renameSync(temporary, path);
    } catch (thrown) {
      if (existsSync(old)) renameSync(old, path);
      throw thrown;
    }
    syncFolder(dirname(path));
    rmSync(old, { recursive: true, force: true });
  } catch (thrown) {
    discard(temporary);
    // Errors of `fill` are of its own kind, and no matter of the disk.
    if (thrown instanceof UserError || systemCode(thrown) === '') throw thrown;
    throw fileError('write', given, thrown);
  }
}
