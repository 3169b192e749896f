/** Parquet files, one row group in memory at a time. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import * as zlib from 'node:zlib';
import type { Compressors } from 'hyparquet';
import { errorText, UserError } from '../../base/errors.ts';
import type { PyValue } from '../../json/python.ts';

/** Snappy is built into the library; Node.js brings the others, Zstandard from version 22.15 on. */
function compressors(): Compressors {
  const zstd: unknown = Reflect.get(zlib, 'zstdDecompressSync');
  return {
    GZIP: (input) => gunzipSync(input),
    BROTLI: (input) => brotliDecompressSync(input),
    ...(typeof zstd === 'function' ? { ZSTD: (input: Uint8Array) => zstd(input) as Uint8Array } : {}),
  };
}

/**
 * A cell as JSON. Whole numbers become ints. A column of structs has every key that any of its rows has and null where
 * a row has it not, so nulls inside of structs are left out.
 */
export function cellValue(cell: unknown): PyValue {
  if (cell === null || cell === undefined) return null;
  if (typeof cell === 'string' || typeof cell === 'boolean' || typeof cell === 'bigint') return cell;
  if (typeof cell === 'number') return Number.isInteger(cell) ? BigInt(cell) : cell;
  if (cell instanceof Date) return cell.toISOString();
  if (cell instanceof Uint8Array) return Buffer.from(cell).toString('utf8');
  if (Array.isArray(cell) || ArrayBuffer.isView(cell)) {
    return Array.from(cell as unknown as ArrayLike<unknown>, cellValue);
  }
  const entries = Object.entries(cell).filter(([, value]) => value !== null && value !== undefined);
  return new Map(entries.map(([key, value]): [string, PyValue] => [key, cellValue(value)]));
}

/** The rows of a local parquet file; throws a UserError that names it. */
export async function* parquetRows(path: string): AsyncGenerator<PyValue> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      const rows = await parquetReadObjects({
        file,
        metadata,
        rowStart,
        rowEnd,
        compressors: compressors(),
      });
      for (const row of rows) yield cellValue(row);
      rowStart = rowEnd;
    }
  } catch (thrown) {
    throw new UserError(
      'PARQUET',
      `Cannot read ${path} as parquet (${errorText(thrown)}); check that the file is whole.`,
      { cause: thrown },
    );
  }
}
