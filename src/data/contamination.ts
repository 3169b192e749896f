/**
 * Keeps what an evaluation asks out of what is trained on: a record is contaminated if what its users say has a run of n
 * words in common with a question, or is as a whole a question of fewer words. What a word is in scripts without spaces
 * is said in base/words.ts.
 */
import { wordCount, wordRuns, wordsOf } from '../base/words.ts';
import { type DataRecord, userTexts } from './record.ts';

/** Shorter questions, such as "What is the time?", are common property. */
const LEAST_WORDS = 4;

export interface Overlap {
  readonly set: string;
  readonly id: string;
  /** The words in common. */
  readonly words: string;
}

type Origin = Omit<Overlap, 'words'>;

/** The questions of evaluation sets. */
export class EvaluationQuestions {
  readonly #n: number;
  readonly #runs = new Map<string, Origin>();
  readonly #short = new Map<string, Origin>();

  /** Texts with `n` words in a row in common overlap; GPT-3 took 13, but requests to tools are shorter. */
  constructor(n: number) {
    this.#n = n;
  }

  add(set: string, record: DataRecord): void {
    const origin = { set, id: record.id };
    for (const text of userTexts(record)) {
      const words = wordsOf(text);
      const count = wordCount(words);
      if (count < LEAST_WORDS) continue;
      const into = count < this.#n ? this.#short : this.#runs;
      for (const run of wordRuns(words, this.#n)) if (!into.has(run)) into.set(run, origin);
    }
  }

  /** The first overlap of what a record's users say with a question. */
  overlap(record: DataRecord): Overlap | undefined {
    for (const text of userTexts(record)) {
      const words = wordsOf(text);
      const known = wordCount(words) < this.#n ? this.#short : this.#runs;
      for (const run of wordRuns(words, this.#n)) {
        const origin = known.get(run);
        if (origin !== undefined) return { ...origin, words: run };
      }
    }
    return undefined;
  }
}
