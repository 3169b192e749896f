/**
 * Receives a checkpoint from a cluster that shares no file system: a manifest by POST, which is answered with the files that
 * are missing, and each of those by PUT. What was received stays, so that a sender goes on where it was.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { errorText, UserError } from '../../../src/base/errors.ts';
import { digestOf } from '../../../src/base/identity.ts';
import { systemCode } from '../../../src/base/processes.ts';
import { OUTPUT_FILE, type OutputFile } from './protocol.ts';

const manifestSchema = z.object({ files: z.array(OUTPUT_FILE).max(10_000) });
/** Bytes of a manifest at most. */
const MOST_MANIFEST = 2 ** 22;

export interface Receiver extends AsyncDisposable {
  /** Address that a job sends to. */
  readonly url: string;
}

/** Host and port of an address such as 10.0.0.5:8700. Throws a UserError. */
function addressOf(text: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  const isAny = ['0.0.0.0', '::'].includes(host);
  if (host === '' || isAny || Number(port) < 1 || Number(port) > 65_535)
    throw new UserError(
      'LISTEN',
      `--listen ${text} is no HOST:PORT; give the address by which the cluster reaches this machine, such as 10.0.0.5:8700.`,
    );
  return { host, port: Number(port) };
}

const isSame = (one: string, other: string): boolean => {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
};

/** A folder that is being filled. */
class Inbox {
  readonly #folder: string;
  #files: readonly OutputFile[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  #isThere({ name, bytes, sha256 }: OutputFile): boolean {
    const path = join(this.#folder, name);
    return existsSync(path) && statSync(path).size === bytes && digestOf(path) === sha256;
  }

  /** Names of the files that are still to come. */
  expect(files: readonly OutputFile[]): string[] {
    this.#files = files;
    return files.filter((file) => !this.#isThere(file)).map(({ name }) => name);
  }

  /** Stores a file of the manifest; throws an Error where it is not the one that was told of. */
  async store(name: string, body: IncomingMessage): Promise<void> {
    const file = this.#files.find((one) => one.name === name);
    if (file === undefined) throw new Error(`${name} is not in the manifest`);
    mkdirSync(this.#folder, { recursive: true });
    const part = join(this.#folder, `${name}.part`);
    const hash = createHash('sha256');
    let bytes = 0;
    await pipeline(
      body,
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          bytes += piece.length;
          if (bytes > file.bytes) throw new Error(`${name} is longer than ${file.bytes} bytes`);
          hash.update(piece);
          yield piece;
        }
      },
      createWriteStream(part, { flush: true }),
    );
    if (hash.digest('hex') !== file.sha256) {
      rmSync(part, { force: true });
      throw new Error(`${name} has another SHA-256 than the manifest says`);
    }
    renameSync(part, join(this.#folder, name));
  }
}

async function readManifest(request: IncomingMessage): Promise<readonly OutputFile[]> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MOST_MANIFEST) throw new Error('the manifest is too long');
    parts.push(part);
  }
  return manifestSchema.parse(JSON.parse(Buffer.concat(parts).toString('utf8'))).files;
}

/** Listens at `address` and stores in `folder` what comes under the secret `token`. Throws a UserError where it cannot. */
export async function receive(address: string, token: string, folder: string): Promise<Receiver> {
  const { host, port } = addressOf(address);
  const inbox = new Inbox(folder);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, given = '', what, name] = (request.url ?? '').split('/');
    const reply = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (!isSame(given, token) || what !== 'files') return reply(404, { error: 'not found' });
    try {
      if (request.method === 'POST' && name === undefined)
        return reply(200, { missing: inbox.expect(await readManifest(request)) });
      if (request.method === 'PUT' && name !== undefined) {
        await inbox.store(decodeURIComponent(name), request);
        return reply(200, {});
      }
      reply(405, { error: 'POST a manifest or PUT a file' });
    } catch (thrown) {
      if (!response.headersSent) reply(400, { error: errorText(thrown) });
      request.destroy();
    }
  };
  // A checkpoint of gigabytes takes longer than any limit on a request.
  const server = createServer({ requestTimeout: 0 }, (request, response) => void answer(request, response));
  const listen = (at: string): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, at, resolve);
    });
  try {
    // An address that is translated on the way is not one of this machine's own.
    await listen(host).catch((thrown: unknown) => {
      if (systemCode(thrown) !== 'EADDRNOTAVAIL') throw thrown;
      return listen('0.0.0.0');
    });
  } catch (thrown) {
    throw new UserError(
      'LISTEN',
      `Nothing can be received at ${address} (${errorText(thrown)}); give --listen an address of this machine with a free port.`,
    );
  }
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/${token}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
