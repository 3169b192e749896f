/**
 * A teacher's distributions on disk: for every token the k likeliest ids with their log-probabilities, in one file
 * that is written as a stream and read at any place. All numbers are little-endian.
 *
 *     header    "TINYTOPK", u32 version, u32 length of the JSON, u32 its CRC-32, the JSON (see `TopKFacts`)
 *     sequence  u32 tokens, u32 rows, u32 CRC-32 of the rows, u32 CRC-32 of all before and of the ids; then
 *               ids [tokens], of the last `rows` tokens: log-probabilities [rows], top ids [rows, k], top
 *               log-probabilities [rows, k]
 *     ...       more sequences; one without rows is text alone, such as a prompt
 *     index     u64 place of each sequence
 *     trailer   u64 place of the index, u32 sequences, u64 rows, u32 CRC-32 of index and trailer, "TOPK-END"
 *
 * An id takes the fewest whole bytes that hold the vocabulary (2 or 3). A log-probability is an IEEE half, which moves
 * a probability by less than 0.0002. A token of Qwen3's vocabulary with k = 100 takes 505 bytes, 500 of them for the
 * 100 entries; where ids fit two bytes, 404 and 400.
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { InternalError, UserError } from '../base/errors.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import { narrowF16, widenF16 } from '../model/checkpoint/safetensors.ts';

export const MAGIC = Buffer.from('TINYTOPK');
export const END_MAGIC = Buffer.from('TOPK-END');
export const VERSION = 1;
/** Bytes before the header's JSON. */
export const HEADER_START = 20;
export const SEQUENCE_START = 16;
export const TRAILER_BYTES = 32;

/** Its name in a folder of rollouts. */
export const STORE_FILE = 'distributions.topk';

const headerSchema = z.object({
  /** The tokenizer's fingerprint. */
  tokenizer: z.string().min(1),
  /** Ids of the tokenizer; a model's embedding may have more rows. */
  vocabSize: z.int().positive(),
  /** Entries a token; 0 where the teacher gives none. */
  topK: z.int().nonnegative(),
  idBytes: z.int().min(2).max(3),
});
export type Header = z.output<typeof headerSchema>;
/** Facts that all sequences of a file have in common. */
export type TopKFacts = Readonly<Omit<Header, 'idBytes'>>;

/** The k likeliest tokens of every position, likeliest first, not renormalised. */
export interface TopRows {
  readonly ids: Int32Array; // [k, T]
  readonly logprobs: Float32Array; // [k, T]
}

/** A sequence; the last T of its tokens have distributions, T = logprobs.length. */
export interface TopKSequence {
  readonly tokens: TokenIds;
  /** Of the tokens themselves, nats under the full softmax at temperature 1. */
  readonly logprobs: Float32Array; // [T]
  readonly top: TopRows;
}

/** Stands for a probability of zero: a finite number, so that 0 times it is 0. */
export const LOWEST = -65_504;

/** Tells whether row `row` has a distribution: a server may leave one out. */
export function hasDistribution(top: TopRows, topK: number, row: number): boolean {
  return (top.logprobs[row * topK] ?? LOWEST) > LOWEST;
}

/** The first `k` of the `topK` entries at each of these rows. */
export function pickedRows(top: TopRows, topK: number, rows: readonly number[], k: number): TopRows {
  const picked = <T extends Int32Array | Float32Array>(values: T, into: T): T => {
    rows.forEach((row, i) => into.set(values.subarray(row * topK, row * topK + k), i * k));
    return into;
  };
  return {
    ids: picked(top.ids, new Int32Array(rows.length * k)),
    logprobs: picked(top.logprobs, new Float32Array(rows.length * k)),
  };
}

/** Bytes that a token with its distribution takes. */
export function bytesPerToken({ idBytes, topK }: Pick<Header, 'idBytes' | 'topK'>): number {
  return (topK + 1) * (idBytes + 2);
}

/** The header of a store of these facts; throws a UserError for a vocabulary that is too large. */
export function headerOf({ tokenizer, vocabSize, topK }: TopKFacts): Header {
  if (vocabSize <= 2 ** 24) return { tokenizer, vocabSize, topK, idBytes: vocabSize <= 65_536 ? 2 : 3 };
  throw new UserError('TOPK', `A vocabulary of ${vocabSize} is more than a top-k store can hold.`);
}

export function encodeHeader(header: Header): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(HEADER_START);
  MAGIC.copy(start);
  start.writeUInt32LE(VERSION, 8);
  start.writeUInt32LE(json.length, 12);
  start.writeUInt32LE(crc32(json), 16);
  return Buffer.concat([start, json]);
}

/** The header that `json` holds; undefined if it is damaged. */
export function decodeHeader(json: Buffer, checksum: number): Header | undefined {
  if (crc32(json) !== checksum) return undefined;
  try {
    return headerSchema.parse(JSON.parse(json.toString('utf8')));
  } catch {
    return undefined;
  }
}

function encodeIds(ids: Int32Array, idBytes: number): Buffer {
  const bytes = Buffer.alloc(ids.length * idBytes);
  const most = 2 ** (8 * idBytes);
  let at = 0;
  for (const id of ids) {
    if (id < 0 || id >= most)
      throw new UserError(
        'TOPK',
        `The teacher gave token ${id}, which its vocabulary cannot have; use a teacher with the student's tokenizer.`,
      );
    at = bytes.writeUIntLE(id, at, idBytes);
  }
  return bytes;
}

function decodeIds(bytes: Buffer, idBytes: number): Int32Array {
  const ids = new Int32Array(bytes.length / idBytes);
  for (let i = 0; i < ids.length; i++) ids[i] = bytes.readUIntLE(i * idBytes, idBytes);
  return ids;
}

const encodeLogprobs = (logprobs: Float32Array): Buffer =>
  Buffer.from(narrowF16(logprobs.map((value) => Math.max(value, LOWEST))).buffer);

const decodeLogprobs = (bytes: Buffer): Float32Array =>
  widenF16(new Uint16Array(Uint8Array.from(bytes).buffer));

/** A sequence's bytes. Throws if an id is beyond the vocabulary or a probability is not a number. */
export function encodeSequence({ tokens, logprobs, top }: TopKSequence, header: Header): Buffer {
  const { idBytes, topK } = header;
  const rows = logprobs.length;
  if (rows > tokens.length || top.ids.length !== rows * topK || top.logprobs.length !== rows * topK)
    throw new InternalError(`top-k: ${rows} rows of ${topK} do not fit ${top.ids.length} entries`);
  if (logprobs.some(Number.isNaN) || top.logprobs.some(Number.isNaN))
    throw new UserError(
      'NOT_A_NUMBER',
      'The teacher gives probabilities that are not numbers; check its weights.',
    );
  const ids = encodeIds(tokens, idBytes);
  const [own, topIds] = [encodeLogprobs(logprobs), encodeIds(top.ids, idBytes)];
  const rest = Buffer.concat([own, topIds, encodeLogprobs(top.logprobs)]);
  const start = Buffer.alloc(SEQUENCE_START);
  start.writeUInt32LE(tokens.length, 0);
  start.writeUInt32LE(rows, 4);
  start.writeUInt32LE(crc32(rest), 8);
  start.writeUInt32LE(crc32(ids, crc32(start.subarray(0, 12))), 12);
  return Buffer.concat([start, ids, rest]);
}

/** Offsets of the parts of a sequence, counted from its beginning; at `idsEnd` its rows begin. */
export function sequenceLayout(start: Buffer, { idBytes, topK }: Header) {
  const tokens = start.readUInt32LE(0);
  const rows = start.readUInt32LE(4);
  const idsEnd = SEQUENCE_START + tokens * idBytes;
  return { tokens, rows, idsEnd, end: idsEnd + rows * (2 + topK * (idBytes + 2)) };
}

/** The ids of a sequence from its bytes up to `idsEnd`; undefined if they are damaged. */
export function decodeTokens(head: Buffer, header: Header): TokenIds | undefined {
  const ids = head.subarray(SEQUENCE_START);
  if (crc32(ids, crc32(head.subarray(0, 12))) !== head.readUInt32LE(12)) return undefined;
  return asTokenIds(decodeIds(ids, header.idBytes));
}

/** The rows of a sequence from its bytes between `idsEnd` and `end`; undefined if they are damaged. */
export function decodeRows(bytes: Buffer, checksum: number, rows: number, { idBytes, topK }: Header) {
  if (crc32(bytes) !== checksum) return undefined;
  const topStart = rows * 2;
  const topMiddle = topStart + rows * topK * idBytes;
  return {
    logprobs: decodeLogprobs(bytes.subarray(0, topStart)),
    top: {
      ids: decodeIds(bytes.subarray(topStart, topMiddle), idBytes),
      logprobs: decodeLogprobs(bytes.subarray(topMiddle)),
    },
  };
}

/** Index and trailer of a file whose sequences begin at `places`. */
export function encodeEnd(places: readonly number[], rows: number, at: number): Buffer {
  const index = Buffer.alloc(places.length * 8);
  places.forEach((place, i) => index.writeBigUInt64LE(BigInt(place), i * 8));
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeBigUInt64LE(BigInt(at), 0);
  trailer.writeUInt32LE(places.length, 8);
  trailer.writeBigUInt64LE(BigInt(rows), 12);
  trailer.writeUInt32LE(crc32(trailer.subarray(0, 20), crc32(index)), 20);
  END_MAGIC.copy(trailer, 24);
  return Buffer.concat([index, trailer]);
}
