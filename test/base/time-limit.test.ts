/** Time limits of requests hold whatever the garbage collector does meanwhile. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { within } from '../../src/base/time-limit.ts';

async function silentServer(): Promise<{ url: string } & Disposable> {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('a request to a server that says nothing ends at its limit, though garbage is collected', async () => {
  using server = await silentServer();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const collecting = setInterval(collect, 20);
  try {
    const never = new AbortController();
    await expect(within(300, never.signal, (signal) => fetch(server.url, { signal }))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  } finally {
    clearInterval(collecting);
  }
}, 5000);

test('a stop before the limit has its own reason, and none is begun after one', async () => {
  using server = await silentServer();
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('enough')), 30);
  const ask = (): Promise<Response> => within(60_000, stop.signal, (signal) => fetch(server.url, { signal }));
  await expect(ask()).rejects.toThrow('enough');
  await expect(ask()).rejects.toThrow('enough');
});
