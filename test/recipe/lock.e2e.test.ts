/** The lock of a run's folder: one run at a time, and none that is held by nobody. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { lockFolder } from '../../src/base/lock.ts';
import { scratchFolder } from '../helpers/runs.ts';

let scratch = scratchFolder();
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());
const file = (): string => join(scratch.folder, 'run.lock');

test('is held until it is given back, and can then be had again', () => {
  for (let round = 0; round < 3; round++) {
    const lock = lockFolder(scratch.folder);
    expect(existsSync(file())).toBe(true);
    expect(() => lockFolder(scratch.folder)).toThrow(UserError);
    expect(() => lockFolder(scratch.folder)).toThrow(/is in use/);
    lock[Symbol.dispose]();
    expect(existsSync(file())).toBe(false);
  }
});

test('is given back when what it was for fails', () => {
  expect(() => {
    using _lock = lockFolder(scratch.folder);
    throw new Error('halfway');
  }).toThrow('halfway');
  lockFolder(scratch.folder)[Symbol.dispose]();
});

test('a refusal leaves the lock with its owner', () => {
  using _lock = lockFolder(scratch.folder);
  const before = readFileSync(file(), 'utf8');
  expect(() => lockFolder(scratch.folder)).toThrow(UserError);
  expect(readFileSync(file(), 'utf8')).toBe(before);
});

test('folders are locked apart', () => {
  const [a, b] = [join(scratch.folder, 'a'), join(scratch.folder, 'b')];
  for (const folder of [a, b]) mkdirSync(folder);
  using _first = lockFolder(a);
  using _second = lockFolder(b);
  expect(() => lockFolder(a)).toThrow(UserError);
  expect(() => lockFolder(b)).toThrow(UserError);
});

test('a folder that is not there cannot be locked, which is told', () => {
  expect(() => lockFolder(join(scratch.folder, 'nowhere'))).toThrow(UserError);
});

const PROGRAM = `
const { lockFolder } = await import(${JSON.stringify(fileURLToPath(new URL('../../src/base/lock.ts', import.meta.url)))});
const { existsSync, rmSync, writeFileSync } = await import('node:fs');
process.stdout.write('.');
while (!existsSync(process.argv[2] + '/go')) await new Promise((resolve) => setTimeout(resolve, 1));
const until = Date.now() + Number(process.argv[1]);
while (Date.now() < until) {
  try {
    const lock = lockFolder(process.argv[2]);
    process.stdout.write('+');
    writeFileSync(process.argv[2] + '/inside', '', { flag: 'wx' });
    if (process.argv[3] === 'keep') await new Promise((resolve) => setTimeout(resolve, 60_000));
    rmSync(process.argv[2] + '/inside');
    lock[Symbol.dispose]();
    process.stdout.write('-');
  } catch (thrown) {
    if (thrown.code !== 'LOCKED') throw thrown;
  }
}
`;

/** Lets the other processes begin. */
const go = (): void => writeFileSync(join(scratch.folder, 'go'), '');

/** Another process that takes the lock again and again for so many milliseconds, or once and keeps it, once it may begin. */
function other(time: number, mode = 'release') {
  const args = ['--import', 'tsx', '--input-type=module', '-e', PROGRAM, String(time), scratch.folder, mode];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const ended = new Promise<string>((resolve) => child.once('close', () => resolve(text)));
  /** Waits until it has said so. */
  const says = async (what: string): Promise<void> => {
    while (!text.includes(what)) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { child, ended, says };
}

test('another process that lives is respected, and one that was killed is not', async () => {
  const { child, ended, says } = other(1000, 'keep');
  go();
  await says('+');
  expect(() => lockFolder(scratch.folder)).toThrow(UserError);
  child.kill('SIGKILL');
  await ended;
  expect(existsSync(file())).toBe(true);
  using _lock = lockFolder(scratch.folder);
  expect(() => lockFolder(scratch.folder)).toThrow(UserError);
});

test('processes that want it at once have it one after the other, and it is free in the end', async () => {
  const both = [other(1000), other(1000)];
  for (const { says } of both) await says('.');
  go();
  for (const { ended } of both) expect(await ended).toMatch(/^\.(?:\+-)+$/);
  expect(existsSync(file())).toBe(false);
  lockFolder(scratch.folder)[Symbol.dispose]();
});

test('a file of long ago that names no process is no lock', () => {
  for (const text of ['', '0', 'nobody']) {
    writeFileSync(file(), text);
    utimesSync(file(), 0, 0);
    using _lock = lockFolder(scratch.folder);
    expect(readFileSync(file(), 'utf8')).not.toBe(text);
  }
});
