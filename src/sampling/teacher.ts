/**
 * Who answers as the teacher: a model on this machine or a server, behind one interface. A teacher draws n samples of
 * every prompt; of those that are kept it gives the k likeliest tokens at every position, if it can.
 */
import { InternalError } from '../base/errors.ts';
import type { Notices } from './notices.ts';
import type { TokenIds } from '../base/token-ids.ts';
import type { Dialogue } from '../chat/messages.ts';
import { LOWEST, type TopRows } from '../topk/format.ts';

/** A prompt that is to be answered. */
export interface Question {
  /** Its place among all prompts: what seeds and progress go by. */
  readonly position: number;
  readonly id: string;
  readonly text: string;
  readonly ids: TokenIds;
  /** What it was rendered from, for servers that render it themselves. */
  readonly dialogue: Dialogue;
}

/** Prompts in the order in which they are asked; a batch is asked at once where that is faster. */
export interface Batch {
  /** Its place among all batches. */
  readonly number: number;
  readonly questions: readonly Question[];
}

/** One answer as it was drawn. */
export interface Draft {
  /** What the teacher wrote after the prompt, special tokens included. */
  readonly text: string;
  readonly tokens: TokenIds;
  readonly finish: 'stop' | 'length';
}

/** What a teacher says of an answer's tokens, under its full softmax at temperature 1. */
export interface Distributions {
  readonly logprobs: Float32Array; // [T]
  readonly top: TopRows; // k of `Teacher.topK`
}

/** An answer that is kept. */
export interface Kept extends Distributions {
  readonly draft: Draft;
}

export type Answered =
  | { readonly question: Question; readonly kept: readonly Kept[] }
  /** It could not be answered, however often it was asked. */
  | { readonly question: Question; readonly failure: string };

/** Chooses which of a question's answers are kept. Called once for each question that is answered. */
export type Select = (question: Question, drafts: readonly Draft[]) => readonly Draft[];

export interface SamplingOptions {
  readonly temperature: number;
  /** 1 is off. */
  readonly topP: number;
  /** -1 is off. */
  readonly topK: number;
  readonly maxTokens: number;
  /** Samples a prompt. */
  readonly samples: number;
}

export interface Teacher extends Disposable {
  /** What logs call it. */
  readonly name: string;
  /** Name of the model that answers at its server, where it was asked for that by `probe`. */
  readonly model?: string;
  /** Log-probabilities a token that come with its answers; 0 where there are none. */
  readonly topK: number;
  /** Messages to the user while it works; undefined for who is never waited for. */
  readonly notices?: Notices;
  /** Checks that it can be learned from, and returns what the user should know; throws a UserError if it cannot. */
  probe(signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Answers prompts, in groups that have to be stored together, as they are finished. The signal's reason is thrown
   * when it fires. Throws a UserError when nobody answers any more.
   */
  answer(
    batches: Iterable<Batch>,
    select: Select,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Answered[], void, undefined>;
}

/** Of answers without distributions. */
export const NO_DISTRIBUTIONS: Distributions = {
  logprobs: new Float32Array(0),
  top: { ids: new Int32Array(0), logprobs: new Float32Array(0) },
};

/** What a server says of one token. */
export interface TokenFacts {
  readonly logprob: number;
  readonly top: readonly (readonly [id: number, logprob: number])[];
}

/**
 * Rows of k entries: likeliest first, each id once, more than k cut. Where there are fewer, the first is repeated with
 * no probability, which changes nothing; a token that nothing is known of gets a row without any.
 */
export function rowsOf(facts: readonly (TokenFacts | undefined)[], topK: number): Distributions {
  const logprobs = new Float32Array(facts.length).fill(LOWEST);
  const ids = new Int32Array(facts.length * topK);
  const topLogprobs = new Float32Array(facts.length * topK).fill(LOWEST);
  facts.forEach((fact, row) => {
    if (fact === undefined) return;
    logprobs[row] = fact.logprob;
    const once = new Map(fact.top.toReversed());
    const sorted = [...once].toSorted(([a, p], [b, q]) => q - p || a - b).slice(0, topK);
    const [first] = sorted;
    if (first === undefined) throw new InternalError(`token ${row} of an answer has no distribution`);
    for (let i = 0; i < topK; i++) {
      const [id, logprob] = sorted[i] ?? [first[0], LOWEST];
      ids[row * topK + i] = id;
      topLogprobs[row * topK + i] = logprob;
    }
  });
  return { logprobs, top: { ids, logprobs: topLogprobs } };
}
