/**
 * Keeps two processes out of one folder, also when they are on two hosts or in two containers that share it. A lock is a
 * file that says whose it is and that is written again every few seconds; one whose process is known to be gone, or that
 * was silent for long, is taken over.
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { UserError } from './errors.ts';
import { beginningOf, isAlive, isSamePlace, ownPlace, type ProcessPlace, systemCode } from './processes.ts';
import { fileError } from './system-errors.ts';
import { discard, replacedName, temporaryName } from './temporary.ts';

/** Milliseconds between two signs of life. */
export const BEAT = 5000;
/** Milliseconds of silence after which a lock that cannot be judged otherwise is taken over: many beats, and longer than network file systems keep what they know. */
export const SILENCE = 90_000;

interface Owner extends ProcessPlace {
  readonly pid: number;
  /** When the process began, as numbers are used again. */
  readonly began: string;
  /** Tells the locks of one process apart. */
  readonly token: string;
}

export interface Lock extends Disposable {
  /** Throws a UserError if another process has taken the lock over, as this one was silent for long (a suspended machine). */
  check(): void;
}

/** Locks of this process. */
const held = new Map<string, Disposable>();

process.on('exit', () => {
  for (const lock of held.values()) lock[Symbol.dispose]();
});

/**
 * Writes a lock again and again, from a thread of its own, since the work may not let go of its thread for minutes. What
 * it writes goes into the file that it has checked to be its own, whatever has the name by then.
 */
const HEARTBEAT = `
const { closeSync, openSync, readFileSync, writeSync } = require('node:fs');
const { workerData: { path, text, beat, state } } = require('node:worker_threads');
setInterval(() => {
  let file;
  try {
    file = openSync(path, 'r+');
    if (readFileSync(file, 'utf8') === text) writeSync(file, text, 0);
    else Atomics.store(state, 0, 1);
  } catch {
    // The disk or the network is away for a while.
  } finally {
    if (file !== undefined) closeSync(file);
  }
}, beat);
`;

function beating(path: string, text: string): { stop: () => void; isLost: () => boolean } {
  const state = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(HEARTBEAT, {
    eval: true,
    execArgv: [],
    workerData: { path, text, beat: BEAT, state },
  });
  worker.unref();
  return { stop: () => void worker.terminate(), isLost: () => Atomics.load(state, 0) === 1 };
}

/** Text of a lock; undefined if there is none. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined;
    throw fileError('read', path, thrown);
  }
}

/** Holder of a lock, as far as it says. */
function ownerOf(text: string): Partial<Owner> {
  try {
    const value: unknown = JSON.parse(text);
    // Earlier versions wrote the number of the process alone.
    if (typeof value === 'number') return { ...ownPlace(), pid: value, began: '' };
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Milliseconds since a lock was written, by the clock of the file system that it is on. */
function silenceOf(path: string): number {
  const probe = temporaryName(path);
  try {
    writeFileSync(probe, '');
    // A clock that was set back makes a lock of the future, which says as little as one of long ago.
    return Math.abs(statSync(probe).mtimeMs - statSync(path).mtimeMs);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return Infinity;
    throw fileError('write', probe, thrown);
  } finally {
    discard(probe);
  }
}

/** Why a lock is to be respected; undefined if it is nobody's any more. */
function holderOf(path: string, text: string): string | undefined {
  const own = ownPlace();
  const { pid = 0, began = '', host = '', machine = '', boot = '', namespace = '' } = ownerOf(text);
  const place = { host, machine, boot, namespace };
  if (pid > 0 && isSamePlace(place, own)) {
    if (pid === process.pid && (began === '' || began === beginningOf(pid)))
      return held.has(path) ? `process ${pid}` : undefined;
    const isOther = began !== '' && began !== beginningOf(pid);
    return isAlive(pid) && !isOther ? `process ${pid}` : undefined;
  }
  // The machine was started again since.
  if (machine !== '' && machine === own.machine && host === own.host && boot !== own.boot) return undefined;
  const silence = silenceOf(path);
  if (silence >= SILENCE) return undefined;
  const who =
    pid > 0 ? `process ${pid} of ${host === own.host ? 'another container here' : host}` : 'a process';
  return `${who}, last seen ${Math.round(silence / 1000)} s ago`;
}

/** Takes a lock away that is nobody's, but not one that has come in its place meanwhile. */
function takeAway(path: string, text: string): void {
  const aside = replacedName(path);
  try {
    renameSync(path, aside);
    if (textOf(aside) === text) discard(aside);
    else renameSync(aside, path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT')
      throw thrown instanceof UserError ? thrown : fileError('remove', path, thrown);
  }
}

/** Locks `folder` until the result is disposed. Throws a UserError if another process holds it. */
export function lockFolder(folder: string, name = 'run.lock'): Lock {
  const path = join(folder, name);
  const token = `${process.pid}-${process.hrtime.bigint()}`;
  const owner: Owner = { ...ownPlace(), pid: process.pid, began: beginningOf(process.pid), token };
  const mine = `${JSON.stringify(owner)}\n`;
  for (;;) {
    try {
      writeFileSync(path, mine, { flag: 'wx' });
      break;
    } catch (thrown) {
      // It was made and could not be filled.
      if (['ENOSPC', 'EDQUOT'].includes(systemCode(thrown))) discard(path);
      if (systemCode(thrown) !== 'EEXIST') throw fileError('write', path, thrown);
    }
    const text = textOf(path);
    if (text === undefined) continue;
    const holder = holderOf(path, text);
    if (holder !== undefined) {
      throw new UserError(
        'LOCKED',
        `${folder} is in use by ${holder}; wait for it or stop it (a lock that is silent for ${SILENCE / 1000} s is taken over; if that is no tinystar, delete ${name} there).`,
      );
    }
    takeAway(path, text);
  }
  const heart = beating(path, mine);
  const lock: Lock = {
    check() {
      if (!heart.isLost()) return;
      throw new UserError(
        'LOCK_LOST',
        `${folder} was taken over by another process, as this one was silent for ${SILENCE / 1000} s; re-run the same command when the other has ended.`,
      );
    },
    [Symbol.dispose]() {
      if (!held.delete(path)) return;
      heart.stop();
      try {
        if (textOf(path) === mine) discard(path);
      } catch {
        // It cannot be read any more: its silence will tell.
      }
    },
  };
  held.set(path, lock);
  return lock;
}
