/** A server's socket: limits against slow and hostile clients, and an end that lets answers come to theirs. */
import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { serve, type ServerType } from '@hono/node-server';
import type { Hono } from 'hono';
import { UserError } from '../../../src/base/errors.ts';

export interface ListenOptions {
  /** 127.0.0.1 unless told. */
  readonly host?: string;
  /** 0 takes any that is free. */
  readonly port: number;
}

export interface Listening {
  readonly url: string;
  /** Takes no more requests, waits for answers up to so many milliseconds, and then cuts connections. */
  close(graceMs?: number): Promise<void>;
}

/** Milliseconds for headers, and for a whole request to come in; sockets that are idle. */
const TIMES = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 1_000,
};
/** Connections at a time. */
const MOST_CONNECTIONS = 4096;

/** Listens; throws a UserError where the address is taken or not ours. */
export async function listen(app: Hono, { host = '127.0.0.1', port }: ListenOptions): Promise<Listening> {
  const server: ServerType = await new Promise((resolve, reject) => {
    const made = serve(
      {
        fetch: app.fetch,
        hostname: host,
        port,
        createServer,
        serverOptions: { ...TIMES, maxHeaderSize: 16_384 },
      },
      () => resolve(made),
    );
    (made as Server).maxConnections = MOST_CONNECTIONS;
    made.on('error', (thrown: NodeJS.ErrnoException) => {
      const why =
        thrown.code === 'EADDRINUSE' ? `port ${port} is taken; name another with --port` : thrown.message;
      reject(new UserError('LISTEN', `The server cannot listen at ${host}:${port}: ${why}.`));
    });
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close: (graceMs = 10_000) =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeIdleConnections' in server) server.closeIdleConnections();
        setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), graceMs).unref();
      }),
  };
}
