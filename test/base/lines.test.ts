/** Lines of files that are longer than a text can be, of pipes and of standard input. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { LineFile, linesOf, wholeEnd, wholeLines } from '../../src/base/lines.ts';
import { readDialogues } from '../../src/data/reading.ts';
import { groupByTools } from '../../src/data/dialogues.ts';

let path = '';
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-lines-'));
  path = join(folder, 'lines.jsonl');
  return () => {
    rmSync(folder, { recursive: true });
  };
});

test('lines come in order with their numbers, and are read again at their places', () => {
  const lines = ['a', '', 'é€𝄞', 'x'.repeat(3_000_000), 'last'];
  writeFileSync(path, lines.join('\n'));
  using file = new LineFile(path);
  const found = [...file.lines()];
  expect(found.map(({ text }) => text)).toEqual(lines);
  expect(found.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  for (const { text, start, end } of found.toReversed())
    expect(file.textAt(start, end).replace(/\n$/, '')).toBe(text);
});

test('a last line without an end is a line of data, and none of a file that grows', () => {
  writeFileSync(path, 'one\ntwo\nthr');
  expect(Array.from(linesOf(path), ({ text }) => text)).toEqual(['one', 'two', 'thr']);
  expect(Array.from(wholeLines(path), ({ text }) => text)).toEqual(['one', 'two']);
  expect(wholeEnd(path)).toBe(8);
});

test('a line that is too long is told with its number', () => {
  writeFileSync(path, 'one\n');
  // A hole in the file takes no room.
  const file = openSync(path, 'r+');
  ftruncateSync(file, 300_000_000);
  closeSync(file);
  expect(() => [...linesOf(path)]).toThrow(`${path}:2 is longer than 256 MB`);
});

const row = (content: string, tool?: string): string =>
  JSON.stringify({
    tools: tool === undefined ? [] : [{ name: tool, parameters: {} }],
    messages: [
      { role: 'user', content },
      { role: 'assistant', content: 'ok' },
    ],
  });

test('dialogues of a file that is too large to be kept are the same as of one that is kept', () => {
  const tools = ['a', 'a', undefined, 'b', 'a', 'a', 'a'];
  const text = tools.map((tool, i) => `${row(`é${i}`, tool)}${i === 2 ? '\r\n\n' : '\n'}`).join('');
  writeFileSync(path, `\uFEFF${text.trimEnd()}`);
  const [kept, large] = [readDialogues(path), readDialogues(path, 10)];
  expect([kept.isLarge, large.isLarge]).toEqual([false, true]);
  expect([...large]).toEqual([...kept]);
  expect(Array.from(large.slice(2, 5))).toEqual([...kept].slice(2, 5));
  expect(large.at(5)?.id).toBe('line-7');
  expect(large.at(7)).toBeUndefined();
  const groups = [
    [0, 2],
    [2, 1],
    [3, 1],
    [4, 2],
    [6, 1],
  ].map(([start, count]) => ({ start, count }));
  for (const list of [kept, large, [...kept]]) expect(groupByTools(list, 2)).toEqual(groups);
});

test('a bad line of a large file is told with its number before anything begins', () => {
  writeFileSync(path, `${row('a')}\n{"messages"\n`);
  expect(() => readDialogues(path, 10)).toThrow(`${path}:2 is not whole JSON`);
});
