/** Writes a top-k store as a stream; one that was interrupted goes on at the end of its last whole sequence. */
import { closeSync, existsSync, fsyncSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../base/errors.ts';
import { fileError } from '../base/files.ts';
import { cutFile } from '../base/lines.ts';
import { openFile, writeFully } from '../base/open-file.ts';
import {
  decodeTokens,
  encodeEnd,
  encodeHeader,
  encodeSequence,
  type Header,
  headerOf,
  SEQUENCE_START,
  sequenceLayout,
  type TopKFacts,
  type TopKSequence,
} from './format.ts';
import { ByteFile, readHeader } from './reader.ts';

/** Offsets of the first `count` sequences, as far as they are whole, and what they have; their rows are not read. */
function walk(file: ByteFile, header: Header, start: number, count: number) {
  const places: number[] = [];
  let rows = 0;
  let place = start;
  while (places.length < count) {
    const head = file.read(place, place + SEQUENCE_START);
    if (head.length < SEQUENCE_START) break;
    const layout = sequenceLayout(head, header);
    if (place + layout.end > file.size) break;
    if (decodeTokens(file.read(place, place + layout.idsEnd), header) === undefined) break;
    places.push(place);
    rows += layout.rows;
    place += layout.end;
  }
  return { places, rows, end: place };
}

/** Whole part of the first `count` sequences of a file, and of the same facts. */
function resumable(path: string, wanted: Header, count: number): ReturnType<typeof walk> | undefined {
  if (count === 0 || !existsSync(path)) return undefined;
  using file = new ByteFile(path);
  const { header, end } = readHeader(file);
  if (isDeepStrictEqual(header, wanted)) return walk(file, header, end, count);
  throw new UserError(
    'TOPK',
    `${path} was begun with another tokenizer or another number of log-probabilities; remove it, or go on with the same.`,
  );
}

export class TopKWriter implements Disposable {
  readonly path: string;
  readonly header: Header;
  readonly #file: number;
  readonly #places: number[];
  #rows: number;
  #end: number;
  #open = true;

  /**
   * Begins a store, or goes on with the first `count` sequences of one, as many of them as are whole (see `length`).
   * Throws a UserError if it cannot be written or was begun otherwise.
   */
  constructor(path: string, facts: TopKFacts, count = 0) {
    this.path = path;
    this.header = headerOf(facts);
    const resumed = resumable(path, this.header, count) ?? { places: [], rows: 0, end: 0 };
    this.#places = resumed.places;
    this.#rows = resumed.rows;
    this.#end = resumed.end;
    cutFile(path, this.#end);
    this.#file = openFile(path, 'a');
    if (this.#end === 0) this.#write(encodeHeader(this.header));
  }

  get length(): number {
    return this.#places.length;
  }

  #write(bytes: Buffer): void {
    writeFully(this.path, this.#file, bytes);
    this.#end += bytes.length;
  }

  append(sequence: TopKSequence): number {
    const bytes = encodeSequence(sequence, this.header);
    const place = this.#end;
    this.#write(bytes);
    this.#places.push(place);
    this.#rows += sequence.logprobs.length;
    return this.#places.length - 1;
  }

  /** Makes all that was added survive a power cut. */
  sync(): void {
    try {
      fsyncSync(this.#file);
    } catch (thrown) {
      throw fileError('write', this.path, thrown);
    }
  }

  /** Writes the index, without which the store cannot be read, and closes it. */
  finish(): void {
    this.#write(encodeEnd(this.#places, this.#rows, this.#end));
    this.sync();
    this[Symbol.dispose]();
  }

  /** Closes the file; what was added and synced is there to go on with. */
  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#file);
    this.#open = false;
  }
}
