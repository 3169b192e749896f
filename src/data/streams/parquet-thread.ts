/** Decoder of a parquet file's row groups, in a thread of its own: see parquet.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import * as zlib from 'node:zlib';
import { asyncBufferFromFile, type Compressors, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { required } from '../../base/errors.ts';

/** Rows of a group, from `rowStart` up to `rowEnd`. */
export interface Range {
  readonly rowStart: number;
  readonly rowEnd: number;
}

export type Decoded = { readonly rows: readonly Record<string, unknown>[] } | { readonly thrown: unknown };

/** Snappy is built into the library; Node.js brings the others, Zstandard from version 22.15 on. */
function compressors(): Compressors {
  const zstd: unknown = Reflect.get(zlib, 'zstdDecompressSync');
  return {
    GZIP: (input) => gunzipSync(input),
    BROTLI: (input) => brotliDecompressSync(input),
    ...(typeof zstd === 'function' ? { ZSTD: (input: Uint8Array) => zstd(input) as Uint8Array } : {}),
  };
}

async function open(path: string) {
  const file = await asyncBufferFromFile(path);
  return { file, metadata: await parquetMetadataAsync(file), compressors: compressors() };
}

const opened = open(workerData as string);
// A failure is told with the first answer.
opened.catch(() => undefined);

async function decode(range: Range): Promise<Decoded> {
  try {
    return { rows: await parquetReadObjects({ ...(await opened), ...range }) };
  } catch (thrown) {
    return { thrown };
  }
}

const port = required(parentPort, 'the port of the thread');
port.on('message', (range: Range) => {
  void decode(range).then((decoded) => port.postMessage(decoded));
});
