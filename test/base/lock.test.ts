/** Locks: respected while their process lives, wherever it is, and taken over when it is gone. */
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { lockFolder, SILENCE } from '../../src/base/lock.ts';
import { beginningOf, ownPlace } from '../../src/base/processes.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tinystar-lock-'));
  path = join(folder, 'run.lock');
  return () => {
    rmSync(folder, { recursive: true });
  };
});

const GONE = 4_194_999;
const parent = { ...ownPlace(), pid: process.ppid, began: beginningOf(process.ppid), token: 'x' };
const elsewhere = { ...parent, host: 'node-7', machine: 'm', boot: 'b', pid: 12 };

/** A lock that was last written so many milliseconds ago. */
function leave(owner: unknown, ago = 0): void {
  writeFileSync(path, typeof owner === 'string' ? owner : JSON.stringify(owner));
  const then = (Date.now() - ago) / 1000;
  utimesSync(path, then, then);
}

function expectTaken(): void {
  {
    using lock = lockFolder(folder);
    lock.check();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
  }
  expect(existsSync(path)).toBe(false);
}

test('of this process it is refused twice, and free again when it is disposed', () => {
  using _lock = lockFolder(folder);
  expect(() => lockFolder(folder)).toThrow(`${folder} is in use by process ${process.pid}`);
});

test('of a process that lives here it is respected, however old', () => {
  leave(parent, 10 * SILENCE);
  expect(() => lockFolder(folder)).toThrow(`in use by process ${process.ppid}`);
  leave(String(process.ppid), 10 * SILENCE);
  expect(() => lockFolder(folder)).toThrow(`in use by process ${process.ppid}`);
});

test('of a process that is gone, or whose number another one has now, it is taken over at once', () => {
  leave({ ...parent, pid: GONE });
  expectTaken();
  leave(String(GONE));
  expectTaken();
  leave({ ...parent, began: '1' });
  expectTaken();
  leave({ ...parent, pid: process.pid, began: '1' });
  expectTaken();
});

test('of this machine before it was started again it is taken over at once', () => {
  leave({ ...parent, machine: 'm', boot: 'earlier', host: 'other' });
  expect(() => lockFolder(folder)).toThrow('in use by');
  leave({ ...parent, boot: 'earlier' });
  if (ownPlace().machine !== '') expectTaken();
});

test('of another host or container it is respected until it was silent for long', () => {
  leave(elsewhere, 7000);
  expect(() => lockFolder(folder)).toThrow(/in use by process 12 of node-7, last seen 7 s ago; .* 90 s/);
  leave({ ...parent, namespace: 'pid:[1]', pid: GONE });
  expect(() => lockFolder(folder)).toThrow(`process ${GONE} of another container here`);
  leave(elsewhere, SILENCE + 1000);
  expectTaken();
  leave(elsewhere, -SILENCE - 1000);
  expectTaken();
});

test('one that says nothing is being written, or was left by a power cut', () => {
  for (const text of ['', '{"pid"', '[]']) {
    leave(text);
    expect(() => lockFolder(folder), text).toThrow('in use by a process, last seen 0 s ago');
    leave(text, SILENCE + 1000);
    expectTaken();
  }
});

test('what another process has put in its place is not removed', () => {
  {
    using _lock = lockFolder(folder);
    leave(elsewhere);
  }
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(elsewhere);
});
