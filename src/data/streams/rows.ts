/** The rows of a data file, whatever it is packed in: .jsonl, .json, either with .gz, or .parquet. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { STANDARD } from '../../base/destination.ts';
import { UserError } from '../../base/errors.ts';
import { fileError } from '../../base/files.ts';
import { systemCode } from '../../base/processes.ts';
import { encodingFault, TextPieces } from '../../base/text.ts';
import { tryParseJson } from '../../json/parse.ts';
import type { PyValue } from '../../json/python.ts';
import { Rejection } from '../record.ts';
import { elementsOf } from './elements.ts';
import { parquetRows } from './parquet.ts';

export interface Row {
  readonly where: string;
  /** The row, or undefined with what is wrong with its text. */
  readonly value: PyValue | undefined;
  readonly problem?: Rejection;
  /** The text that it was read from; absent for parquet. */
  readonly text?: string;
}

export type Rows = AsyncIterable<Row> | Iterable<Row>;

const CHUNK = 1 << 18;

/** The text of a file in pieces, unpacked if its name ends in .gz; throws a UserError that names it. */
async function* textChunks(path: string): AsyncGenerator<string> {
  const pieces = new TextPieces(path);
  const isStandard = path === STANDARD;
  const file = createReadStream(path, {
    highWaterMark: CHUNK,
    ...(isStandard ? { fd: 0, autoClose: false } : {}),
  });
  // Not a pipe, which does not hand errors on: the file's own would be lost, and the reader would wait for ever.
  const bytes = path.endsWith('.gz')
    ? pipeline(file, createGunzip({ chunkSize: CHUNK }), () => undefined)
    : file;
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) yield pieces.push(chunk);
    yield pieces.end();
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    if (systemCode(thrown).startsWith('Z_'))
      throw new UserError(
        'FILE',
        `Cannot read ${path}: it is not packed with gzip, or not whole; give it its right name, or copy it again.`,
      );
    throw fileError('read', path, thrown);
  } finally {
    file.destroy();
  }
}

function readRow(where: string, text: string): Row {
  const encoding = encodingFault(text);
  if (encoding !== undefined)
    return { where, value: undefined, problem: new Rejection('not_utf8', encoding), text };
  // Files that were put together may have a byte order mark in their middle.
  const parsed = tryParseJson(text.replace(/^\uFEFF/, ''));
  if (parsed.ok) return { where, value: parsed.value, text };
  return { where, value: undefined, problem: new Rejection('not_json', parsed.error.message), text };
}

/** Reads a file row by row; rows that cannot be read come with `problem`. */
export async function* fileRows(path: string): AsyncGenerator<Row> {
  if (path.endsWith('.parquet')) {
    let index = 0;
    for await (const value of parquetRows(path)) yield { where: `${path}[${++index}]`, value };
    return;
  }
  const name = path === STANDARD ? 'standard input' : path;
  for await (const { text, place } of elementsOf(textChunks(path), name)) {
    yield readRow(place.startsWith('[') ? name + place : `${name}:${place}`, text);
  }
}
