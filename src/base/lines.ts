/** Files of lines, read piece by piece, so that they may be longer than memory or than a text can be. */
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, truncateSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STANDARD } from './destination.ts';
import { UserError } from './errors.ts';
import { fileError } from './system-errors.ts';
import { openFile, piecesOf, readAt, writeFully } from './open-file.ts';
import { discard } from './temporary.ts';
import { decodeLines, textHead, TextPieces } from './text.ts';

const NEWLINE = 0x0a;
/** Bytes that a line may have: more are no row of any data, and may be more than a text can hold. */
const LONGEST_LINE = 1 << 28;

export interface FileLine {
  readonly text: string;
  /** Counted from one. */
  readonly number: number;
  /** Place in the file of its first byte, and behind its end. */
  readonly start: number;
  readonly end: number;
}

interface RawLine extends Omit<FileLine, 'text'> {
  readonly bytes: Buffer;
  /** Tells whether its end was written; the last one's may not be. */
  readonly isWhole: boolean;
}

/** Name of an input in a sentence. */
export const inputName = (path: string): string => (path === STANDARD ? 'standard input' : path);

function* rawLines(path: string, file: number, begin = 0): Generator<RawLine> {
  let parts: Buffer[] = [];
  let [number, size, start, place] = [1, 0, begin, begin];
  for (const piece of piecesOf(path, file, begin)) {
    const bytes = Buffer.from(piece);
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      const last = bytes.subarray(from, at);
      from = at + 1;
      const whole = parts.length === 0 ? last : Buffer.concat([...parts, last]);
      yield { bytes: whole, number, start, end: place + from, isWhole: true };
      parts = [];
      size = 0;
      number += 1;
      start = place + from;
    }
    if (from < bytes.length) parts.push(bytes.subarray(from));
    size += bytes.length - from;
    place += bytes.length;
    if (size > LONGEST_LINE) {
      throw new UserError(
        'DATA_LINE',
        `${inputName(path)}:${number} is longer than ${LONGEST_LINE >> 20} MB; give a file of one JSON object a line.`,
      );
    }
  }
  if (size > 0) yield { bytes: Buffer.concat(parts), number, start, end: place, isWhole: false };
}

/** Copies what can be read once only into a file without a name. */
const spool = (path: string, source: number): number =>
  copied(path, source, (bytes) => bytes ?? new Uint8Array());

/**
 * Copies a file piece by piece into one without a name: from where reading stands, or from its beginning. `turned` gets
 * undefined at the end.
 */
function copied(
  path: string,
  source: number,
  turned: (bytes?: Uint8Array) => Uint8Array,
  begin: number | null = null,
): number {
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-'));
  const copy = join(folder, 'input');
  try {
    const file = openSync(copy, 'wx+');
    try {
      unlinkSync(copy);
      for (const piece of piecesOf(path, source, begin)) writeFully(file, turned(piece));
      writeFully(file, turned());
      return file;
    } catch (thrown) {
      closeSync(file);
      throw thrown instanceof UserError ? thrown : fileError('write', copy, thrown);
    }
  } finally {
    discard(folder);
  }
}

/** Copies a file of UTF-16 as UTF-8, so that its lines can be read in any order. */
function transcoded(path: string, source: number): number {
  const pieces = new TextPieces(path);
  const turned = (bytes?: Uint8Array): Uint8Array =>
    Buffer.from(bytes === undefined ? pieces.end() : pieces.push(bytes), 'utf8');
  return copied(path, source, turned, 0);
}

/** Opens what can be read in any order: a file, or a copy of a pipe or of standard input. */
function openLines(path: string): number {
  if (path === STANDARD) return spool(path, 0);
  const file = openFile(path, 'r');
  const isFile = fstatSync(file).isFile();
  try {
    return isFile ? file : spool(path, file);
  } finally {
    if (!isFile) closeSync(file);
  }
}

/** A file of UTF-8, and the place behind its byte order mark; `file` is closed if another takes its place. */
function asUtf8(path: string, file: number): { readonly file: number; readonly begin: number } {
  try {
    const [start = Buffer.alloc(0)] = piecesOf(path, file, 0);
    const { encoding, mark } = textHead(start, inputName(path));
    if (encoding === 'utf-8') return { file, begin: mark };
    const copy = transcoded(path, file);
    closeSync(file);
    return { file: copy, begin: 0 };
  } catch (thrown) {
    closeSync(file);
    throw thrown;
  }
}

/** A file whose lines are read one after the other, and then again in any order. */
export class LineFile implements Disposable {
  readonly path: string;
  readonly #file: number;
  /** Place behind the byte order mark. */
  readonly #begin: number;
  /** Bytes at the time of opening. */
  readonly size: number;

  /** Opens a file, a pipe, or `-` for standard input; throws a UserError that names it. */
  constructor(path: string) {
    this.path = path;
    const { file, begin } = asUtf8(path, openLines(path));
    this.#file = file;
    this.#begin = begin;
    this.size = fstatSync(this.#file).size;
  }

  /** All lines, in order, also a last one without an end. */
  *lines(): Generator<FileLine> {
    for (const { bytes, ...line } of rawLines(this.path, this.#file, this.#begin))
      yield { ...line, text: decodeLines(bytes, inputName(this.path), line.number) };
  }

  /** The text from one place to another, such as a line's. */
  textAt(start: number, end: number): string {
    return readAt(inputName(this.path), this.#file, start, end - start).toString('utf8');
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** All lines of a file, or of standard input for `-`, one at a time. */
export function* linesOf(path: string): Generator<FileLine> {
  using file = new LineFile(path);
  yield* file.lines();
}

/** The whole lines of a file that grows; what comes after the last line's end was cut off by a kill and is left out. */
export function* wholeLines(path: string): Generator<FileLine> {
  const file = openFile(path, 'r');
  try {
    for (const { bytes, isWhole, ...line } of rawLines(path, file))
      if (isWhole) yield { ...line, text: bytes.toString('utf8') };
  } finally {
    closeSync(file);
  }
}

/** Place behind the last whole line of a file. */
export function wholeEnd(path: string): number {
  let place = 0;
  for (const { end } of wholeLines(path)) place = end;
  return place;
}

/** Cuts a file off at a place, such as the end of its last whole line. */
export function cutFile(path: string, end: number): void {
  try {
    if (existsSync(path)) truncateSync(path, end);
  } catch (thrown) {
    throw fileError('write', path, thrown);
  }
}
