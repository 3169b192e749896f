/**
 * ROUGE-L between two texts, equal to `rouge_score` 0.1.2 with its Porter stemmer: lower case, words of a-z and 0-9 only, words of more than
 * three letters stemmed, then F1 of the longest common subsequence of words. A text without such words (Chinese, pure punctuation) scores 0.
 *
 * Only the first MAX_WORDS words of either text are matched, though all of them count as length, so that a model that writes a megabyte
 * cannot stall training. No text within a prompt's limits comes near it.
 */
import { stem } from './porter.ts';

/** Most words of a text that can be matched. */
export const MAX_WORDS = 4096;

const WORD = /[a-z0-9]+/g;
// Longer words are no words, and would make the cache of stems grow with whatever a model babbles.
const MAX_CACHED_LETTERS = 32;
const MAX_CACHED_STEMS = 50_000;
const stems = new Map<string, string>();

function cachedStem(word: string): string {
  if (word.length <= 3) return word;
  if (word.length > MAX_CACHED_LETTERS) return stem(word);
  const known = stems.get(word);
  if (known !== undefined) return known;
  const found = stem(word);
  if (stems.size >= MAX_CACHED_STEMS) stems.clear();
  stems.set(word, found);
  return found;
}

export type Cut = (text: string) => readonly string[];

const latinWords: Cut = (text) => text.toLowerCase().match(WORD) ?? [];

const IS_LATIN = /^[a-z0-9]+$/;

/** The words of a text that can be matched, stemmed, and the number of all. */
function readWords(text: string, cut: Cut) {
  const all = cut(text);
  const words = all.slice(0, MAX_WORDS).map((word) => (IS_LATIN.test(word) ? cachedStem(word) : word));
  return { words, count: all.length };
}

/**
 * Finds the length of the longest common subsequence with a fixed word sequence, 32 words of it at a time (Hyyrö, "Bit-parallel LCS-length
 * computation revisited", 2004): bit i of `row` is 0 once the subsequence grows at word i.
 */
function commonLength(target: readonly string[]): (words: readonly string[]) => number {
  const blocks = Math.ceil(target.length / 32);
  const placesOf = new Map<string, Uint32Array>();
  for (const [i, word] of target.entries()) {
    const places = placesOf.get(word) ?? new Uint32Array(blocks);
    placesOf.set(word, places);
    places[i >>> 5] = (places[i >>> 5] ?? 0) | (1 << (i & 31));
  }
  return (words) => {
    const row = new Uint32Array(blocks).fill(0xffffffff);
    for (const word of words) {
      const places = placesOf.get(word);
      if (places === undefined) continue;
      let carry = 0;
      for (let block = 0; block < row.length; block++) {
        const bits = row[block] ?? 0;
        const hits = (bits & (places[block] ?? 0)) >>> 0;
        const sum = bits + hits + carry;
        carry = sum > 0xffffffff ? 1 : 0;
        row[block] = sum | (bits & ~hits);
      }
    }
    // The bits beyond the last word have no places, so nothing ever clears them.
    let length = 0;
    for (const bits of row) for (let zeros = ~bits; zeros !== 0; zeros &= zeros - 1) length++;
    return length;
  };
}

/**
 * Scorer of many predictions against one target, 0 to 1: their F-measures. `cut` finds words; default: as the reference
 * does, those of a-z and 0-9 alone.
 */
export function rougeL(target: string, cut: Cut = latinWords): (prediction: string) => number {
  const wanted = readWords(target, cut);
  const lengthOf = commonLength(wanted.words);
  return (prediction) => {
    const { words, count } = readWords(prediction, cut);
    if (wanted.count === 0 || count === 0) return 0;
    const length = lengthOf(words);
    const precision = length / count;
    const recall = length / wanted.count;
    return length > 0 ? (2 * precision * recall) / (precision + recall) : 0;
  };
}
