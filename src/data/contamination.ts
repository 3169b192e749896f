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
  readonly words: string;
}

type Origin = Omit<Overlap, 'words'>;

export class EvaluationQuestions {
  readonly #n: number;
  readonly #runs = new Map<string, Origin>();
  readonly #short = new Map<string, Origin>();

  /** Texts with `n` words in a row in common overlap; GPT-3 took 13, but requests to tools are shorter. */
  constructor(n: number) {
    this.#n = n;
  }

  /** Runs of the words of a record's users, each with the questions that it is looked up in. */
  *#runsOf(record: DataRecord): Generator<readonly [run: string, among: Map<string, Origin>]> {
    for (const text of userTexts(record)) {
      const words = wordsOf(text);
      const count = wordCount(words);
      if (count < LEAST_WORDS) continue;
      const among = count < this.#n ? this.#short : this.#runs;
      for (const run of wordRuns(words, this.#n)) yield [run, among];
    }
  }

  add(set: string, record: DataRecord): void {
    for (const [run, among] of this.#runsOf(record))
      if (!among.has(run)) among.set(run, { set, id: record.id });
  }

  overlap(record: DataRecord): Overlap | undefined {
    for (const [run, among] of this.#runsOf(record)) {
      const origin = among.get(run);
      if (origin !== undefined) return { ...origin, words: run };
    }
    return undefined;
  }
}
