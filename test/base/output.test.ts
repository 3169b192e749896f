/** Whatever a name to write to means: regular files are replaced whole, everything else is written to as it stands. */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { destinationOf, isStandardOutput } from '../../src/base/destination.ts';
import { UserError } from '../../src/base/errors.ts';
import { LineWriter } from '../../src/base/line-writer.ts';
import { Output, writeAtomic, writeFolderAtomic, writeThrough } from '../../src/base/output.ts';

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);
const isRoot = process.getuid?.() === 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tinystar-output-'));
  return () => {
    rmSync(folder, { recursive: true });
  };
});

/** All the ways in which a file is written. */
const WAYS: Readonly<Record<string, (path: string, text: string) => void>> = {
  'as a whole': (path, text) => writeAtomic(path, text),
  'line by line': (path, text) => {
    using writer = new LineWriter(path);
    writer.write(text.trimEnd());
    writer.commit();
  },
  'by another writer': (path, text) => writeThrough(path, (place) => writeFileSync(place, text)),
};

describe.each(Object.entries(WAYS))('written %s', (_, write) => {
  test('a file keeps its mode, folders are made, and nothing is left beside it', () => {
    writeFileSync(at('old'), 'old');
    chmodSync(at('old'), 0o640);
    write(at('old'), 'new\n');
    expect(readFileSync(at('old'), 'utf8')).toBe('new\n');
    expect(statSync(at('old')).mode & 0o777).toBe(0o640);
    write(at('a', 'b', 'c'), 'deep\n');
    expect(readFileSync(at('a', 'b', 'c'), 'utf8')).toBe('deep\n');
    expect(readdirSync(folder).toSorted()).toEqual(['a', 'old']);
  });

  test('a link stays and what it points to is written, there or not', () => {
    mkdirSync(at('real'));
    writeFileSync(at('real', 'there'), 'old');
    symlinkSync('real/there', at('one'));
    symlinkSync('one', at('two'));
    symlinkSync('real/missing', at('dangling'));
    write(at('two'), 'new\n');
    write(at('dangling'), 'made\n');
    for (const link of ['one', 'two', 'dangling']) expect(lstatSync(at(link)).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('real', 'there'), 'utf8')).toBe('new\n');
    expect(readFileSync(at('real', 'missing'), 'utf8')).toBe('made\n');
  });

  test('folders, links without an end or a place, and names that are none are refused', () => {
    symlinkSync('y', at('x'));
    symlinkSync('x', at('y'));
    symlinkSync('/nowhere/at/all', at('far'));
    expect(() => write(folder, 'x\n')).toThrow('it is a folder, and a file is needed');
    expect(() => write(at('new/'), 'x\n')).toThrow('it names a folder');
    expect(() => write('', 'x\n')).toThrow('the name is empty');
    expect(() => write(at('x'), 'x\n')).toThrow('lead in a circle');
    expect(() => write(at('far'), 'x\n')).toThrow('it is a link to /nowhere/at/all, whose folder does not');
    expect(lstatSync(at('far')).isSymbolicLink()).toBe(true);
  });

  test('a named pipe hands the bytes to its reader and stays a pipe', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const reader = spawn('cat', [at('pipe')]);
    let got = '';
    reader.stdout.on('data', (chunk: Buffer) => {
      got += chunk.toString();
    });
    const ended = new Promise((resolve) => reader.on('close', resolve));
    write(at('pipe'), 'through\n');
    await ended;
    expect(got).toBe('through\n');
    expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
  });

  test.skipIf(!isRoot)('a device is written to and stays a device; a full one is told of', () => {
    execFileSync('mknod', [at('null'), 'c', '1', '3']);
    execFileSync('mknod', [at('full'), 'c', '1', '7']);
    symlinkSync('null', at('link'));
    write(at('null'), 'x\n');
    write(at('link'), 'x\n');
    expect(() => write(at('full'), 'x\n')).toThrow('the disk is full');
    for (const name of ['null', 'full']) expect(lstatSync(at(name)).isCharacterDevice()).toBe(true);
    expect(readdirSync(folder).toSorted()).toEqual(['full', 'link', 'null']);
  });

  test('a name as long as the system allows is written', () => {
    const name = 'n'.repeat(255);
    write(at(name), 'x\n');
    expect(readdirSync(folder)).toEqual([name]);
  });
});

test('what was not committed leaves the previous file, and nothing else', () => {
  writeFileSync(at('out'), 'previous');
  {
    using output = new Output(at('out'));
    output.write(Buffer.from('half'));
  }
  const failing = (): void =>
    writeThrough(at('out'), (place) => {
      writeFileSync(place, 'half');
      throw new UserError('X', `Cannot write ${place}: no.`);
    });
  expect(failing).toThrow(`Cannot write ${at('out')}: no.`);
  expect(readFileSync(at('out'), 'utf8')).toBe('previous');
  expect(readdirSync(folder)).toEqual(['out']);
});

test('a socket is refused', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at('socket'), resolve));
  expect(() => destinationOf(at('socket'))).toThrow('it is a socket');
  await new Promise((resolve) => server.close(resolve));
});

test('standard output is known by all its names, and a file called - by a longer one', () => {
  symlinkSync('/dev/stdout', at('log'));
  for (const name of ['-', '/dev/stdout', '/dev/fd/1', '/proc/self/fd/1', at('log')])
    expect(isStandardOutput(name), name).toBe(true);
  for (const name of ['./-', '/dev/stderr', '/dev/fd/10', at('x')])
    expect(isStandardOutput(name)).toBe(false);
});

test('a link to a folder stays when the folder is replaced', () => {
  mkdirSync(at('real'));
  writeFileSync(at('real', 'old'), '');
  symlinkSync('real', at('link'));
  writeFolderAtomic(at('link'), (place) => writeFileSync(join(place, 'new'), ''));
  expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
  expect(readdirSync(at('real'))).toEqual(['new']);
});
