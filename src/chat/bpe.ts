/**
 * Byte-pair encoding of one word, as Hugging Face's tokenizers do it: of all pairs of neighbours, the one of the
 * lowest rank is merged, the leftmost first. Ranks are found in an open-addressing hash table, and finished words in a
 * cache: several times faster than maps keyed by pairs.
 */
import { Heap } from '../base/heap.ts';
import { byteToken } from './byte-level.ts';

/** Ids of two neighbours, and of what they become; in a list of merges the place is the rank. */
export interface Merge {
  readonly left: number;
  readonly right: number;
  readonly result: number;
}

/** The ids of tokens by their texts; a table of tokens may have gaps. */
export function idsByText(tokens: readonly (string | undefined)[]): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  tokens.forEach((token, id) => {
    if (token !== undefined) ids.set(token, id);
  });
  return ids;
}

/** The cache is emptied at this many words, so that it never holds more than some tens of megabytes. */
const MAX_CACHED_WORDS = 1 << 17;
/** Longer words are rarely seen again. */
const MAX_CACHED_LENGTH = 64;
/** Candidates are kept as one number, rank times this plus position: longer than any text in memory. */
const SPAN = 2 ** 31;
/** An id that was merged into the one before it. */
const GONE = -1;

/** Encodes words: `symbols` gives the ids of one before any merge. */
export function bytePairEncoder(
  merges: readonly Merge[],
  symbols: (word: string) => number[],
): (word: string) => readonly number[] {
  const bits = Math.max(4, Math.ceil(Math.log2(merges.length * 2 + 1)));
  /** Ranks plus one by hashed pair; 0 is an empty slot. */
  const slots = new Int32Array(2 ** bits);
  const shift = 32 - bits;
  const cache = new Map<string, readonly number[]>();

  /** The slot of a pair, or the empty one where it belongs. */
  const slotOf = (left: number, right: number): number => {
    const mixed = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
    let slot = (mixed ^ (mixed << 13)) >>> shift;
    for (;;) {
      const rank = (slots[slot] ?? 0) - 1;
      const merge = rank < 0 ? undefined : merges[rank];
      if (merge === undefined || (merge.left === left && merge.right === right)) return slot;
      slot = (slot + 1) & (slots.length - 1);
    }
  };
  merges.forEach(({ left, right }, rank) => {
    slots[slotOf(left, right)] = rank + 1;
  });

  const merged = (ids: number[]): readonly number[] => {
    const count = ids.length;
    const before = Int32Array.from(ids, (_, at) => at - 1);
    const after = Int32Array.from(ids, (_, at) => at + 1);
    const candidates = new Heap<number>((a, b) => a < b);
    const offer = (at: number): void => {
      const next = after[at] ?? count;
      if (next === count) return;
      const rank = (slots[slotOf(ids[at] ?? 0, ids[next] ?? 0)] ?? 0) - 1;
      if (rank >= 0) candidates.push(rank * SPAN + at);
    };
    for (let at = 0; at < count; at++) offer(at);
    for (;;) {
      const candidate = candidates.pop();
      if (candidate === undefined) break;
      const at = candidate % SPAN;
      const merge = merges[(candidate - at) / SPAN];
      const next = after[at] ?? count;
      // A pair of which one was merged meanwhile is no longer there.
      if (merge === undefined || next === count || ids[at] !== merge.left || ids[next] !== merge.right)
        continue;
      ids[at] = merge.result;
      ids[next] = GONE;
      const following = after[next] ?? count;
      after[at] = following;
      if (following !== count) before[following] = at;
      offer(at);
      const previous = before[at] ?? GONE;
      if (previous !== GONE) offer(previous);
    }
    return ids.filter((id) => id !== GONE);
  };

  return (word) => {
    const known = cache.get(word);
    if (known !== undefined) return known;
    const ids = merged(symbols(word));
    if (word.length > MAX_CACHED_LENGTH) return ids;
    if (cache.size >= MAX_CACHED_WORDS) cache.clear();
    // V8's longer substrings hold on to the whole text that they were cut from, so a copy is kept instead.
    cache.set(word.length < 13 ? word : Buffer.from(word, 'utf8').toString('utf8'), ids);
    return ids;
  };
}

/** A vocabulary, and what it does with a character that it lacks. */
export interface Symbols {
  readonly idOf: (token: string) => number | undefined;
  /** Tells whether such a character is written as its bytes in UTF-8, which are tokens named <0x41>. */
  readonly byteFallback: boolean;
  /** Id of what stands for it otherwise; without one it is left out. */
  readonly unknownId: number | undefined;
  /** Tells whether unknown characters in a row are one token. */
  readonly fuseUnknown: boolean;
}

/** The ids of a word's characters, which merges start from. */
export function symbolsOf(word: string, symbols: Symbols): number[] {
  const { idOf, byteFallback, unknownId, fuseUnknown } = symbols;
  const ids: number[] = [];
  let afterUnknown = false;
  for (const character of word) {
    const id = idOf(character);
    const bytes = id === undefined && byteFallback ? [...Buffer.from(character, 'utf8')] : [];
    const written = bytes.length === 0 ? [id] : bytes.map((byte) => idOf(byteToken(byte)));
    const known = written.filter((part) => part !== undefined);
    const isUnknown = known.length < written.length;
    if (!isUnknown) ids.push(...known);
    else if (unknownId !== undefined && !(afterUnknown && fuseUnknown)) ids.push(unknownId);
    afterUnknown = isUnknown;
  }
  return ids;
}
