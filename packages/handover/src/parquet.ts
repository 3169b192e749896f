/** Parquet files that are written group by group: a teacher's distributions over a whole data set need not fit in memory. */
import { closeSync, openSync } from 'node:fs';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { writeFully } from '../../../src/base/open-file.ts';

/** Type of a column: a scalar, or lists of it, `list` times inside of each other; or a record of columns. */
export type ColumnType =
  | { readonly of: 'i32' | 'i64' | 'f32' | 'text'; readonly lists?: number }
  | { readonly fields: Columns; readonly lists?: number };
export type Columns = Readonly<Record<string, ColumnType>>;

const PRIMITIVE = {
  i32: { type: 'INT32' },
  i64: { type: 'INT64' },
  f32: { type: 'FLOAT' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
} as const;

/** Schema of a column: each list is the three levels that Arrow writes. */
function elements(name: string, type: ColumnType, lists = type.lists ?? 0): SchemaElement[] {
  const required = { repetition_type: 'REQUIRED' } as const;
  if (lists > 0)
    return [
      { name, ...required, converted_type: 'LIST', num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      ...elements('element', type, lists - 1),
    ];
  if ('of' in type) return [{ name, ...required, ...PRIMITIVE[type.of] }];
  const inside = Object.entries(type.fields).flatMap(([field, own]) => elements(field, own));
  return [{ name, ...required, num_children: Object.keys(type.fields).length }, ...inside];
}

/** Values that are gathered before a group of rows is written. */
const GROUP_VALUES = 1 << 20;

export class ParquetFile<Row extends Readonly<Record<string, unknown>>> implements Disposable {
  /** Rows so far. */
  rows = 0;
  readonly #names: readonly string[];
  readonly #writer: ParquetWriter;
  readonly #flush: () => void;
  #file: number | undefined;
  #pending: Row[] = [];
  #values = 0;

  /** Begins a file at `path`. */
  constructor(path: string, columns: Columns) {
    const file = openSync(path, 'w');
    this.#file = file;
    this.#names = Object.keys(columns);
    const bytes = new ByteWriter();
    const root: SchemaElement = { name: 'root', num_children: this.#names.length };
    const schema = [root, ...Object.entries(columns).flatMap(([name, type]) => elements(name, type))];
    this.#writer = new ParquetWriter({ writer: bytes, schema, statistics: false });
    this.#flush = () => {
      writeFully(path, file, new Uint8Array(bytes.buffer, 0, bytes.index));
      bytes.index = 0;
    };
  }

  /** Adds a row, which weighs as many `values` as it has. */
  write(row: Row, values: number): void {
    this.#pending.push(row);
    this.rows += 1;
    this.#values += values;
    if (this.#values >= GROUP_VALUES) this.#group();
  }

  #group(): void {
    const rows = this.#pending;
    if (rows.length === 0) return;
    const columnData = this.#names.map((name) => ({ name, data: rows.map((row) => row[name]) }));
    void this.#writer.write({ columnData, rowGroupSize: rows.length });
    this.#flush();
    [this.#pending, this.#values] = [[], 0];
  }

  /** Writes what is left, and the end of the file. */
  finish(): void {
    this.#group();
    void this.#writer.finish();
    this.#flush();
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}
