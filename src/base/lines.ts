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

/**
 * Copies an open file into one without a name, that its lines can be read in any order: what can be read once only as it
 * is, from where reading stands; UTF-16 as UTF-8, from its beginning.
 */
function copied(path: string, source: number, wide?: TextPieces): number {
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-'));
  const copy = join(folder, 'input');
  try {
    const file = openSync(copy, 'wx+');
    try {
      unlinkSync(copy);
      for (const piece of piecesOf(path, source, wide === undefined ? null : 0))
        writeFully(copy, file, wide === undefined ? piece : Buffer.from(wide.push(piece)));
      if (wide !== undefined) writeFully(copy, file, Buffer.from(wide.end()));
      return file;
    } catch (thrown) {
      closeSync(file);
      throw thrown instanceof UserError ? thrown : fileError('write', copy, thrown);
    }
  } finally {
    discard(folder);
  }
}

/** Opens a file of UTF-8, or a copy that is one and can be read in any order; `begin` is behind its byte order mark. */
function openLines(path: string): { readonly file: number; readonly begin: number } {
  let file = path === STANDARD ? 0 : openFile(path, 'r');
  const close = (): void => {
    if (file !== 0) closeSync(file);
  };
  const exchange = (wide?: TextPieces): void => {
    const copy = copied(path, file, wide);
    close();
    file = copy;
  };
  try {
    if (file === 0 || !fstatSync(file).isFile()) exchange();
    const [start = Buffer.alloc(0)] = piecesOf(path, file, 0);
    const { encoding, mark } = textHead(start, inputName(path));
    if (encoding === 'utf-8') return { file, begin: mark };
    exchange(new TextPieces(path));
    return { file, begin: 0 };
  } catch (thrown) {
    close();
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
    const { file, begin } = openLines(path);
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
