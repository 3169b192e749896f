/** Identity by contents: touched, moved and copied files are the same, whatever was written into them is not. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  contentsOf,
  digestOf,
  filesIn,
  identityOf,
  onLongRead,
  programIdentity,
} from '../../src/base/identity.ts';
import { scratchFolder } from '../helpers/runs.ts';

const { folder: scratch, remove } = scratchFolder();
const cache = join(scratch, 'cache');
afterAll(() => {
  vi.unstubAllEnvs();
  remove();
});
beforeEach(() => {
  vi.stubEnv('XDG_CACHE_HOME', cache);
});

const LONG_AGO = new Date(2020, 1, 1);
const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('a digest', () => {
  it('is that of the contents, and stays when a file is touched, moved or copied', () => {
    const path = join(scratch, 'a.txt');
    writeFileSync(path, 'one');
    const digest = digestOf(path);
    expect(digest).toBe(sha256(path));
    utimesSync(path, LONG_AGO, LONG_AGO);
    expect(digestOf(path)).toBe(digest);
    copyFileSync(path, join(scratch, 'b.txt'));
    renameSync(path, join(scratch, 'c.txt'));
    expect([digestOf(join(scratch, 'b.txt')), digestOf(join(scratch, 'c.txt'))]).toEqual([digest, digest]);
  });

  it('changes with the contents though size and time of writing stay', () => {
    const path = join(scratch, 'same.txt');
    writeFileSync(path, 'one');
    utimesSync(path, LONG_AGO, LONG_AGO);
    const digest = digestOf(path);
    writeFileSync(path, 'two');
    utimesSync(path, LONG_AGO, LONG_AGO);
    expect(digestOf(path)).toBe(sha256(path));
    expect(digestOf(path)).not.toBe(digest);
  });

  it('of a large file is right before and after it was remembered, and without a place to remember it', () => {
    const path = join(scratch, 'large.bin');
    writeFileSync(path, 'head');
    truncateSync(path, 17 * 2 ** 20);
    expect(digestOf(path)).toBe(sha256(path));
    mkdirSync(join(scratch, 'in-the-way'));
    writeFileSync(join(scratch, 'in-the-way', 'tinystar'), 'a file where a folder is wanted');
    vi.stubEnv('XDG_CACHE_HOME', join(scratch, 'in-the-way'));
    expect(digestOf(path)).toBe(sha256(path));
    writeFileSync(path, Buffer.alloc(17 * 2 ** 20, 7));
    expect(digestOf(path)).toBe(sha256(path));
  });

  it('of a long file is told before it is read', () => {
    const path = join(scratch, 'long.bin');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 28);
    utimesSync(path, LONG_AGO, LONG_AGO);
    const told: [string, number][] = [];
    onLongRead((file, bytes) => told.push([file, bytes]));
    digestOf(path);
    onLongRead(() => undefined);
    expect(told).toEqual([[path, 2 ** 28]]);
  });

  it('of what is not there is none', () => {
    expect(digestOf(join(scratch, 'nowhere'))).toBe('missing');
  });
});

it('files of a folder are found at any depth, hidden ones left out, and named from it', () => {
  const folder = join(scratch, 'data');
  mkdirSync(join(folder, 'deep', 'er'), { recursive: true });
  mkdirSync(join(folder, '.git'));
  for (const name of ['a.json', 'deep/er/b.json', '.git/c', '.hidden'])
    writeFileSync(join(folder, name), name);
  expect(Object.keys(contentsOf(folder, filesIn(folder)))).toEqual(['a.json', 'deep/er/b.json']);
});

it('work has another name when anything in it is another, and this program one of its own', () => {
  expect(identityOf(['a', { b: 1 }])).toMatch(/^[0-9a-f]{8}$/);
  expect(identityOf(['a', { b: 1 }])).not.toBe(identityOf(['a', { b: 2 }]));
  expect(programIdentity()).toMatch(/^[0-9a-f]{8}$/);
});
