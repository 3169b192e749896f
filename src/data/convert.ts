/** Rows in; records, or reasons why there is none, out. One row is in memory at a time. */
import { hermes } from '../chat/formats/hermes.ts';
import { answerText } from '../chat/template.ts';
import { toTool } from '../chat/tool-documents.ts';
import { withJsonSchema } from '../json/schema-dialects.ts';
import { isDict, type PyDict, typeName } from '../json/python.ts';
import { simrl } from '../rewards/simrl.ts';
import type { Format } from './formats/format.ts';
import { detectFormat, formatNames } from './formats/index.ts';
import { rowTools } from './formats/values.ts';
import { attemptRow, type Rejected, rowValue } from './reading.ts';
import { checkCalls, type DataRecord, Rejection } from './record.ts';
import type { Row, Rows } from './streams/rows.ts';

export interface ConvertOptions {
  /** Without one each row's own looks decide. */
  readonly format?: Format;
  /** Mark of records; default: the name of the format. */
  readonly source?: string;
  /** Default: what the format's reference does. */
  readonly everyTurn?: boolean;
  readonly refusal?: string;
  /** Tools of rows that have none of their own. */
  readonly tools?: readonly PyDict[];
  /** Tells whether parameters become JSON Schema. Default: they are kept as they are, as in the reference. */
  readonly jsonSchema?: boolean;
  /** Tells whether the answers must score above 0.99 against themselves: see `goldFault`. Default: yes. */
  readonly checkGold?: boolean;
}

const FULL = 0.99;

export type Converted =
  | { readonly record: DataRecord; readonly format: string }
  | { readonly rejected: Rejected };

/**
 * Why the record's answer would not earn full marks, as STAR's preparation asks of all data: it is scored against itself
 * with the Sim-RL reward, its thought emptied. This drops answers that call unknown functions, use unknown arguments, or
 * cannot be read back. Undefined if it would, or if there is none.
 */
function goldFault(record: DataRecord): Rejection | undefined {
  const last = record.messages.at(-1);
  if (last?.role !== 'assistant') return undefined;
  const { assistant, think, turn } = hermes;
  const label = `${think.close}${answerText(last, hermes)}${turn.close}\n`;
  const scorer = simrl.prepare({ prompt: assistant + think.open, label, tools: record.tools.map(toTool) });
  const { answer, detail } = scorer.score(label);
  if (answer > FULL) return undefined;
  if (detail.kind === 'format_error') return new Rejection(detail.fault, detail.message);
  if (detail.kind === 'unusable_label') return new Rejection('unusable_label', detail.message);
  return new Rejection('gold_score', `The answer scores only ${answer.toFixed(3)} against itself.`);
}

function finish(record: DataRecord, options: ConvertOptions): DataRecord {
  for (const { toolCalls = [] } of record.messages) checkCalls(toolCalls);
  const fault = options.checkGold === false ? undefined : goldFault(record);
  if (fault !== undefined) throw fault;
  return options.jsonSchema === true ? { ...record, tools: record.tools.map(withJsonSchema) } : record;
}

export function convertRow(row: Row, options: ConvertOptions): readonly Converted[] {
  const converted = attemptRow(row, () => {
    const bare = rowValue(row);
    if (!isDict(bare)) throw new Rejection('not_object', `The row is ${typeName(bare)}, not an object.`);
    const { tools } = options;
    const value =
      tools === undefined || rowTools(bare).length > 0 ? bare : new Map([...bare, ['tools', tools]]);
    const format = options.format ?? detectFormat(value);
    if (format === undefined)
      throw new Rejection('unknown_format', `The row looks like none of ${formatNames.join(', ')}.`);
    const { source = format.name, everyTurn = format.everyTurn === true, refusal } = options;
    // "12" of "data.jsonl:12", "3" of "data.json[3]".
    const [, place = row.where] = /(\d+)\]?$/.exec(row.where) ?? [];
    return format.convert(value, { source, place, everyTurn, refusal }).map((result) =>
      attemptRow(row, () => {
        if (result instanceof Rejection) throw result;
        return { record: finish(result, options), format: format.name };
      }),
    );
  });
  return 'rejected' in converted ? [converted] : converted;
}

export async function* convertRows(rows: Rows, options: ConvertOptions = {}): AsyncGenerator<Converted> {
  for await (const row of rows) yield* convertRow(row, options);
}

/** Counter of things that happened, the most frequent first. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  entries(): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  }
}
