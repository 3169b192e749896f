/** Names of what is being written, beside where it will be; what processes that are gone left of them is removed. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isAlive, placeName, systemCode } from './processes.ts';
import { hashString } from './rng.ts';

/** Bytes of a name that leave room for the rest of a temporary one. */
const LONGEST = 180;
/** Milliseconds after which what another machine or container was writing counts as left behind. */
const FOREIGN_LEFTOVER = 3_600_000;
const TEMPORARY = /^\.(?<name>.+)\.(?<pid>\d+)(?:-(?<place>[0-9a-f]{8}))?(?<old>\.old)?\.tmp$/;

function stem(path: string): string {
  const name = basename(path);
  return Buffer.byteLength(name) <= LONGEST ? name : `long-${hashString(name).toString(16)}`;
}

/** Names of what is being written; whose process is gone is a leftover, see `removeLeftovers`. */
export const temporaryName = (path: string): string =>
  join(dirname(path), `.${stem(path)}.${process.pid}-${placeName()}.tmp`);
export const replacedName = (path: string): string => `${temporaryName(path).slice(0, -4)}.old.tmp`;

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

/** Tells whether a name was given here, where it can be seen whether the process that gave it still runs. */
const isOfHere = (place: string | undefined): boolean => place === undefined || place === placeName();

/** Tells whether nobody writes what has this temporary name any more. */
function isLeft(path: string, pid: number, place: string | undefined): boolean {
  if (isOfHere(place)) return !isAlive(pid);
  const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - changed > FOREIGN_LEFTOVER;
}

/** Removes what processes that are gone, stopped by Ctrl-C or a power cut, left half-written of a file. */
export function removeLeftoversOf(path: string): void {
  const folder = dirname(path);
  for (const entry of readdirSync(folder)) {
    const { name, pid, place, old } = TEMPORARY.exec(entry)?.groups ?? {};
    const left = join(folder, entry);
    if (name === stem(path) && old === undefined && isLeft(left, Number(pid), place)) discard(left);
  }
}

/**
 * Removes, in `folder` and below, what processes that are gone left half-written; puts back what they set aside. Of other
 * machines and containers all are gone: the caller has the folder's lock.
 */
export function removeLeftovers(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const { name, pid, place, old } = TEMPORARY.exec(entry.name)?.groups ?? {};
    if (name === undefined) {
      if (entry.isDirectory()) removeLeftovers(path);
    } else if (!isOfHere(place) || Number(pid) === process.pid || !isAlive(Number(pid))) {
      const home = join(folder, name);
      if (old === undefined || existsSync(home)) rmSync(path, { recursive: true, force: true });
      else renameSync(path, home);
    }
  }
}
