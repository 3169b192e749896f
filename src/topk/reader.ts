/** Reads a top-k store at any place; only its index is in memory. Every part that is read is checked. */
import { closeSync, fstatSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { required, UserError } from '../base/errors.ts';
import { openFile, readAt } from '../base/open-file.ts';
import type { TokenIds } from '../base/token-ids.ts';
import {
  decodeHeader,
  decodeRows,
  decodeTokens,
  END_MAGIC,
  type Header,
  HEADER_START,
  MAGIC,
  SEQUENCE_START,
  sequenceLayout,
  type TopKSequence,
  TRAILER_BYTES,
  VERSION,
} from './format.ts';

export class ByteFile implements Disposable {
  readonly path: string;
  readonly size: number;
  readonly #file: number;

  /** Throws a UserError if the file cannot be opened. */
  constructor(path: string) {
    this.path = path;
    this.#file = openFile(path, 'r');
    this.size = fstatSync(this.#file).size;
  }

  /** The bytes from `start` to `end`; fewer, where the file ends earlier. */
  read(start: number, end: number): Buffer {
    return readAt(this.path, this.#file, start, Math.max(0, Math.min(end, this.size) - start));
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

const fault = (path: string, what: string): UserError =>
  new UserError('TOPK', `${path} ${what}; draw the rollouts again, which goes on where they were whole.`);

/** Reads the header and says where it ends. */
export function readHeader(file: ByteFile): { readonly header: Header; readonly end: number } {
  const start = file.read(0, HEADER_START);
  if (!MAGIC.equals(start.subarray(0, MAGIC.length)))
    throw new UserError(
      'TOPK',
      `${file.path} is no top-k store: it begins differently; give a file that rollouts made.`,
    );
  if (start.length < HEADER_START) throw fault(file.path, 'is cut short in its header');
  const version = start.readUInt32LE(8);
  if (version !== VERSION)
    throw new UserError(
      'TOPK',
      `${file.path} is of version ${version}, and this program reads ${VERSION}; draw the rollouts again.`,
    );
  const end = HEADER_START + start.readUInt32LE(12);
  const json = file.read(HEADER_START, end);
  if (json.length < end - HEADER_START) throw fault(file.path, 'is cut short in its header');
  const header = decodeHeader(json, start.readUInt32LE(16));
  if (header === undefined) throw fault(file.path, 'has a damaged header');
  return { header, end };
}

/** The index, the end of the last sequence, and how many rows there are. */
function readPlaces(file: ByteFile, headerEnd: number) {
  const at = file.size - TRAILER_BYTES;
  const trailer = file.read(Math.max(headerEnd, at), file.size);
  if (trailer.length < TRAILER_BYTES || !END_MAGIC.equals(trailer.subarray(24)))
    throw fault(file.path, 'is cut short or still being written: its index is missing');
  const end = Number(trailer.readBigUInt64LE(0));
  const index = file.read(end, at);
  const whole = index.length === trailer.readUInt32LE(8) * 8;
  if (!whole || crc32(trailer.subarray(0, 20), crc32(index)) !== trailer.readUInt32LE(20))
    throw fault(file.path, 'is damaged: the checksum of its index does not match');
  return { index, end, rows: Number(trailer.readBigUInt64LE(12)) };
}

export class TopKFile {
  readonly path: string;
  readonly header: Header;
  readonly bytes: number;
  readonly #places: ReturnType<typeof readPlaces>;
  #open: ByteFile | undefined;

  /** Looks into a whole store, and leaves no file open; throws a UserError that says what is wrong with it. */
  constructor(path: string) {
    using file = new ByteFile(path);
    const { header, end } = readHeader(file);
    this.path = path;
    this.header = header;
    this.bytes = file.size;
    this.#places = readPlaces(file, end);
  }

  /** Sequences, those without distributions included. */
  get length(): number {
    return this.#places.index.length / 8;
  }

  /** Tokens with distributions. */
  get rows(): number {
    return this.#places.rows;
  }

  /** Keeps the file open for many reads in a row, until the result is disposed of. */
  keepOpen(): Disposable {
    const file = new ByteFile(this.path);
    this.#open = file;
    return {
      [Symbol.dispose]: () => {
        this.#open = undefined;
        file[Symbol.dispose]();
      },
    };
  }

  /** Has a sequence decoded, of which `to` reads the bytes up to an end; throws a UserError where that finds it damaged. */
  #sequence<T>(
    index: number,
    decode: (to: (end: number) => Buffer, layout: ReturnType<typeof sequenceLayout>) => T | undefined,
  ): T {
    using own = this.#open === undefined ? new ByteFile(this.path) : undefined;
    const file = this.#open ?? required(own, 'a file');
    const place = Number(this.#places.index.readBigUInt64LE(index * 8));
    const start = file.read(place, place + SEQUENCE_START);
    const layout = start.length < SEQUENCE_START ? undefined : sequenceLayout(start, this.header);
    const isWhole = layout !== undefined && place + layout.end <= this.#places.end;
    const decoded = isWhole ? decode((end) => file.read(place, place + end), layout) : undefined;
    if (decoded !== undefined) return decoded;
    throw fault(this.path, `is damaged: the checksum of sequence ${index} does not match`);
  }

  /** Number of tokens of a sequence, and of those with distributions. */
  size(index: number): { readonly tokens: number; readonly rows: number } {
    return this.#sequence(index, (_, layout) => layout);
  }

  tokens(index: number): TokenIds {
    return this.#sequence(index, (to, { idsEnd }) => decodeTokens(to(idsEnd), this.header));
  }

  read(index: number): TopKSequence {
    return this.#sequence(index, (to, { idsEnd, end, rows }) => {
      const bytes = to(end);
      const tokens = decodeTokens(bytes.subarray(0, idsEnd), this.header);
      const decoded = decodeRows(bytes.subarray(idsEnd), bytes.readUInt32LE(8), rows, this.header);
      return tokens && decoded && { tokens, ...decoded };
    });
  }
}

/** Throws if a store speaks of other tokens than a student does. `tokenizer` is the student's fingerprint. */
export function checkVocabulary(path: string, store: Header, tokenizer: string): void {
  if (store.tokenizer === tokenizer) return;
  throw new UserError(
    'VOCABULARY',
    `${path} is in another vocabulary (${store.tokenizer}) than the student's (${tokenizer}); use a teacher with the student's tokenizer.`,
  );
}
