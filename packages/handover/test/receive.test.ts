/** A checkpoint that a cluster sends: files with their digests, whoever is away meanwhile; and the wrapper that sends it, where there is a Python. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { filesOf, scratchFolder } from '../../../test/helpers/runs.ts';
import { readLog } from '../src/protocol.ts';
import { receive, type Receiver } from '../src/receive.ts';

const TOKEN = 'a-secret-of-this-test';
const hasPython = spawnSync('python3', ['--version']).status === 0;
const WRAPPER = fileURLToPath(new URL('../python/tinystar_job.py', import.meta.url));

function scratch(): string {
  const { folder, remove } = scratchFolder();
  onTestFinished(remove);
  return folder;
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function receiverIn(folder: string, port?: number): Promise<Receiver> {
  const receiver = await receive(`127.0.0.1:${port ?? (await freePort())}`, TOKEN, folder);
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  return receiver;
}

const fileOf = (name: string, content: string) => ({
  name,
  bytes: Buffer.byteLength(content),
  sha256: createHash('sha256').update(content).digest('hex'),
});

test('files come one by one, what is there is not asked for again, and a wrong one is refused', async () => {
  const folder = join(scratch(), 'received');
  const { url } = await receiverIn(folder);
  const manifest = { files: [fileOf('config.json', '{}'), fileOf('model.safetensors', 'weights')] };
  const missing = async (): Promise<unknown> =>
    (await fetch(`${url}/files`, { method: 'POST', body: JSON.stringify(manifest) })).json();
  const put = async (name: string, body: string): Promise<number> =>
    (await fetch(`${url}/files/${encodeURIComponent(name)}`, { method: 'PUT', body })).status;
  expect(await missing()).toEqual({ missing: ['config.json', 'model.safetensors'] });
  expect(await put('config.json', '{}')).toBe(200);
  expect(await missing()).toEqual({ missing: ['model.safetensors'] });
  // Cut, changed, too long, unheard of, outside.
  expect(await put('model.safetensors', 'weigh')).toBe(400);
  expect(await put('model.safetensors', 'weighty')).toBe(400);
  expect(await put('other.json', '{}')).toBe(400);
  expect(await put('../config.json', '{}')).toBe(400);
  await put('model.safetensors', 'weights and more').catch(() => undefined);
  expect(await missing()).toEqual({ missing: ['model.safetensors'] });
  expect(await put('model.safetensors', 'weights')).toBe(200);
  expect(await missing()).toEqual({ missing: [] });
  expect(readFileSync(join(folder, 'model.safetensors'), 'utf8')).toBe('weights');
});

test('one who does not know the secret gets nothing and leaves nothing', async () => {
  const folder = join(scratch(), 'received');
  const { url } = await receiverIn(folder);
  const other = url.replace(TOKEN, 'another-secret');
  const body = JSON.stringify({ files: [fileOf('config.json', '{}')] });
  expect((await fetch(`${other}/files`, { method: 'POST', body })).status).toBe(404);
  expect((await fetch(`${other}/files/config.json`, { method: 'PUT', body: '{}' })).status).toBe(404);
  expect(existsSync(folder)).toBe(false);
});

test('an address that cannot be listened at is told', async () => {
  const port = await freePort();
  await receiverIn(scratch(), port);
  await expect(receive(`127.0.0.1:${port}`, TOKEN, '')).rejects.toThrow(
    /Nothing can be received at .*free port/,
  );
  await expect(receive('0.0.0.0:8700', TOKEN, '')).rejects.toThrow(
    /give the address by which the cluster reaches/,
  );
  await expect(receive('somewhere', TOKEN, '')).rejects.toThrow(/--listen somewhere is no HOST:PORT/);
});

/** The wrapper as a process in `folder`; what it prints, and its status. */
function wrapped(folder: string, command: string, env: Record<string, string>) {
  const child = spawn('python3', [WRAPPER, 'sh', '-c', command], {
    cwd: folder,
    env: { PATH: process.env['PATH'], OUTPUT: 'output', ...env },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    said: () => said,
    ended: new Promise<number | null>((resolve) => child.on('close', resolve)),
  };
}

const eventsOf = (text: string) => [...readLog(text)].filter((line) => typeof line !== 'string');

test.skipIf(!hasPython)(
  'the wrapper trains, says what it has made, and sends it however long nobody listens',
  async () => {
    const folder = scratch();
    const port = await freePort();
    const job = wrapped(folder, 'echo "{}" > "$OUTPUT/config.json"; echo w > "$OUTPUT/model.safetensors"', {
      TINYSTAR_UPLOAD: `http://127.0.0.1:${port}/${TOKEN}`,
    });
    await expect.poll(job.said, { timeout: 10_000 }).toContain('trying again in 1 s');
    const received = join(folder, 'received');
    await receiverIn(received, port);
    expect(await job.ended).toBe(0);
    expect(filesOf(received)).toEqual(['config.json', 'model.safetensors']);
    expect(eventsOf(job.said())).toMatchObject([
      { event: 'versions', packages: {}, shared: null },
      {
        event: 'output',
        folder: join(folder, 'output'),
        files: [fileOf('config.json', '{}\n'), fileOf('model.safetensors', 'w\n')],
      },
    ]);
  },
);

test.skipIf(!hasPython)(
  'the wrapper trains nothing where versions do not fit or no reward server can be reached',
  async () => {
    const folder = scratch();
    writeFileSync(join(folder, 'requirements.txt'), '# pinned\nno-such-package[extra]==1.2.3 # why\npip\n');
    const wrong = wrapped(folder, 'echo trained', { TINYSTAR_REQUIREMENTS: 'requirements.txt' });
    expect(await wrong.ended).toBe(1);
    expect(eventsOf(wrong.said())).toMatchObject([
      { event: 'versions', packages: { 'no-such-package': null } },
      {
        event: 'fault',
        what: 'versions',
        text: expect.stringContaining('no-such-package is missing where 1.2.3 is needed'),
      },
    ]);
    const lost = wrapped(folder, 'echo trained', {
      REWARD_URL: `http://127.0.0.1:${await freePort()}/get_reward`,
    });
    expect(await lost.ended).toBe(1);
    expect(eventsOf(lost.said())).toMatchObject([
      {},
      {
        event: 'fault',
        what: 'reward',
        text: expect.stringMatching(/get_reward cannot be reached from .*refused/),
      },
    ]);
    expect(wrong.said() + lost.said()).not.toContain('trained');
  },
);

test.skipIf(!hasPython)('the wrapper fails with the command, and where it leaves no checkpoint', async () => {
  const folder = scratch();
  const failed = wrapped(folder, 'echo why >&2; exit 3', {});
  expect([await failed.ended, failed.said()]).toEqual([3, expect.stringContaining('why\n')]);
  const none = wrapped(folder, 'true', {});
  expect(await none.ended).toBe(1);
  expect(eventsOf(none.said()).at(-1)).toMatchObject({ event: 'fault', what: 'output' });
  // A checkpoint that the command leaves in the folder of the job is brought to where it was asked for.
  mkdirSync(join(folder, 'left'));
  const other = wrapped(folder, 'echo "{}" > left/config.json', {
    OUTPUT: 'there',
    TINYSTAR_LEFT_IN: 'left',
  });
  expect(await other.ended).toBe(0);
  expect(filesOf(join(folder, 'there'))).toEqual(['config.json']);
});

test.skipIf(!hasPython)(
  'what star_reward.py says of a reward server that is away is understood',
  async () => {
    const folder = dirname(WRAPPER);
    const url = `http://127.0.0.1:${await freePort()}/get_reward`;
    const ask = "import star_reward; star_reward.ask(['prompt'], ['answer'], ['label'])";
    const { stdout, stderr, status } = spawnSync('python3', ['-B', '-c', ask], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], REWARD_URL: url, REWARD_ATTEMPTS: '2' },
    });
    expect(status).toBe(1);
    expect(eventsOf(stdout + stderr)).toEqual([
      {
        event: 'warning',
        text: expect.stringMatching(/get_reward gives no rewards \(.*refused.*\); asking again$/),
      },
      {
        event: 'fault',
        what: 'reward',
        text: expect.stringMatching(/get_reward gave no rewards in 2 attempts \(.*refused.*\)$/),
      },
    ]);
  },
);
