/** The truth table of a GGUF file: llama.cpp's library beside tinystar, and servers that answer as their APIs are documented. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChatTemplate } from '../../../src/chat/template.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { runCli } from '../../../test/helpers/cli.ts';
import { ScriptedServer } from '../../../test/helpers/scripted-server.ts';
import type { Checked } from '../src/check.ts';
import { startChromium } from '../src/browser.ts';
import { startProgram } from '../src/child.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-check-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const at = (name: string): string => join(scratch, name);
const tool = {
  name: 'switch_lamp',
  description: 'Turn the lamp of a room on or off',
  parameters: {
    type: 'object',
    properties: { place: { type: 'string', enum: ['kitchen', 'hall'] }, on: { type: 'boolean' } },
    required: ['place', 'on'],
  },
};
const call = { name: 'switch_lamp', arguments: { place: 'hall', on: false } };

beforeAll(async () => {
  const base = join(import.meta.dirname, '../../../bases/fit-student');
  const { code, stderr } = await runCli(['export', base, '--gguf', at('student.gguf'), '--check', '0']);
  if (code !== 0) throw new Error(stderr);
  writeFileSync(at('functions.json'), JSON.stringify([tool]));
  writeFileSync(
    at('acceptance.jsonl'),
    `${JSON.stringify({ request: 'lamp off in the hall', calls: [call] })}\n`,
  );
});

/** Address of a port that nobody listens at. */
const NOBODY = '127.0.0.1:9';
const checked = async (
  env: Record<string, string>,
  ...flags: string[]
): Promise<Checked & { code: number }> => {
  const args = [
    'check',
    at('student.gguf'),
    '--generate-max-len',
    '48',
    '--threads',
    '1',
    '--json',
    ...flags,
  ];
  const { stdout, code, stderr } = await runCli(args, {
    env: { OLLAMA_HOST: NOBODY, LLAMA_SERVER: join(scratch, 'no-such-program'), ...env },
  });
  expect(stderr).not.toContain('bug');
  return { ...(JSON.parse(stdout) as Checked), code };
};

test("llama.cpp's library makes the calls that tinystar makes, and what is missing is no failure", async () => {
  const { rows, missing, constrained, code } = await checked({});
  expect(code).toBe(0);
  expect(rows.map(({ name }) => name)).toEqual(['tinystar', "llama.cpp's library"]);
  // It renders no conversations, so there is nothing to say of its prompts.
  expect(rows[1]).not.toHaveProperty('prompts');
  expect(rows[1]).toMatchObject({ tokens: { total: 1 }, calls: { total: 1, correct: 1 } });
  expect(rows[1]?.right).toEqual(rows[0]?.right);
  expect(constrained.total).toBe(1);
  expect(missing.map(({ name }) => name)).toEqual([
    "llama.cpp's server",
    'node-llama-cpp',
    'transformers',
    'wllama',
    'Ollama',
  ]);
  expect(missing.map(({ why }) => why).join('\n')).toContain('--python');
});

test('a runtime that shows tools in its own way and hands over no call fails the check', async () => {
  await using server = await ScriptedServer.start(({ path, body }) => {
    if (path === '/api/version') return { body: { version: '0.14.0' } };
    if (body['_debug_render_only'] === true)
      return { body: { _debug_info: { rendered_template: '{switch_lamp {object}}' } } };
    return { body: { message: { role: 'assistant', content: '' } } };
  });
  const { rows, failing, code } = await checked({ OLLAMA_HOST: server.url }, '--ollama', 'mine');
  expect({ code, failing }).toEqual({ code: 1, failing: ['Ollama'] });
  const row = rows.at(-1);
  expect(row).toMatchObject({ prompts: { total: 1, correct: 0 }, right: { correct: 0 } });
  expect(row?.partings[0]).toMatchObject({ of: 'prompt', at: 0, id: 'line-1' });
  expect(row?.differences[0]).toMatchObject({ class: 'template', theirs: [] });
  expect(server.asked.at(-1)?.body).toMatchObject({
    model: 'mine',
    tools: [{ type: 'function', function: tool }],
    options: { temperature: 0 },
  });
});

test("a server's reader that loses what its model wrote fails the check, and the terminal shows it", async () => {
  const tokenizer = Tokenizer.load(at('student.gguf'));
  const messages = [{ role: 'user', content: 'lamp off in the hall' }] as const;
  const prompt = ChatTemplate.of(tokenizer).prompt({ messages, tools: [tool] });
  const replies: Record<string, object> = {
    '/health': { status: 'ok' },
    '/apply-template': { prompt },
    '/tokenize': { tokens: [...tokenizer.encode(prompt)] },
    '/completion': { content: `<tool_call>\n${JSON.stringify(call)}\n</tool_call>` },
  };
  await using server = await ScriptedServer.start(({ path }) => {
    const body = replies[path];
    return body === undefined ? { status: 500, body: { error: 'Failed to parse' } } : { body };
  });
  const shown = await runCli(
    ['check', at('student.gguf'), '--threads', '1', '--llama-server', server.url, '--generate-max-len', '48'],
    { env: { OLLAMA_HOST: NOBODY } },
  );
  expect(shown.code).toBe(1);
  expect(shown.stdout).toMatch(/llama\.cpp's server http:\S+ +1\/1 +1\/1 .*lost 1/);
  expect(shown.stdout).toContain('theirs   HTTP 500');
  expect(shown.stdout).toContain('not there: Ollama');
});

test('a program answers line by line, and its last words are the reason where it does not start', async () => {
  const { signal } = new AbortController();
  const start = (source: string) =>
    startProgram({ ending: 'mjs', source, interpreter: process.execPath, given: {} }, signal);
  const echo = `console.log('a note'); console.log(JSON.stringify({ about: 'v1' }));
    process.stdin.on('data', (line) => console.log(JSON.stringify({ written: JSON.parse(line).request })));`;
  const found = await start(echo);
  if (typeof found === 'string') throw new Error(found);
  await using open = found;
  expect(open.about).toBe('v1');
  const asked = { request: 'hello', tools: [], prompt: '' };
  expect(await open.answer(asked, signal)).toEqual({ written: 'hello' });
  expect(await start('console.error("no such module"); process.exit(1)')).toBe('no such module');
});

test('a browser that is named and not there is told by its name', async () => {
  expect(await startChromium({ CHROMIUM: at('no-browser') })).toBe(
    `CHROMIUM names ${at('no-browser')}, which is not there`,
  );
});
