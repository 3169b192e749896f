/** A file of records of which only the places of the lines are in memory, so that lines can be taken in any order. */
import { closeSync, openSync, readSync } from 'node:fs';
import { UserError } from '../base/errors.ts';
import { fileError } from '../base/files.ts';
import { tryParseJson } from '../json/parse.ts';
import { type DataRecord, readRecord, Rejection } from './record.ts';
import { guard } from './streams/elements.ts';

const CHUNK = 1 << 20;
const NEWLINE = 0x0a;

export class RecordFile implements Disposable {
  readonly path: string;
  readonly #file: number;
  readonly #offsets: number[] = [];
  readonly #lengths: number[] = [];

  /** Opens a file and calls `visit` with every record once, in order; throws a UserError for a line that is none. */
  constructor(path: string, visit: (record: DataRecord) => void) {
    this.path = path;
    if (!path.endsWith('.jsonl')) {
      throw new UserError(
        'FILE',
        `${path} is no .jsonl file; give records as data convert writes them, not packed.`,
      );
    }
    try {
      this.#file = openSync(path, 'r');
    } catch (thrown) {
      throw fileError('read', path, thrown);
    }
    try {
      this.#index(visit);
    } catch (thrown) {
      closeSync(this.#file);
      throw thrown;
    }
  }

  get length(): number {
    return this.#offsets.length;
  }

  #index(visit: (record: DataRecord) => void): void {
    // Of a line that goes on in the next piece.
    let parts: Buffer[] = [];
    let pending = 0;
    let offset = 0;
    let line = 0;
    const take = (bytes: Buffer): void => {
      line += 1;
      const text = bytes.toString('utf8');
      if (text.trim() !== '') {
        visit(this.#parse(text, line));
        this.#offsets.push(offset);
        this.#lengths.push(bytes.length);
      }
      offset += bytes.length + 1;
    };
    const chunk = Buffer.alloc(CHUNK);
    for (;;) {
      const read = readSync(this.#file, chunk, 0, CHUNK, null);
      if (read === 0) break;
      const bytes = Buffer.from(chunk.subarray(0, read));
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        take(Buffer.concat([...parts, bytes.subarray(from, end)]));
        [parts, pending] = [[], 0];
        from = end + 1;
      }
      parts.push(bytes.subarray(from));
      pending += read - from;
      guard(pending, `${this.path}:${line + 1}`);
    }
    if (pending > 0) take(Buffer.concat(parts));
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
    const length = this.#lengths[index] ?? 0;
    const bytes = Buffer.alloc(length);
    let read = 0;
    while (read < length) {
      const got = readSync(this.#file, bytes, read, length - read, (this.#offsets[index] ?? 0) + read);
      if (got === 0) throw new UserError('FILE', `${this.path} has become shorter; run the command again.`);
      read += got;
    }
    return bytes.toString('utf8').trimEnd();
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
