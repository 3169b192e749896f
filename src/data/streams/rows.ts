/** The rows of a data file, whatever it is packed in: .jsonl, .json, either with .gz, or .parquet. */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { STANDARD } from '../../base/destination.ts';
import { fileError } from '../../base/files.ts';
import { tryParseJson } from '../../json/parse.ts';
import type { PyValue } from '../../json/python.ts';
import { elementsOf } from './elements.ts';
import { parquetRows } from './parquet.ts';

export interface Row {
  /** File and line, or element. */
  readonly where: string;
  /** The row, or what is wrong with its JSON. */
  readonly value: PyValue | undefined;
  readonly problem?: string;
  /** The text that it was read from; absent for parquet. */
  readonly text?: string;
}

const CHUNK = 1 << 18;

/** Told now and then how many bytes of the file, packed as it is, were read so far. */
export type OnBytes = (bytes: number) => void;

/** The text of a file in pieces, unpacked if its name ends in .gz; throws a UserError that names it. */
export async function* textChunks(path: string, onBytes?: OnBytes): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8');
  const isStandard = path === STANDARD;
  const file = createReadStream(path, {
    highWaterMark: CHUNK,
    ...(isStandard ? { fd: 0, autoClose: false } : {}),
  });
  let failed: unknown;
  const note = (thrown: unknown): void => {
    failed ??= thrown;
  };
  const bytes = path.endsWith('.gz') ? file.pipe(createGunzip({ chunkSize: CHUNK })) : file;
  // A pipe does not hand errors on: the file's own would be lost, and the reader would wait for ever.
  file.on('error', (thrown) => {
    note(thrown);
    bytes.destroy(thrown);
  });
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      onBytes?.(file.bytesRead);
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder.decode();
  } catch (thrown) {
    throw fileError('read', path, failed ?? thrown);
  } finally {
    file.destroy();
  }
}

/** Reads a file row by row; rows that are no JSON come with `problem`. Of parquet, `onBytes` is told nothing. */
export async function* fileRows(path: string, onBytes?: OnBytes): AsyncGenerator<Row> {
  if (path.endsWith('.parquet')) {
    let index = 0;
    for await (const value of parquetRows(path)) yield { where: `${path}[${++index}]`, value };
    return;
  }
  const name = path === STANDARD ? 'standard input' : path;
  for await (const { text, place } of elementsOf(textChunks(path, onBytes), name)) {
    const where = place.startsWith('[') ? name + place : `${name}:${place}`;
    const parsed = tryParseJson(text);
    if (parsed.ok) yield { where, value: parsed.value, text };
    else yield { where, value: undefined, problem: parsed.error.message, text };
  }
}
