/** `tinystar serve` as a process: what it prints, whom it answers, and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../../bin/tinystar.mjs', import.meta.url));
const model = fileURLToPath(new URL('../../../bases/fit-student', import.meta.url));

interface Serving {
  readonly child: ChildProcess;
  /** All that it has printed for people so far. */
  readonly said: () => string;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(...flags: string[]): Serving {
  const child = spawn(process.execPath, [program, 'serve', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  return { child, said: () => said };
}

/** Address of a server that has come up. */
async function addressOf({ child, said }: Serving): Promise<string> {
  for (;;) {
    const address = /at (http:\S+)\/v1/.exec(said())?.[1];
    if (address !== undefined) return address;
    if (child.exitCode !== null) throw new Error(`the server has ended: ${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function exitOf({ child }: Serving): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}

const asked = (address: string, body: object, key?: string): Promise<Response> =>
  fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ model: 'fit-student', messages: [{ role: 'user', content: 'hello' }], ...body }),
  });

test('it answers who knows its key, tells its health to everybody, and ends with 0 when an answer has come to its end', async () => {
  const serving = start(model, '--port', '0', '--api-key', 'secret');
  const address = await addressOf(serving);
  expect((await fetch(`${address}/health`)).status).toBe(200);
  expect((await asked(address, {})).status).toBe(401);
  const whole = await asked(address, { max_completion_tokens: 4 }, 'secret');
  expect(await whole.json()).toMatchObject({ object: 'chat.completion', model: 'fit-student' });
  const streamed = await asked(address, { stream: true, max_completion_tokens: 200 }, 'secret');
  const reader = streamed.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader?.read())?.value ?? '';
  serving.child.kill('SIGTERM');
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) text += next.value;
  expect(text.trimEnd()).toMatch(/data: \[DONE\]$/);
  expect(await exitOf(serving)).toBe(0);
  expect(serving.said()).toContain('no more requests are taken');
  expect(serving.said()).not.toContain('secret');
}, 60_000);

test('a port that is taken, a model that is not there and a flag that has nothing to act on are told in a sentence, with 1', async () => {
  const first = start(model, '--port', '0');
  const port = new URL(await addressOf(first)).port;
  const others = [
    start(model, '--port', port),
    start('nowhere.gguf'),
    start(model, '--shadow', 'traces.jsonl'),
  ];
  expect(await Promise.all(others.map(exitOf))).toEqual([1, 1, 1]);
  const [taken, nowhere, shadow] = others.map(({ said }) => said());
  expect(taken).toContain(`port ${port} is taken; name another with --port`);
  expect(nowhere).toContain('nowhere.gguf');
  expect(shadow).toContain('add --upstream URL');
  for (const text of [taken, nowhere, shadow]) expect(text).not.toMatch(/^\s+at /m);
}, 60_000);
