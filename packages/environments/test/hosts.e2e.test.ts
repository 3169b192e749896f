/** Functions that misbehave, in this process and in a worker: every call comes to a text, and in time. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, type EnvironmentHost } from '../src/environment.ts';
import { openEnvironment } from '../../../src/run/environments.ts';

const path = join(import.meta.dirname, 'modules/bad.mjs');
const limits = { ...DEFAULT_LIMITS, time_limit: 0.5, memory_limit: 32, result_limit: 100 };
const scratch = mkdtempSync(join(tmpdir(), 'tinystar-environment-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each([
  ['in this process', true],
  ['in a worker', false],
])('%s', (_, trusted) => {
  let host: EnvironmentHost;
  beforeAll(async () => {
    host = await openEnvironment({ source: 'module', path, trusted, ...limits });
  });
  afterAll(() => host[Symbol.dispose]());
  const call = (name: string, given = {}) => host.open({}).call(name, given);

  test('what a function throws is an error for the model', async () => {
    expect(await call('throws')).toEqual({ ok: false, text: 'Error: no such luck' });
    expect(await call('throws_oddly')).toEqual({ ok: false, text: 'Error: the function failed' });
  });

  test('a result of 10 MB is cut, and says how long it was', async () => {
    const { ok, text } = await call('huge');
    expect(ok).toBe(true);
    expect(text).toBe(`${'x'.repeat(100)}... (cut: 10485760 characters)`);
  });

  test('a function or a cycle as a result is an error', async () => {
    expect((await call('gives_function')).text).toBe(
      'Error: the function returned a function, which cannot be shown',
    );
    expect((await call('gives_cycle')).text).toMatch(/^Error: the function returned a value nested/);
  });

  test('a result is JSON as Python writes it', async () => {
    expect(await call('prints')).toEqual({ ok: true, text: '{"n": 1, "list": [true, null, 2.5]}' });
  });

  test('a function that waits for ever is given up on', async () => {
    expect(await call('waits')).toEqual({
      ok: false,
      text: 'Error: waits took longer than 0.5 s and was stopped',
    });
  });

  test('unknown functions and arguments that do not fit are told to the model', async () => {
    expect((await call('nothing')).text).toMatch(/^Error: there is no function nothing; there are throws, /);
    expect((await call('count')).text).toBe('Error: count needs the argument by');
    expect((await call('count', { by: 'two' })).text).toBe('Error: by of count must be of type integer');
    expect((await call('count', { by: 1, extra: 2 })).text).toBe('Error: count has no argument extra');
    expect((await call('__proto__')).ok).toBe(false);
  });

  test('a state that cannot be made is an error of every call', async () => {
    const session = host.open({ broken: true });
    for (let i = 0; i < 2; i++)
      expect(await session.call('count', { by: 1 })).toEqual({ ok: false, text: 'Error: no start' });
  });

  test('every conversation has a state of its own', async () => {
    const [a, b] = [host.open({}), host.open({})];
    expect((await a.call('count', { by: 2 })).text).toBe('2');
    expect((await b.call('count', { by: 5 })).text).toBe('5');
    expect((await a.call('count', { by: 2 })).text).toBe('4');
    a.close();
    b.close();
  });

  test('problems come with what they leave out', async () => {
    expect(await host.problems({ split: 'test', seed: 1, count: 2 })).toEqual([
      { id: 'test-0', category: 'all', question: '0?', answer: '0', setting: {} },
      { id: 'test-1', category: 'all', question: '1?', answer: '1', setting: {} },
    ]);
  });
});

describe('a worker', () => {
  let host: EnvironmentHost;
  beforeAll(async () => {
    host = await openEnvironment({ source: 'module', path, ...limits });
  });
  afterAll(() => host[Symbol.dispose]());
  const call = (name: string) => host.open({}).call(name, {});

  test('is stopped when a function computes for ever, takes all memory or ends the thread', async () => {
    expect((await call('never')).text).toBe('Error: never took longer than 0.5 s and was stopped');
    expect((await call('exits')).text).toBe('Error: exits failed: it ended its thread');
    expect((await call('rejects_later')).text).toBe('Error: rejects_later failed: nobody listens');
    const { ok, text } = await call('hoards');
    expect(ok).toBe(false);
    // The limit that is hit first depends on the machine's load.
    expect(text).toMatch(/^Error: hoards (used more than 32 MB|took longer than 0.5 s) and was stopped$/);
  });

  test('that was stopped is replaced, and conversations go on from where they were', async () => {
    const session = host.open({});
    await session.call('count', { by: 3 });
    await call('never');
    await session.call('never', {});
    expect((await session.call('count', { by: 4 })).text).toBe('7');
  });

  test('calls made at the same time are answered each with its own result', async () => {
    const sessions = Array.from({ length: 8 }, () => host.open({}));
    const results = await Promise.all(sessions.map((session, i) => session.call('count', { by: i })));
    expect(results.map(({ text }) => text)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });
});

describe('a module', () => {
  const write = (name: string, text: string): string => {
    const file = join(scratch, name);
    writeFileSync(file, text);
    return file;
  };
  const open = (file: string, trusted: boolean) =>
    openEnvironment({ source: 'module', path: file, trusted, ...limits });

  test.each([true, false])('that is none is told in a sentence (trusted: %s)', async (trusted) => {
    await expect(open(join(scratch, 'missing.mjs'), trusted)).rejects.toThrow(/There is no module/);
    const empty = write(`empty-${trusted}.mjs`, 'export default 5;');
    await expect(open(empty, trusted)).rejects.toThrow(/is no environment: .*correct the module/);
    const broken = write(`broken-${trusted}.mjs`, 'export default {');
    await expect(open(broken, trusted)).rejects.toMatchObject({ code: 'ENVIRONMENT' });
    const schema = write(
      `schema-${trusted}.mjs`,
      `export default { name: 's', tools: [{ name: 'f', description: '', parameters: { type: 'objekt' }, run: () => 1 }], problems: () => [] };`,
    );
    await expect(open(schema, trusted)).rejects.toThrow(/parameters of the tool f are no JSON Schema/);
  });

  test.each([true, false])('with broken problems is told too (trusted: %s)', async (trusted) => {
    const file = write(
      `problems-${trusted}.mjs`,
      `export default { name: 's', tools: [{ name: 'f', description: '', parameters: { type: 'object' }, run: () => 1 }], problems: () => [{ id: 'a', question: 5 }] };`,
    );
    const host = await open(file, trusted);
    await expect(host.problems({ split: 'train', seed: 1, count: 1 })).rejects.toThrow(
      /A train problem of the environment s is wrong: 0.question/,
    );
    host[Symbol.dispose]();
  });

  test.each([
    ['at its tools', "tools: [{ name: 'f', description: '', parameters: { type: 'objekt' }, run: () => 1 }]"],
    ['at its problems', 'tools: [], problems: () => [{ id: 5 }]'],
  ])('that is refused %s does not keep the program from ending', (_, parts) => {
    const file = write('ends.mjs', `export default { name: 's', problems: () => [], ${parts} };`);
    const load = pathToFileURL(join(import.meta.dirname, '../../../src/run/environments.ts')).href;
    const program = write(
      'ends-program.mjs',
      `import { openEnvironment } from ${JSON.stringify(load)};
      let host;
      try {
        host = await openEnvironment({ source: 'module', path: ${JSON.stringify(file)} });
        await host.problems({ split: 'train', seed: 1, count: 1 });
      } catch ({ message }) {
        console.log(message);
      } finally {
        host?.[Symbol.dispose]();
      }`,
    );
    const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', program], {
      timeout: 20_000,
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/correct (the module|them)/);
    expect(status).toBe(0);
  });
});
