/**
 * Finds records that say the same as an earlier one: exactly (same messages, same tools), or nearly (the words of user
 * and answer overlap so much that their estimated Jaccard similarity reaches a limit). Nearness is estimated by MinHash
 * over runs of three words, and looked up by bands of equal hashes (Broder 1997; Leskovec et al., Mining of Massive
 * Datasets, chapter 3). A record takes about 140 bytes of memory, and 1,300 where near ones are looked for.
 */
import { createHash } from 'node:crypto';
import { hashString, Rng } from '../base/rng.ts';
import { wordRuns, wordsOf } from '../base/words.ts';
import { dumps } from '../json/dumps.ts';
import { hermes } from '../chat/formats/hermes.ts';
import { answerText } from '../chat/template.ts';
import { type DataRecord, messageValue, userTexts } from './record.ts';

const RUN = 3;
const BANDS = 16;
const ROWS = 4;
const HASHES = BANDS * ROWS;
/** Bands that very many records share, such as a greeting's, say little: more of their members are not remembered. */
const MAX_MEMBERS = 64;

/** Words to compare: those of the users, then of the answer. */
function comparedWords(record: DataRecord): string[] {
  const last = record.messages.at(-1);
  const answer = last?.role === 'assistant' ? answerText(last, hermes) : '';
  return wordsOf([...userTexts(record), answer].join('\n'));
}

/** Odd factors and offsets of the hash functions, always the same. */
const FACTORS = (() => {
  const rng = Rng.seeded(1, 'minhash');
  return Array.from({ length: HASHES }, () => ({ factor: rng.uint32() | 1, offset: rng.uint32() }));
})();

function mixed(value: number): number {
  let z = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** The smallest value of each hash function over the runs of words. */
export function minHash(words: readonly string[]): Uint32Array {
  const signature = new Uint32Array(HASHES).fill(0xffffffff);
  for (const run of new Set(wordRuns(words, RUN))) {
    const base = hashString(run);
    FACTORS.forEach(({ factor, offset }, i) => {
      const value = mixed((Math.imul(base, factor) + offset) | 0);
      if (value < (signature[i] ?? 0)) signature[i] = value;
    });
  }
  return signature;
}

/** The share of equal places: an estimate of the Jaccard similarity, with a standard error of at most 0.0625. */
export function similarity(a: Uint32Array, b: Uint32Array): number {
  let same = 0;
  for (let i = 0; i < HASHES; i++) if (a[i] === b[i]) same += 1;
  return same / HASHES;
}

export class DuplicateFilter {
  readonly #near: number | undefined;
  readonly #seen = new Set<string>();
  readonly #signatures: Uint32Array[] = [];
  /** The signatures of each hash of a band: most hashes have one only, which needs no list. */
  readonly #bands = Array.from({ length: BANDS }, () => new Map<number, number | number[]>());

  /** Records are near duplicates from the similarity `near` on, 0 to 1; without it only exact ones are found. */
  constructor(near?: number) {
    this.#near = near;
  }

  /** Tells whether the record repeats an earlier one; if not it is remembered. */
  check(record: DataRecord): 'exact' | 'near' | undefined {
    const text = dumps([record.messages.map(messageValue), record.tools]);
    const key = createHash('sha256').update(text).digest('base64').slice(0, 16);
    if (this.#seen.has(key)) return 'exact';
    this.#seen.add(key);
    if (this.#near === undefined) return undefined;
    const words = comparedWords(record);
    return words.length > 0 && this.#isNear(minHash(words), this.#near) ? 'near' : undefined;
  }

  #isNear(signature: Uint32Array, limit: number): boolean {
    const keys = this.#bands.map((_, band) => {
      const rows = signature.subarray(band * ROWS, (band + 1) * ROWS);
      // A signed number takes no memory of its own as a key.
      return rows.reduce((key, value) => mixed(Math.imul(key, 31) + value), band) | 0;
    });
    const candidates = new Set(keys.flatMap((key, band) => this.#bands[band]?.get(key) ?? []));
    for (const index of candidates) {
      const other = this.#signatures[index];
      if (other !== undefined && similarity(signature, other) >= limit) return true;
    }
    const own = this.#signatures.push(signature) - 1;
    keys.forEach((key, band) => {
      const members = this.#bands[band]?.get(key);
      if (members === undefined) this.#bands[band]?.set(key, own);
      else if (typeof members === 'number') this.#bands[band]?.set(key, [members, own]);
      else if (members.length < MAX_MEMBERS) members.push(own);
    });
    return false;
  }
}
