/** Files that are either whole or absent: everything is written under a temporary name, synced, and renamed. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorText, UserError } from './errors.ts';

function systemCode(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : '';
}

/** Turns an operating-system error into one sentence about `path`. */
export function fileError(action: string, path: string, thrown: unknown): UserError {
  const reasons: Record<string, string> = {
    ENOENT: 'it does not exist; check the path',
    EACCES: 'permission is denied; check its owner and mode',
    EISDIR: 'it is a folder, and a file is needed',
    ENOTDIR: 'a part of the path is a file, not a folder',
    ENOSPC: 'the disk is full; free some space and run the same command again',
    EROFS: 'the file system is read-only',
  };
  const why = reasons[systemCode(thrown)] ?? errorText(thrown);
  return new UserError('FILE', `Cannot ${action} ${path}: ${why}.`, { cause: thrown });
}

/** Reads a whole file as UTF-8; throws a UserError that names it. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw fileError('read', path, thrown);
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

/** Writes `parts` to `path` atomically: a reader sees the old file or the whole new one. */
export function writeAtomic(path: string, ...parts: readonly (string | Uint8Array)[]): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
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
  } catch (thrown) {
    rmSync(temporary, { force: true });
    throw fileError('write', path, thrown);
  }
}

/** Builds a folder under a temporary name with `fill`, then renames it into place, replacing an older one. */
export function writeFolderAtomic(path: string, fill: (temporary: string) => void): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const old = `${path}.${process.pid}.old.tmp`;
  try {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    fill(temporary);
    if (existsSync(path)) renameSync(path, old);
    renameSync(temporary, path);
    rmSync(old, { recursive: true, force: true });
  } catch (thrown) {
    rmSync(temporary, { recursive: true, force: true });
    if (thrown instanceof UserError) throw thrown;
    throw fileError('write', path, thrown);
  }
}
