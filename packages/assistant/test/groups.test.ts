/** Groups of requests that a base reads from a file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileGroup, readGroups } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'groups-'));
afterAll(() => rmSync(folder, { recursive: true }));

const properties = { room: { type: 'string' }, level: { type: 'integer' } };
const functions = [{ name: 'dim', description: 'Dim', parameters: { type: 'object', properties } }];

test('a line is a group: its functions with each request and its answer, arguments in the order of the definition', () => {
  const path = join(folder, 'groups.jsonl');
  const calls = [{ name: 'dim', arguments: { level: 3, room: 'den' } }];
  const lines = [
    { functions, requests: [{ request: 'den to 3', calls, reply: '' }] },
    { functions, requests: [{ request: 'hello', calls: [], reply: "I can't do that." }] },
  ];
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const [first] = fileGroup(readGroups(path), 0);
  const [, answer] = first?.messages ?? [];
  expect(first?.tools).toEqual(functions);
  expect(JSON.stringify(answer?.toolCalls?.[0]?.arguments)).toBe('{"room":"den","level":3}');
  // The lines come again.
  expect(fileGroup(readGroups(path), 3)[0]?.messages[1]).toEqual({
    role: 'assistant',
    content: "I can't do that.",
  });
});

test('an empty file is refused', () => {
  const path = join(folder, 'empty.jsonl');
  writeFileSync(path, '');
  expect(() => readGroups(path)).toThrow(/empty\.jsonl is empty/);
});
