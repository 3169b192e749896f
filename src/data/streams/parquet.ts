/** Parquet files, one row group in memory at a time. */
import { isUtf8 } from 'node:buffer';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import * as zlib from 'node:zlib';
import type { Compressors, SchemaTree } from 'hyparquet';
import { reasonOf, UserError } from '../../base/errors.ts';
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

/** The schema of a list's items. */
function itemsOf(column: SchemaTree | undefined): SchemaTree | undefined {
  const repeated = column?.children[0];
  if (repeated?.element.repetition_type !== 'REPEATED') return column;
  return repeated.children.length === 1 ? repeated.children[0] : repeated;
}

/** The schema of what stands under a key: of a struct's field, or of a map's values. */
function fieldOf(column: SchemaTree | undefined, key: string): SchemaTree | undefined {
  const named = ({ element }: SchemaTree): boolean => element.name === key;
  return column?.children.find(named) ?? column?.children[0]?.children[1];
}

function numberValue(cell: number, column: SchemaTree | undefined): PyValue {
  const type = column?.element.type;
  return Number.isInteger(cell) && type !== 'DOUBLE' && type !== 'FLOAT' ? BigInt(cell) : cell;
}

function cellText(cell: Uint8Array): string {
  if (!isUtf8(cell)) throw new UserError('PARQUET', 'a cell is not UTF-8');
  return Buffer.from(cell).toString('utf8');
}

/**
 * A cell as JSON: 5.0 in a column of floats stays a float. A column of structs has every key that any of its rows has and
 * null where a row has it not, so nulls inside of structs are left out.
 */
function cellValue(cell: unknown, column: SchemaTree | undefined): PyValue {
  if (cell === null || cell === undefined) return null;
  if (typeof cell === 'string' || typeof cell === 'boolean' || typeof cell === 'bigint') return cell;
  if (typeof cell === 'number') return numberValue(cell, column);
  if (cell instanceof Date) return cell.toISOString();
  if (cell instanceof Uint8Array) return cellText(cell);
  if (Array.isArray(cell) || ArrayBuffer.isView(cell)) {
    const items = itemsOf(column);
    return Array.from(cell as unknown as ArrayLike<unknown>, (item) => cellValue(item, items));
  }
  const entries = Object.entries(cell).filter(([, value]) => value !== null && value !== undefined);
  return new Map(
    entries.map(([key, value]): [string, PyValue] => [key, cellValue(value, fieldOf(column, key))]),
  );
}

/** The rows of a local parquet file; throws a UserError that names it. */
export async function* parquetRows(path: string): AsyncGenerator<PyValue> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } =
    await import('hyparquet');
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const schema = parquetSchema(metadata);
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
      for (const row of rows) yield cellValue(row, schema);
      rowStart = rowEnd;
    }
  } catch (thrown) {
    throw new UserError(
      'PARQUET',
      `Cannot read ${path} as parquet${reasonOf(thrown)}; check that the file is whole.`,
      {
        cause: thrown,
      },
    );
  }
}
