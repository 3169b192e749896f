/** Data sets by name, from a server that speaks the hub's protocol in this process; and what is said without one. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hubFiles, isHubName, parseHubName } from '../../src/data/streams/hub.ts';

const cache = mkdtempSync(join(tmpdir(), 'hub-'));
const COMMIT = 'c'.repeat(40);
const files: Readonly<Record<string, Buffer>> = {
  'data/train.jsonl': Buffer.from('{"query": "a"}\n'),
  'data/more.json.gz': gzipSync('[{"query": "b"}]'),
  'README.md': Buffer.from('# A data set'),
};
const asked: (string | undefined)[] = [];

function entry(path: string, bytes: Buffer): object {
  const oid = createHash('sha1').update(bytes).digest('hex');
  return { type: 'file', path, oid, size: bytes.length, lastCommit: { id: COMMIT, title: 't', date: 0 } };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

/** The three answers of the hub that a download needs: the tree, facts about files, and a file's bytes. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://hub');
  asked.push(request.headers.authorization);
  const json = (status: number, value: unknown): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (url.pathname.includes('/closed/')) return json(401, { error: 'Access to it is restricted' });
  const tree = /^\/api\/datasets\/me\/tools\/tree\/main\/?(.*)$/.exec(url.pathname);
  if (tree !== null) {
    const below = Object.entries(files).filter(([path]) =>
      path.startsWith(decodeURIComponent(tree[1] ?? '')),
    );
    return json(
      200,
      below.map(([path, bytes]) => entry(path, bytes)),
    );
  }
  if (url.pathname === '/api/datasets/me/tools/paths-info/main') {
    const { paths } = JSON.parse(await bodyOf(request)) as { paths: string[] };
    return json(
      200,
      paths.map((path) => entry(path, files[path]!)),
    );
  }
  const file = /^\/datasets\/me\/tools\/resolve\/main\/(.+)$/.exec(url.pathname);
  const bytes = files[decodeURIComponent(file?.[1] ?? '')];
  if (bytes === undefined) return json(404, { error: 'Repository not found' });
  const [, from = '0', to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
  const part = bytes.subarray(Number(from), to === undefined || to === '' ? undefined : Number(to) + 1);
  response.writeHead(request.headers.range === undefined ? 200 : 206, {
    ETag: `"${createHash('sha1').update(bytes).digest('hex')}"`,
    'Content-Length': part.length,
    'Content-Range': `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`,
    'X-Repo-Commit': COMMIT,
  });
  response.end(part);
}

const server = createServer((request, response) => void answer(request, response));
let endpoint = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv('HF_HUB_CACHE', cache);
  vi.spyOn(console, 'debug').mockImplementation(() => undefined);
});
afterEach(() => {
  asked.length = 0;
});
afterAll(() => {
  server.close();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(cache, { recursive: true, force: true });
});

describe('hubFiles', () => {
  it('downloads the data files of a data set, and nothing else', async () => {
    const paths = await hubFiles('hf:me/tools', { HF_ENDPOINT: `${endpoint}/`, HF_TOKEN: 'hf_secret' });
    expect(paths.map((path) => readFileSync(path))).toEqual([
      files['data/more.json.gz'],
      files['data/train.jsonl'],
    ]);
    expect(paths[0]).toMatch(/more\.json\.gz$/);
    expect(new Set(asked)).toEqual(new Set(['Bearer hf_secret']));
  });

  it('downloads one file of it', async () => {
    const [path] = await hubFiles('hf:me/tools@main/data/train.jsonl', { HF_ENDPOINT: endpoint });
    expect(readFileSync(path!, 'utf8')).toBe('{"query": "a"}\n');
  });

  it('says what is closed, what is missing, and that there is no way to the hub', async () => {
    const told = (name: string, env = { HF_ENDPOINT: endpoint }): Promise<string> =>
      hubFiles(name, env).then(String, (thrown: Error) => thrown.message);
    expect(await told('hf:me/closed/data.jsonl')).toContain(
      'is not open to you (HTTP 401); accept its terms on its page, set HF_TOKEN',
    );
    expect(await told('hf:me/nothing')).toBe('The hub has no hf:me/nothing (HTTP 404); check the name.');
    expect(await told('hf:me/tools/LICENSES')).toContain('has no .json, .jsonl or .parquet file');
    expect(await told('hf:me/tools', { HF_ENDPOINT: 'http://127.0.0.1:9' })).toMatch(
      /^Cannot reach the hub for hf:me\/tools \(.*\); go online, or download/,
    );
    await expect(hubFiles('hf:me/tools', { HF_HUB_OFFLINE: '1' })).rejects.toThrow('HF_HUB_OFFLINE is set');
  });
});

describe('parseHubName', () => {
  it('takes owner, name, revision and path apart', () => {
    expect(parseHubName('hf:a/b@v1/data/x.jsonl')).toEqual({
      repository: 'a/b',
      revision: 'v1',
      path: 'data/x.jsonl',
    });
    expect(() => parseHubName('hf:only')).toThrow('write hf:owner/name');
    expect(isHubName('a/b')).toBe(false);
  });
});
