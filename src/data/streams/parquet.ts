/** Parquet files, one row group in memory at a time. */
import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import type { SchemaTree } from 'hyparquet';
import { reasonOf, UserError } from '../../base/errors.ts';
import { startThread } from '../../base/threads.ts';
import type { PyValue } from '../../json/python.ts';
import type { Decoded, Range } from './parquet-thread.ts';

/** Time that decoding a row group may take, for each byte of the file and at least. */
const LIMIT_MS_PER_BYTE = 1e-3;
const LIMIT_MS = 5000;

/**
 * Rows of row groups, decoded in a thread that can be ended: hyparquet reads some damaged files for ever. Throws what the
 * library throws, and an Error after a time limit.
 */
async function* decodedRows(path: string, bytes: number, groups: readonly number[]) {
  const limit = Math.ceil(LIMIT_MS + LIMIT_MS_PER_BYTE * bytes);
  const thread = startThread(import.meta.url, 'parquet-thread', { workerData: path });
  try {
    let rowStart = 0;
    for (const rows of groups) {
      const signal = AbortSignal.timeout(limit);
      const answer = once(thread, 'message', { signal }) as Promise<[Decoded]>;
      thread.postMessage({ rowStart, rowEnd: rowStart + rows } satisfies Range);
      const [decoded] = await answer.catch((thrown: unknown) => {
        throw signal.aborted
          ? new Error(`its rows take longer than ${Math.round(limit / 1000)} s to decode`)
          : thrown;
      });
      if ('thrown' in decoded) throw decoded.thrown;
      yield* decoded.rows;
      rowStart += rows;
    }
  } finally {
    void thread.terminate();
  }
}

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

/**
 * A cell as JSON: 5.0 in a column of floats stays a float. A column of structs has every key that any of its rows has and
 * null where a row has it not, so nulls inside of structs are left out.
 */
function cellValue(cell: unknown, column: SchemaTree | undefined): PyValue {
  if (cell === null || cell === undefined) return null;
  if (typeof cell === 'string' || typeof cell === 'boolean' || typeof cell === 'bigint') return cell;
  if (typeof cell === 'number') {
    const isFloat = column?.element.type === 'DOUBLE' || column?.element.type === 'FLOAT';
    return Number.isInteger(cell) && !isFloat ? BigInt(cell) : cell;
  }
  if (cell instanceof Date) return cell.toISOString();
  if (cell instanceof Uint8Array) {
    if (!isUtf8(cell)) throw new UserError('PARQUET', 'a cell is not UTF-8');
    return Buffer.from(cell).toString('utf8');
  }
  if (Array.isArray(cell) || ArrayBuffer.isView(cell)) {
    const items = itemsOf(column);
    return Array.from(cell as unknown as ArrayLike<unknown>, (item) => cellValue(item, items));
  }
  const entries = Object.entries(cell).filter(([, value]) => value !== null && value !== undefined);
  return new Map(
    entries.map(([key, value]): [string, PyValue] => [key, cellValue(value, fieldOf(column, key))]),
  );
}

/** Rows of a local parquet file; throws a UserError that names it. */
export async function* parquetRows(path: string): AsyncGenerator<PyValue> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } = await import('hyparquet');
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const schema = parquetSchema(metadata);
    const groups = metadata.row_groups.map(({ num_rows: rows }) => Number(rows));
    for await (const row of decodedRows(path, file.byteLength, groups)) yield cellValue(row, schema);
  } catch (thrown) {
    throw new UserError(
      'PARQUET',
      `Cannot read ${path} as parquet${reasonOf(thrown)}; check that the file is whole.`,
      { cause: thrown },
    );
  }
}
