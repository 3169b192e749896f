/** Downloads from a hub of our own, which cuts connections, forgets ranges and sends wrong bytes on request. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { parseModelName, type Pulled, pullModel } from '../../src/model/checkpoint/pull.ts';

const weights = Buffer.alloc(300_000, 'tinystar');
const files: Readonly<Record<string, Buffer>> = {
  'config.json': Buffer.from('{"model_type": "qwen3"}\n'),
  'tokenizer.json': Buffer.from('{}'),
  'model.safetensors': weights,
  'README.md': Buffer.from('# not wanted\n'),
  'pytorch_model.bin': Buffer.from('not wanted either'),
};
const digest = (kind: string, ...parts: readonly (string | Buffer)[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash(kind)).digest('hex');

let server: Server;
let requests: string[] = [];
/** Faults of the weights. */
let fault: 'none' | 'cut' | 'no ranges' | 'wrong bytes' | 'busy' = 'none';

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = request.url ?? '';
    if (url.startsWith('/api/models/Qwen/tiny/tree/main')) {
      const entries = Object.entries(files).map(([path, bytes]) => ({
        type: 'file',
        path,
        size: bytes.length,
        oid: digest('sha1', `blob ${bytes.length}\0`, bytes),
        ...(path.endsWith('.safetensors')
          ? { lfs: { oid: digest('sha256', bytes), size: bytes.length, pointerSize: 130 } }
          : {}),
      }));
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(entries));
      return;
    }
    const bytes = files[url.split('/').at(-1) ?? ''];
    if (!url.startsWith('/Qwen/tiny/resolve/main/') || bytes === undefined) {
      response.writeHead(404).end();
      return;
    }
    requests.push(`${url.split('/').at(-1)} ${request.headers.range ?? 'whole'}`);
    const faulty = bytes === weights ? fault : 'none';
    if (faulty === 'busy') {
      response.writeHead(503).end();
      return;
    }
    const start =
      faulty === 'no ranges' ? 0 : Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const body = faulty === 'wrong bytes' ? Buffer.alloc(bytes.length, 'x') : bytes;
    response.writeHead(start > 0 ? 206 : 200, { 'Content-Length': bytes.length - start });
    if (faulty === 'cut') response.write(body.subarray(start, start + 100_000), () => response.destroy());
    else response.end(body.subarray(start));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
afterAll(() => {
  server.close();
});

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tinystar-pull-'));
  requests = [];
  fault = 'none';
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const pull = (name = 'Qwen/tiny', signal = new AbortController().signal): Promise<Pulled> => {
  const { port } = server.address() as AddressInfo;
  return pullModel({ name, folder, signal, env: { HF_ENDPOINT: `http://127.0.0.1:${port}` } });
};
const weightsPath = (): string => join(folder, 'model.safetensors');

test('a model comes with its config, tokenizer and weights, and nothing else', async () => {
  const { files: pulled, bytes, kept } = await pull();
  expect(pulled).toEqual(['tokenizer.json', 'config.json', 'model.safetensors']);
  expect(bytes).toBe(300_000 + 24 + 2);
  expect(kept).toBe(0);
  expect(readFileSync(weightsPath()).equals(weights)).toBe(true);
  expect(existsSync(join(folder, 'README.md'))).toBe(false);
});

test('a download that was cut goes on where it was', async () => {
  fault = 'cut';
  await expect(pull()).rejects.toThrow(
    new UserError(
      'HUB_CUT',
      'The download of Qwen/tiny/model.safetensors ended early; re-run the same command to resume it.',
    ),
  );
  expect(existsSync(weightsPath())).toBe(false);
  fault = 'none';
  requests = [];
  expect((await pull()).kept).toBe(2);
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatch(/^model\.safetensors bytes=[1-9]\d*-$/);
  expect(readFileSync(weightsPath()).equals(weights)).toBe(true);
});

test('a server that knows no ranges is read from the start', async () => {
  writeFileSync(join(folder, '.model.safetensors.part'), weights.subarray(0, 1000));
  fault = 'no ranges';
  await pull();
  expect(readFileSync(weightsPath()).equals(weights)).toBe(true);
});

test('wrong bytes never get the name of the file', async () => {
  fault = 'wrong bytes';
  await expect(pull()).rejects.toThrow(
    'Qwen/tiny/model.safetensors came with other bytes than the hub has; re-run the same command.',
  );
  expect(existsSync(weightsPath())).toBe(false);
  expect(existsSync(join(folder, '.model.safetensors.part'))).toBe(false);
});

test('a file that was damaged after it came is fetched again, whole ones are not', async () => {
  await pull();
  requests = [];
  const damaged = Buffer.from(weights);
  damaged[5] = 0;
  writeFileSync(weightsPath(), damaged);
  expect((await pull()).kept).toBe(2);
  expect(requests).toEqual(['model.safetensors whole']);
  expect(readFileSync(weightsPath()).equals(weights)).toBe(true);
});

test('a busy hub, an unknown model, a wrong name and no network are told in one sentence', async () => {
  fault = 'busy';
  await expect(pull()).rejects.toThrow('The hub is busy (HTTP 503 for Qwen/tiny/model.safetensors)');
  await expect(pull('Qwen/other')).rejects.toThrow('The hub has no Qwen/other (HTTP 404); check the name.');
  await expect(pull('other')).rejects.toThrow("other is no model's name; write owner/name");
  const offline = pullModel({
    name: 'Qwen/tiny',
    folder,
    signal: new AbortController().signal,
    env: { HF_HUB_OFFLINE: '1' },
  });
  await expect(offline).rejects.toThrow('HF_HUB_OFFLINE is set, so Qwen/tiny is not downloaded');
});

test('a stop is heeded at once', async () => {
  const controller = new AbortController();
  controller.abort(new Error('stopped'));
  await expect(pull('Qwen/tiny', controller.signal)).rejects.toThrow('stopped');
  expect(requests).toEqual([]);
});

test('names may have a revision', () => {
  expect(parseModelName('Qwen/Qwen3-0.6B')).toEqual({ repository: 'Qwen/Qwen3-0.6B', revision: 'main' });
  expect(parseModelName('Qwen/Qwen3-0.6B@v1')).toEqual({ repository: 'Qwen/Qwen3-0.6B', revision: 'v1' });
});
