/**
 * The text of files that users hand over: UTF-8, with or without a byte order mark, or UTF-16 with one. Everything else
 * is told by its name: read as UTF-8, Latin-1 and GBK would lose their letters in silence.
 */
import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { UserError } from './errors.ts';

/** First bytes of files that are no text. */
const PACKED: readonly (readonly [name: string, start: string, advice: string])[] = [
  ['packed with gzip', '\x1f\x8b', 'unpack it (data can stay packed under a name that ends in .gz)'],
  ['packed with zip', 'PK\x03\x04', 'unpack it'],
  ['packed with zstd', '\x28\xb5\x2f\xfd', 'unpack it'],
  ['packed with xz', '\xfd7zXZ\x00', 'unpack it'],
  ['packed with bzip2', 'BZh91AY&SY', 'unpack it'],
  ['a parquet file', 'PAR1', 'give it a name that ends in .parquet'],
  ['a GGUF file', 'GGUF', 'give a file of text'],
];
/** Number of bytes that tell what a file is. */
const HEAD = 10;
const SAVE = 'save it as UTF-8';

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

interface Head {
  readonly encoding: Encoding;
  /** Length of the byte order mark. */
  readonly mark: number;
}

function refusal(path: string, what: string): UserError {
  return new UserError('ENCODING', `${path} ${what}.`);
}

/** Reads from a file's first bytes how it is written; throws a UserError if it is no text, or none that is read. */
export function textHead(bytes: Uint8Array, path: string): Head {
  const start = Buffer.from(bytes.subarray(0, HEAD)).toString('latin1');
  const packed = PACKED.find(([, magic]) => start.startsWith(magic));
  if (packed !== undefined) {
    throw refusal(path, `is ${packed[0]}, not text; ${packed[2]}`);
  }
  if (start.startsWith('\xef\xbb\xbf')) return { encoding: 'utf-8', mark: 3 };
  if (start.startsWith('\xff\xfe\x00\x00') || start.startsWith('\x00\x00\xfe\xff'))
    throw refusal(path, `is UTF-32; ${SAVE}`);
  if (start.startsWith('\xff\xfe')) return { encoding: 'utf-16le', mark: 2 };
  if (start.startsWith('\xfe\xff')) return { encoding: 'utf-16be', mark: 2 };
  if (start.slice(0, 4).includes('\x00'))
    throw refusal(path, `begins with NUL bytes, as UTF-16 without a byte order mark does; ${SAVE}`);
  return { encoding: 'utf-8', mark: 0 };
}

/** Length of the character that begins at `at`; 0 if no valid one does. */
function characterLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/** Name of the byte that `escapeInvalid` has made a half of a character of. */
function byteName(escaped: string): string {
  const byte = escaped.charCodeAt(0) - 0xdc00;
  return `0x${byte.toString(16).padStart(2, '0').toUpperCase()}`;
}

/** Decodes a whole file; throws a UserError that names it if it is not of a known encoding. */
export function decodeText(bytes: Uint8Array, path: string): string {
  const { encoding, mark } = textHead(bytes, path);
  const body = Buffer.from(bytes.buffer, bytes.byteOffset + mark, bytes.byteLength - mark);
  if (encoding !== 'utf-8') return decodeWide(new TextDecoder(encoding, { fatal: true }), body, path, true);
  return decodeLines(body, path, 1);
}

/** Decodes lines of UTF-8, the first of which has the number `first`; throws a UserError that names file and line. */
export function decodeLines(bytes: Buffer, path: string, first: number): string {
  const text = escapeInvalid(bytes);
  const lineOf = (at: number): number => text.slice(0, at).split('\n').length - 1 + first;
  const bad = isUtf8(bytes) ? null : ESCAPED.exec(text);
  if (bad !== null)
    throw refusal(path, `is not UTF-8 (byte ${byteName(bad[0])} in line ${lineOf(bad.index)}); ${SAVE}`);
  const nul = text.indexOf('\0');
  if (nul >= 0) throw refusal(path, `has a NUL byte in line ${lineOf(nul)}; ${SAVE}, or copy it again`);
  return text;
}

/** The text of the next bytes of UTF-16, and of the last ones with what was kept back. */
function decodeWide(decoder: TextDecoder, bytes: Uint8Array, path: string, isLast: boolean): string {
  try {
    return decoder.decode(bytes, { stream: !isLast });
  } catch {
    throw refusal(path, `begins as UTF-16 and goes on as something else; ${SAVE}`);
  }
}

/** Each byte that is not UTF-8 as half of a character, U+DC80 to U+DCFF, as Python's `surrogateescape` has it. */
function escapeInvalid(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let [text, from] = ['', 0];
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at);
    if (length === 0) {
      text += bytes.toString('utf8', from, at) + String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      from = at + 1;
    }
    at += Math.max(1, length);
  }
  return text + bytes.toString('utf8', from);
}

const ESCAPED = /\p{Surrogate}/u;

/** Says which byte of a row is not UTF-8, in a text of `TextPieces`; undefined if all are. */
export function encodingFault(text: string): string | undefined {
  const found = ESCAPED.exec(text);
  if (found === null) return undefined;
  return `It is not UTF-8 (byte ${byteName(found[0])} at character ${found.index + 1}); save the file as UTF-8.`;
}

/** Length of `bytes` without the character at their end that is cut off. */
function wholeLength(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0)
      return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Decodes a file that comes in pieces; a byte that is not UTF-8 spoils its row alone, see `encodingFault`. */
export class TextPieces {
  readonly #path: string;
  #rest: Buffer = Buffer.alloc(0);
  #head: Head | undefined;
  #wide: TextDecoder | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** The text of the next bytes; what a later piece completes is kept back. */
  push(bytes: Uint8Array): string {
    const all = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    if (this.#head === undefined && all.length < HEAD) {
      this.#rest = all;
      return '';
    }
    return this.#decode(all, false);
  }

  /** The text of what was kept back. */
  end(): string {
    return this.#decode(this.#rest, true);
  }

  #decode(bytes: Buffer, last: boolean): string {
    const isFirst = this.#head === undefined;
    const { encoding, mark } = (this.#head ??= textHead(bytes, this.#path));
    const body = isFirst ? bytes.subarray(mark) : bytes;
    if (encoding !== 'utf-8') {
      this.#rest = Buffer.alloc(0);
      this.#wide ??= new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
      return decodeWide(this.#wide, body, this.#path, last);
    }
    const length = last ? body.length : wholeLength(body);
    this.#rest = body.subarray(length);
    return escapeInvalid(body.subarray(0, length));
  }
}
