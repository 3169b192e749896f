/** A file of records of which only the places of the lines are in memory, so that lines can be taken in any order. */
import { STANDARD } from '../base/destination.ts';
import { UserError } from '../base/errors.ts';
import { inputName, LineFile } from '../base/lines.ts';
import { tryParseJson } from '../json/parse.ts';
import { type DataRecord, readRecord, Rejection } from './record.ts';

export class RecordFile implements Disposable {
  readonly path: string;
  readonly #file: LineFile;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Opens a file, or `-` for standard input, and calls `visit` with every record once, in order; throws a UserError for a line that is none. */
  constructor(path: string, visit: (record: DataRecord) => void) {
    this.path = inputName(path);
    if (!path.endsWith('.jsonl') && path !== STANDARD && !path.startsWith('/dev/')) {
      throw new UserError(
        'FILE',
        `${path} is no .jsonl file; give records as data convert writes them, not packed.`,
      );
    }
    this.#file = new LineFile(path);
    try {
      for (const { text, number, start, end } of this.#file.lines()) {
        if (text.trim() === '') continue;
        visit(this.#parse(text, number));
        this.#starts.push(start);
        this.#ends.push(end);
      }
    } catch (thrown) {
      this.#file[Symbol.dispose]();
      throw thrown;
    }
  }

  get length(): number {
    return this.#starts.length;
  }

  #parse(text: string, line: number): DataRecord {
    const where = `${this.path}:${line}`;
    const parsed = tryParseJson(text);
    if (!parsed.ok)
      throw new UserError('DATA_LINE', `${where} is not whole JSON; repair or remove that line.`);
    try {
      return readRecord(parsed.value, `line-${line}`);
    } catch (thrown) {
      if (thrown instanceof Rejection) throw new UserError('DATA_LINE', `${where}: ${thrown.message}`);
      throw thrown;
    }
  }

  /** The text of a line that holds a record, counted from zero. */
  lineAt(index: number): string {
    return this.#file.textAt(this.#starts[index] ?? 0, this.#ends[index] ?? 0).trimEnd();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
