/** `tinystar eval project` of a model behind an address. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../../test/helpers/cli.ts';
import { chat, ScriptedServer } from '../../../test/helpers/scripted-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-served-project-'));
const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
let server: ScriptedServer;

/** Request of the user that a body of OpenAI's chat endpoint ends with. */
const wordsOf = ({ messages }: Record<string, unknown>): string =>
  (messages as { content: string }[]).at(-1)?.content ?? '';

/** Message of the made-up model: it turns the lamp on, whatever is wanted, unless it is thanked. */
function messageTo(request: string): object {
  if (request === 'thanks') return { content: '<think>Nothing to do.</think>You are welcome.' };
  const call = { name: 'lamp', arguments: '{"on": true}' };
  return { content: null, tool_calls: [{ id: 'call_1', type: 'function', function: call }] };
}

beforeAll(async () => {
  write(
    'functions.json',
    JSON.stringify([
      {
        name: 'lamp',
        description: 'Turn the lamp on or off',
        parameters: { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] },
      },
    ]),
  );
  write(
    'examples.jsonl',
    '{"request": "light please", "calls": [{"name": "lamp", "arguments": {"on": true}}]}\n',
  );
  write(
    'requests.jsonl',
    [
      '{"request": "lamp on", "calls": [{"name": "lamp", "arguments": {"on": true}}]}',
      '{"request": "lamp off", "calls": [{"name": "lamp", "arguments": {"on": false}}]}',
      '{"request": "thanks", "reply": "Any time."}\n',
    ].join('\n'),
  );
  write('refused.jsonl', '{"request": "overflow", "calls": []}\n');
  server = await ScriptedServer.start(({ path, body }) => {
    if (path === '/v1/models') return { body: { data: [{ id: 'tiny' }] } };
    const words = wordsOf(body);
    if (words === 'overflow') return { status: 400, body: { error: { message: 'the prompt is too long' } } };
    return { body: chat([messageTo(words), 'stop']) };
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const score = (file: string, ...more: string[]): ReturnType<typeof runCli> =>
  runCli(['eval', 'project', folder, '--test', join(folder, file), '--json', ...more]);

test('a server is asked with the functions, and its calls and words are judged like those of a student', async () => {
  const { stdout, code } = await score('requests.jsonl', '--model', `${server.url}/v1`);
  expect(code).toBe(0);
  const { models } = JSON.parse(stdout) as {
    models: { scores: { all: { correct: number; total: number } } }[];
  };
  expect(models).toHaveLength(1);
  expect(models[0]?.scores.all).toMatchObject({ correct: 2, total: 3 });
  const requests = server.asked.filter(({ path }) => path === '/v1/chat/completions');
  expect(requests).toHaveLength(3);
  for (const { body } of requests)
    expect(body).toMatchObject({ model: 'tiny', tools: [{ function: { name: 'lamp' } }] });
});

test('a server that does not answer a request is no model that answered in words', async () => {
  const { stderr, code } = await score('refused.jsonl', '--model', `${server.url}/v1`);
  expect(code).toBe(1);
  expect(stderr).toContain('does not answer "overflow"');
});

test('a name on a server, or an engine, that does not go with the model is refused', async () => {
  const named = await score('requests.jsonl', '--model', '../../bases/fit-student', '--served', 'tiny');
  expect(named.stderr).toContain('--served names a model on a server');
  const engine = await score('requests.jsonl', '--model', `${server.url}/v1`, '--engine', 'llama.cpp');
  expect(engine.stderr).toContain('--engine runs a GGUF file');
});
