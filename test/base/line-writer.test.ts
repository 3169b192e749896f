/** Files of lines that are whole or absent, and logs that grow. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { temporaryName } from '../../src/base/files.ts';
import { LineWriter } from '../../src/base/line-writer.ts';
import { ResponseLog } from '../../packages/benchmarks/src/responses.ts';
import { scratchFolder } from '../helpers/runs.ts';

let scratch = scratchFolder();
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());
const path = (): string => join(scratch.folder, 'deep', 'lines.jsonl');
/** A process number that no process can have. */
const NOBODY = 2 ** 22 + 1;

describe('a file that is written as a stream', () => {
  test('is there with all lines once it is committed, and not before', () => {
    {
      using writer = new LineWriter(path());
      writer.write('one');
      writer.write('zwei · 二');
      writer.write('');
      expect(writer.lines).toBe(3);
      expect(existsSync(path())).toBe(false);
      writer.commit();
    }
    expect(readFileSync(path(), 'utf8')).toBe('one\nzwei · 二\n\n');
    expect(readdirSync(dirname(path()))).toEqual(['lines.jsonl']);
  });

  test('keeps the order of lines over many buffers, to the byte', () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `${i} ${'ü€😀'.repeat(i % 397)}`);
    using writer = new LineWriter(path());
    for (const line of lines) writer.write(line);
    writer.commit();
    // No diff of millions of characters.
    expect(readFileSync(path(), 'utf8') === lines.map((line) => `${line}\n`).join('')).toBe(true);
  });

  test('that is not committed leaves what was there before, and nothing else', () => {
    mkdirSync(dirname(path()));
    writeFileSync(path(), 'before\n');
    expect(() => {
      using writer = new LineWriter(path());
      writer.write('x'.repeat(3_000_000));
      throw new Error('halfway');
    }).toThrow('halfway');
    expect(readFileSync(path(), 'utf8')).toBe('before\n');
    expect(readdirSync(dirname(path()))).toEqual(['lines.jsonl']);
  });

  test('replaces the one before as a whole', () => {
    for (const text of ['a much longer text', 'b']) {
      using writer = new LineWriter(path());
      writer.write(text);
      writer.commit();
    }
    expect(readFileSync(path(), 'utf8')).toBe('b\n');
  });

  test('removes what processes that are gone left half-written of it, and nothing of others', () => {
    mkdirSync(dirname(path()));
    const of = (pid: number, name = 'lines.jsonl'): string => join(dirname(path()), `.${name}.${pid}.tmp`);
    for (const left of [of(NOBODY), of(NOBODY, 'others.jsonl'), of(process.ppid)])
      writeFileSync(left, 'half');
    using writer = new LineWriter(path());
    writer.commit();
    expect(existsSync(of(NOBODY))).toBe(false);
    expect(existsSync(of(NOBODY, 'others.jsonl'))).toBe(true);
    expect(existsSync(of(process.ppid))).toBe(true);
  });

  test('that cannot be is told by its name', () => {
    writeFileSync(join(scratch.folder, 'deep'), 'a file');
    expect(() => new LineWriter(path())).toThrow(UserError);
    expect(() => new LineWriter(path())).toThrow(path());
  });

  test('is written beside its place, under a name of this process', () => {
    using writer = new LineWriter(path());
    expect(existsSync(temporaryName(path()))).toBe(true);
    writer.commit();
  });
});

describe('a log of responses', () => {
  test('grows line by line, and is there at once', () => {
    using log = new ResponseLog(path());
    for (const line of ['{"id": "a"}', '{"id": "ü"}']) {
      log.append(line);
      expect(readFileSync(path(), 'utf8').endsWith(`${line}\n`)).toBe(true);
    }
    expect(readFileSync(path(), 'utf8')).toBe('{"id": "a"}\n{"id": "ü"}\n');
  });

  test('goes on after its last whole line: what a power cut left of another is cut off', () => {
    {
      using log = new ResponseLog(path());
      log.append('{"id": "ä"}');
    }
    appendFileSync(path(), '{"id": "b", "resu');
    {
      using log = new ResponseLog(path());
      log.append('{"id": "c"}');
    }
    expect(readFileSync(path(), 'utf8')).toBe('{"id": "ä"}\n{"id": "c"}\n');
  });

  test('that holds half a line alone begins anew', () => {
    mkdirSync(dirname(path()));
    writeFileSync(path(), '{"id"');
    using log = new ResponseLog(path());
    log.append('{}');
    expect(readFileSync(path(), 'utf8')).toBe('{}\n');
  });

  test('two logs of one file do not write over each other', () => {
    using first = new ResponseLog(path());
    using second = new ResponseLog(path());
    for (let i = 0; i < 50; i++) {
      first.append(`{"id": "first", "i": ${i}}`);
      second.append(`{"id": "second", "i": ${i}}`);
    }
    const lines = readFileSync(path(), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(100);
    expect(lines.map((line) => JSON.parse(line) as unknown).at(-1)).toEqual({ id: 'second', i: 49 });
  });
});
