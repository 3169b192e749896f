/**
 * Byte-pair encoding of one word. Merges are kept as pairs of ids in an open-addressing hash table of typed
 * arrays, and finished words in a cache: several times faster than maps keyed by strings.
 */
import { byteChar } from './byte-level.ts';

/** Merges by rank: `left[r]` and `right[r]` become `result[r]`. */
export interface Merges {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly result: Int32Array;
}

/** No merge; larger than any rank. */
const NONE = 0x7fffffff;
/** The cache is emptied at this many words, so that it never holds more than some tens of megabytes. */
const MAX_CACHED_WORDS = 1 << 17;
/** Longer words are rarely seen again. */
const MAX_CACHED_LENGTH = 64;

export class BytePairEncoder {
  readonly #merges: Merges;
  /** Ranks plus one by hashed pair; 0 is an empty slot. */
  readonly #slots: Int32Array;
  readonly #shift: number;
  readonly #idOfByte: Int32Array;
  readonly #cache = new Map<string, readonly number[]>();
  readonly #utf8 = new TextEncoder();
  #bytes = new Uint8Array(256);
  #ids = new Int32Array(256);
  #ranks = new Int32Array(256);

  /** `idOf` gives the id of a byte-level token; every single byte must have one. */
  constructor(merges: Merges, idOf: (token: string) => number) {
    this.#merges = merges;
    this.#idOfByte = Int32Array.from({ length: 256 }, (_, byte) => idOf(byteChar(byte)));
    const bits = Math.max(4, Math.ceil(Math.log2(merges.left.length * 2 + 1)));
    this.#slots = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
    for (let rank = 0; rank < merges.left.length; rank++) {
      const left = merges.left[rank] ?? 0;
      const right = merges.right[rank] ?? 0;
      let slot = this.#hash(left, right);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (this.#slots.length - 1);
      this.#slots[slot] = rank + 1;
    }
  }

  #hash(left: number, right: number): number {
    const mixed = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
    return (mixed ^ (mixed << 13)) >>> this.#shift;
  }

  #rank(left: number, right: number): number {
    const slots = this.#slots;
    let slot = this.#hash(left, right);
    for (;;) {
      const rank = (slots[slot] ?? 0) - 1;
      if (rank < 0) return NONE;
      if (this.#merges.left[rank] === left && this.#merges.right[rank] === right) return rank;
      slot = (slot + 1) & (slots.length - 1);
    }
  }

  /** The ids of one word. */
  encode(word: string): readonly number[] {
    const known = this.#cache.get(word);
    if (known !== undefined) return known;
    const ids = this.#merge(word);
    if (word.length > MAX_CACHED_LENGTH) return ids;
    if (this.#cache.size >= MAX_CACHED_WORDS) this.#cache.clear();
    // V8's longer substrings hold on to the whole text that they were cut from, so a copy is kept instead.
    this.#cache.set(word.length < 13 ? word : Buffer.from(word, 'utf8').toString('utf8'), ids);
    return ids;
  }

  #reserve(word: string): void {
    const most = word.length * 3;
    if (most <= this.#bytes.length) return;
    this.#bytes = new Uint8Array(most);
    this.#ids = new Int32Array(most);
    this.#ranks = new Int32Array(most);
  }

  #merge(word: string): readonly number[] {
    this.#reserve(word);
    const { result } = this.#merges;
    const ids = this.#ids;
    const ranks = this.#ranks;
    let length = this.#utf8.encodeInto(word, this.#bytes).written;
    for (let i = 0; i < length; i++) {
      ids[i] = this.#idOfByte[this.#bytes[i] ?? 0] ?? 0;
      if (i > 0) ranks[i - 1] = this.#rank(ids[i - 1] ?? 0, ids[i] ?? 0);
    }
    // ranks[i] is the rank of the pair (i, i + 1). Each round merges every pair of the lowest rank from left to
    // right, which is what merging them one at a time does, as no new pair can have a lower rank than its parts.
    for (;;) {
      let lowest = NONE;
      for (let i = 0; i + 1 < length; i++) lowest = Math.min(lowest, ranks[i] ?? NONE);
      if (lowest === NONE) break;
      ranks[length - 1] = NONE;
      let written = 0;
      let previousIsNew = false;
      for (let read = 0; read < length;) {
        const isNew = ranks[read] === lowest;
        const id = (isNew ? result[lowest] : ids[read]) ?? 0;
        if (written > 0) {
          const changed = isNew || previousIsNew;
          ranks[written - 1] = changed ? this.#rank(ids[written - 1] ?? 0, id) : (ranks[read - 1] ?? NONE);
        }
        ids[written++] = id;
        previousIsNew = isNew;
        read += isNew ? 2 : 1;
      }
      length = written;
    }
    return Array.from(ids.subarray(0, length));
  }
}
