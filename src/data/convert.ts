/** Rows in; records, or reasons why there is none, out. One row is in memory at a time. */
import { withJsonSchema } from '../chat/tool-schema.ts';
import { isDict, typeName } from '../json/python.ts';
import type { Format, FormatContext } from './formats/format.ts';
import { detectFormat, formatNames } from './formats/index.ts';
import { goldFault } from './gold.ts';
import { type DataRecord, recordFault, Rejection } from './record.ts';
import type { Row } from './streams/rows.ts';

export interface ConvertOptions {
  /** Without one each row's own looks decide. */
  readonly format?: Format;
  /** What records are marked with; default: the name of the format. */
  readonly source?: string;
  /** Default: what the format's reference does. */
  readonly everyTurn?: boolean;
  readonly refusal?: string;
  /** Tells whether parameters become JSON Schema. Default: they are kept as they are, as in the reference. */
  readonly jsonSchema?: boolean;
  /** Tells whether the answers must score above 0.99 against themselves. Default: yes. */
  readonly checkGold?: boolean;
}

export interface Rejected {
  readonly where: string;
  readonly code: string;
  readonly message: string;
  /** The row as it was, where it was text. */
  readonly text: string | undefined;
}

export type Converted =
  | { readonly kind: 'record'; readonly record: DataRecord; readonly format: string }
  | { readonly kind: 'rejected'; readonly rejected: Rejected };

/** "12" of "data.jsonl:12", "3" of "data.json[3]". */
function placeOf(where: string): string {
  return /(\d+)\]?$/.exec(where)?.[1] ?? where;
}

function chosenFormat(row: Row, options: ConvertOptions): Format {
  if (row.value === undefined) throw row.problem ?? new Rejection('not_json', 'It is not JSON.');
  if (!isDict(row.value))
    throw new Rejection('not_object', `The row is ${typeName(row.value)}, not an object.`);
  const format = options.format ?? detectFormat(row.value);
  if (format !== undefined) return format;
  throw new Rejection('unknown_format', `The row looks like none of ${formatNames.join(', ')}.`);
}

function finish(record: DataRecord, options: ConvertOptions): DataRecord {
  const fault = recordFault(record) ?? (options.checkGold === false ? undefined : goldFault(record));
  if (fault !== undefined) throw fault;
  return options.jsonSchema === true ? { ...record, tools: record.tools.map(withJsonSchema) } : record;
}

function rejected(row: Row, rejection: Rejection): Converted {
  const { where, text } = row;
  return { kind: 'rejected', rejected: { where, code: rejection.code, message: rejection.message, text } };
}

/** Runs `work`, with a Rejection that it throws as a value. */
function attempt<T>(work: () => T): T | Rejection {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof Rejection) return thrown;
    throw thrown;
  }
}

/** Converts one row. */
export function convertRow(row: Row, options: ConvertOptions): readonly Converted[] {
  const format = attempt(() => chosenFormat(row, options));
  if (format instanceof Rejection) return [rejected(row, format)];
  const { source = format.name, everyTurn = format.everyTurn, refusal } = options;
  const place = placeOf(row.where);
  const context: FormatContext = {
    source,
    place,
    everyTurn,
    ...(refusal === undefined ? {} : { refusal }),
  };
  const results = attempt(() => (isDict(row.value) ? format.convert(row.value, context) : []));
  if (results instanceof Rejection) return [rejected(row, results)];
  return results.map((result) => {
    const record = result instanceof Rejection ? result : attempt(() => finish(result, options));
    return record instanceof Rejection
      ? rejected(row, record)
      : { kind: 'record', record, format: format.name };
  });
}

/** Converts rows as they come. */
export async function* convertRows(
  rows: AsyncIterable<Row> | Iterable<Row>,
  options: ConvertOptions = {},
): AsyncGenerator<Converted> {
  for await (const row of rows) yield* convertRow(row, options);
}

/** How often each thing happened, the most frequent first. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  entries(): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  }
}
