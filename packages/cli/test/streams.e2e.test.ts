/** The command in a process of its own: standard streams as files, pipes that nobody reads, exit codes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { SMOKE } from '../../../test/helpers/runs.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tinystar-streams-'));
  writeFileSync(
    join(folder, 'in.jsonl'),
    `${JSON.stringify({
      id: 'r',
      source: 's',
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'ok' },
      ],
      tools: [],
    })}\n`,
  );
  return () => {
    rmSync(folder, { recursive: true });
  };
});

/** Output, standard error and exit code of a shell; `T` is the command. */
function shell(script: string): { stdout: string; stderr: string; code: number | null } {
  const command = `${process.execPath} ${join(root, 'bin/tinystar.mjs')}`;
  const { stdout, stderr, status } = spawnSync('bash', ['-c', `T="${command}"; ${script}`], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { stdout, stderr, code: status };
}

test('- is standard input and standard output, where nothing but records is printed', () => {
  const { stdout, stderr, code } = shell('$T data clean - --output - < in.jsonl');
  expect({ code, record: JSON.parse(stdout) as unknown }).toMatchObject({ code: 0, record: { id: 'r' } });
  expect(stderr).toBe('1 records in standard output, 0 left out.\n');
  const mixed = shell('cat in.jsonl | $T data mix - --by weights --size 1 --output /dev/stdout 2>/dev/null');
  expect(JSON.parse(mixed.stdout)).toMatchObject({ id: 'r' });
}, 30_000);

test('standard output that is the input, and two outputs there, are refused', () => {
  const before = readFileSync(join(folder, 'in.jsonl'), 'utf8');
  expect(shell('$T data clean in.jsonl --output - >> in.jsonl')).toMatchObject({ code: 1 });
  expect(
    shell('$T data clean in.jsonl --output - --rejects /dev/fd/1 | cat; exit ${PIPESTATUS[0]}'),
  ).toMatchObject({
    code: 1,
    stdout: '',
  });
  expect(readFileSync(join(folder, 'in.jsonl'), 'utf8')).toBe(before);
}, 30_000);

test('a command whose output nobody reads ends as others do, and a full disk is told', () => {
  const unread = shell('$T data inspect --count 20 | true; exit ${PIPESTATUS[0]}');
  expect(unread).toEqual({ stdout: '', stderr: '', code: 141 });
  expect(shell('$T data clean in.jsonl --output - | true; exit ${PIPESTATUS[0]}').code).toBe(141);
  const full = shell('$T data inspect --count 1 > /dev/full');
  expect(full).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Cannot write standard output: the disk is full.*\n$/),
  });
}, 30_000);

test('a run goes on when nobody reads it, and is whole then', () => {
  const run = `$T run ${SMOKE} --runs runs`;
  const { stderr, code } = shell(`${run} --json 2> >(true) | head -1 >/dev/null; exit \${PIPESTATUS[0]}`);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  const files = readdirSync(join(folder, 'runs', 'smoke'));
  expect(files).toContain('student.gguf');
  expect(files).not.toContain('run.lock');
}, 120_000);

test('a run that is stopped says so by its exit code and goes on later', () => {
  const stop = (signal: string): number | null =>
    shell(
      `rm -f events; $T run ${SMOKE} --runs runs --json 2>err >events & until [ -s events ]; do sleep 0.05; done; kill -${signal} $!; wait $!`,
    ).code;
  expect(['HUP', 'TERM'].map(stop)).toEqual([129, 143]);
  expect(readFileSync(join(folder, 'err'), 'utf8')).toMatch(
    /Stopped[^\n]*; re-run the same command to resume\.\n$/,
  );
  expect(readdirSync(join(folder, 'runs', 'smoke'))).not.toContain('run.lock');
}, 120_000);
