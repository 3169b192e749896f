/** `tinystar eval project` of a model behind an address. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../../test/helpers/cli.ts';

/** Part of a request as OpenAI's chat endpoint has it. */
interface Asked {
  readonly model: string;
  readonly messages: readonly { readonly content: string }[];
  readonly tools: readonly { readonly function: { readonly name: string } }[];
}

const folder = mkdtempSync(join(tmpdir(), 'tinystar-served-project-'));
const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
const asked: Asked[] = [];
let server: Server;
let address = '';

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
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString('utf8')));
    request.on('end', () => {
      if (request.url === '/v1/models') {
        response.end('{"data": [{"id": "tiny"}]}');
        return;
      }
      const given = JSON.parse(body) as Asked;
      const words = given.messages.at(-1)?.content ?? '';
      asked.push(given);
      if (words === 'overflow')
        response.writeHead(400).end('{"error": {"message": "the prompt is too long"}}');
      else response.end(JSON.stringify({ choices: [{ message: messageTo(words), finish_reason: 'stop' }] }));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const score = (file: string, ...more: string[]): ReturnType<typeof runCli> =>
  runCli(['eval', 'project', folder, '--test', join(folder, file), '--json', ...more]);

test('a server is asked with the functions, and its calls and words are judged like those of a student', async () => {
  const { stdout, code } = await score('requests.jsonl', '--model', address);
  expect(code).toBe(0);
  const { models } = JSON.parse(stdout) as {
    models: { scores: { all: { correct: number; total: number } } }[];
  };
  expect(models).toHaveLength(1);
  expect(models[0]?.scores.all).toMatchObject({ correct: 2, total: 3 });
  expect(asked.map(({ model, tools }) => [model, tools[0]?.function.name])).toEqual(
    Array.from({ length: 3 }, () => ['tiny', 'lamp']),
  );
});

test('a server that does not answer a request is no model that answered in words', async () => {
  const { stderr, code } = await score('refused.jsonl', '--model', address);
  expect(code).toBe(1);
  expect(stderr).toContain('does not answer "overflow"');
});

test('a name on a server, or an engine, that does not go with the model is refused', async () => {
  const named = await score('requests.jsonl', '--model', '../../bases/fit-student', '--served', 'tiny');
  expect(named.stderr).toContain('--served names a model on a server');
  const engine = await score('requests.jsonl', '--model', address, '--engine', 'llama.cpp');
  expect(engine.stderr).toContain('--engine runs a GGUF file');
});
