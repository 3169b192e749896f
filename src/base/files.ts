/** Files that are either whole or absent: everything is written under a temporary name, synced, and renamed. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorText, UserError } from './errors.ts';
import { isAlive, systemCode } from './processes.ts';
import { decodeText } from './text.ts';

/** Turns an operating-system error into one sentence about `path`. */
export function fileError(action: string, path: string, thrown: unknown): UserError {
  const reasons: Record<string, string> = {
    ENOENT: 'it does not exist; check the path',
    EACCES: 'permission is denied; check its owner and mode',
    EPERM: 'permission is denied; check its owner and mode',
    EEXIST: 'a file with that name is in the way; choose another name or remove it',
    EISDIR: 'it is a folder, and a file is needed',
    ENOTDIR: 'a part of the path is a file, not a folder',
    ENOSPC: 'the disk is full; free some space and run the same command again',
    EDQUOT: 'the disk quota is used up; free some space and run the same command again',
    EROFS: 'the file system is read-only',
  };
  const why = reasons[systemCode(thrown)] ?? errorText(thrown);
  return new UserError('FILE', `Cannot ${action} ${path}: ${why}.`, { cause: thrown });
}

/** Reads a whole file of text, without its byte order mark; throws a UserError that names it. */
export function readText(path: string): string {
  const bytes = readBytes(path);
  try {
    return decodeText(bytes, path);
  } catch (thrown) {
    throw thrown instanceof UserError ? thrown : fileError('read', path, thrown);
  }
}

/** Reads a whole file as bytes; throws a UserError that names it. */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw fileError('read', path, thrown);
  }
}

/** Names of what is being written; whose process is gone is a leftover, see `removeLeftovers`. */
export const temporaryName = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
const replacedName = (path: string): string => `${temporaryName(path).slice(0, -4)}.old.tmp`;
const TEMPORARY = /^\.(?<name>.+)\.(?<pid>\d+)(?<old>\.old)?\.tmp$/;

/** Removes a file or folder if it can: for the way out, where another error may be the one to tell. */
export function discard(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // A part of the path is no folder, or the file system has become read-only.
  }
}

/** Makes renames in a folder survive a power cut, in their order. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } catch (thrown) {
    // Some network file systems cannot; they sync by themselves.
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes(systemCode(thrown))) throw thrown;
  } finally {
    closeSync(file);
  }
}

/** Writes `parts` to `path` atomically: a reader sees the old file or the whole new one. */
export function writeAtomic(path: string, ...parts: readonly (string | Uint8Array)[]): void {
  const temporary = temporaryName(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(temporary, 'w');
    try {
      for (const part of parts) {
        const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
        let written = 0;
        while (written < bytes.byteLength) written += writeSync(file, bytes, written);
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (thrown) {
    discard(temporary);
    throw fileError('write', path, thrown);
  }
}

/**
 * Builds a folder under a temporary name with `fill`, then renames it into place, replacing an older one. No system
 * call swaps two folders everywhere: a kill between the two renames leaves the older one aside, from where
 * `removeLeftovers` puts it back.
 */
export function writeFolderAtomic(path: string, fill: (temporary: string) => void): void {
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
    if (thrown instanceof UserError) throw thrown;
    throw fileError('write', path, thrown);
  }
}

/** Removes what processes that are gone, stopped by Ctrl-C or a power cut, left half-written of a file. */
export function removeLeftoversOf(path: string): void {
  const folder = dirname(path);
  for (const entry of readdirSync(folder)) {
    const { name, pid, old } = TEMPORARY.exec(entry)?.groups ?? {};
    if (name === basename(path) && old === undefined && !isAlive(Number(pid))) discard(join(folder, entry));
  }
}

/** Removes, in `folder` and below, what processes that are gone left half-written; puts back what they set aside. */
export function removeLeftovers(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const { name, pid, old } = TEMPORARY.exec(entry.name)?.groups ?? {};
    if (name === undefined) {
      if (entry.isDirectory()) removeLeftovers(path);
    } else if (Number(pid) === process.pid || !isAlive(Number(pid))) {
      const place = join(folder, name);
      if (old === undefined || existsSync(place)) rmSync(path, { recursive: true, force: true });
      else renameSync(path, place);
    }
  }
}
