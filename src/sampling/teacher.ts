/**
 * Rollouts of a teacher, whoever it is: n samples of every prompt are drawn, some of them are kept, and of those the k
 * likeliest tokens at every position are had, if it can say them. A model on this machine draws a batch of prompts at
 * once and scores what is kept; a server says all with its samples.
 */
import { required, UserError } from '../base/errors.ts';
import { hashString } from '../base/rng.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import { commonLength, prefixRuns } from '../model/tree/shared-prefix.ts';
import type { ScoredCompletion } from '../model/tree/scoring.ts';
import type { PromptTree } from '../model/tree/tree.ts';
import type { TopRows } from '../topk/format.ts';
import type { Drawn, Prompt, Sampler, SamplingOptions } from './sampler.ts';

/** A prompt that is to be answered. */
export interface Question extends Prompt {
  readonly position: number;
  readonly id: string;
  readonly text: string;
  readonly ids: TokenIds;
}

/** Prompts in the order in which they are asked; a batch is asked at once where that is faster. */
export interface Batch {
  /** Its place among all batches, which a local model's seeds go by. */
  readonly number: number;
  readonly questions: readonly Question[];
}

/** One answer as it was drawn; its text has all special tokens. */
export type Draft = Pick<Drawn, 'text' | 'tokens' | 'finish'>;

/** Distributions of a teacher over an answer's tokens, under its full softmax at temperature 1. */
export interface Distributions {
  readonly logprobs: Float32Array; // [T]
  readonly top: TopRows; // k of `Teacher.topK`
}

/** Of answers without distributions. */
export const NO_DISTRIBUTIONS: Distributions = {
  logprobs: new Float32Array(0),
  top: { ids: new Int32Array(0), logprobs: new Float32Array(0) },
};

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

export interface TeacherOptions {
  readonly sampling: SamplingOptions;
  readonly seed: number;
  /** Log-probabilities a token, at most the vocabulary. */
  readonly kd_topk: number;
}

/** Sequences in a tree of prompts that begin alike. */
const TREE_LIMIT = 16;

interface Chosen {
  readonly promptIds: TokenIds;
  readonly samples: readonly Draft[];
}

/** Answers to prompts that begin alike as one tree: the rest of each prompt goes with its answers. */
function treeOf(run: readonly Chosen[]): PromptTree {
  const [first] = run;
  const all = first?.promptIds ?? asTokenIds([]);
  const shared = run.reduce((length, { promptIds }) => commonLength(all, promptIds, length), all.length);
  return {
    prompt: asTokenIds(all.slice(0, shared)),
    completions: run.flatMap(({ promptIds, samples }) =>
      samples.map(({ tokens }) => asTokenIds([...promptIds.subarray(shared), ...tokens])),
    ),
  };
}

/** Does not own its sampler. */
export class Teacher {
  readonly sampler: Sampler;
  /** Log-probabilities a token that come with its answers; 0 where there are none. */
  readonly topK: number;
  readonly #options: TeacherOptions;

  constructor(sampler: Sampler, options: TeacherOptions) {
    this.sampler = sampler;
    this.topK = sampler.givesTopK ? options.kd_topk : 0;
    this.#options = options;
  }

  get #sampling() {
    const { sampling, seed } = this.#options;
    return { ...sampling, seed, kd_topk: this.topK, skip_special_tokens: false };
  }

  /** Makes sure that it can be learned from, and returns what the user should know; throws a UserError if it cannot. */
  async check(signal: AbortSignal): Promise<readonly string[]> {
    return (await this.sampler.check?.({ ...this.#sampling, signal })) ?? [];
  }

  /**
   * Answers prompts, in groups that have to be stored together, as they are finished. The signal's reason is thrown
   * when it fires. Throws a UserError when nobody answers any more.
   */
  async *answer(
    batches: Iterable<Batch>,
    select: Select,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Answered[], void, undefined> {
    if (this.sampler.score === undefined) {
      yield* this.#answerEach(batches, select, signal);
      return;
    }
    for (const batch of batches) {
      signal.throwIfAborted();
      yield await this.#answerBatch(batch, select, signal);
    }
  }

  /** Answers prompts of all batches side by side; their distributions come with them. */
  async *#answerEach(
    batches: Iterable<Batch>,
    select: Select,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Answered[], void, undefined> {
    const asked = new Map<number, Question>();
    const questions = function* (): Generator<Question> {
      let index = 0;
      for (const batch of batches)
        for (const question of batch.questions) {
          asked.set(index++, question);
          yield question;
        }
    };
    for await (const { index, samples, failure } of this.sampler.sample(questions(), {
      ...this.#sampling,
      signal,
    })) {
      const question = required(asked.get(index), 'the question of an answer');
      asked.delete(index);
      if (failure !== undefined) {
        yield [{ question, failure }];
        continue;
      }
      const chosen = new Set(select(question, samples));
      const kept = samples.filter((draft) => chosen.has(draft));
      yield [{ question, kept: kept.map((draft) => ({ draft, ...distributionsOf(draft) })) }];
    }
  }

  async #answerBatch(
    { number, questions }: Batch,
    select: Select,
    signal: AbortSignal,
  ): Promise<readonly Answered[]> {
    const drawn = new Map<number, readonly Draft[]>();
    const options = { ...this.#sampling, seed: hashString(`${this.#options.seed}:${number}`), signal };
    for await (const { index, samples } of this.sampler.sample(questions, options)) drawn.set(index, samples);
    const chosen = questions.map((question, i): [Question, readonly Draft[]] => [
      question,
      select(question, drawn.get(i) ?? []),
    ]);
    const kept = await this.#score(chosen, signal);
    return questions.map((question, i) => ({ question, kept: kept[i] ?? [] }));
  }

  /** The distributions of the answers that are kept. */
  async #score(
    chosen: readonly (readonly [Question, readonly Draft[]])[],
    signal: AbortSignal,
  ): Promise<Kept[][]> {
    const answered = chosen.flatMap(([{ ids }, samples], i) =>
      samples.length > 0 ? [{ promptIds: ids, samples, i }] : [],
    );
    const runs = prefixRuns(answered, TREE_LIMIT);
    const scored = (await this.sampler.score?.(runs.map(treeOf), { topK: this.topK, signal })) ?? [];
    const kept: Kept[][] = chosen.map(() => []);
    for (const [t, run] of runs.entries()) {
      let at = 0;
      for (const { samples, i } of run) {
        kept[i] = samples.map((draft) =>
          this.#kept(draft, required(scored[t]?.[at++], 'the scores of an answer')),
        );
      }
    }
    return kept;
  }

  /** An answer that is kept; its scores may begin with those of the end of its prompt. */
  #kept(draft: Draft, { logprobs, topIds, topLogprobs }: ScoredCompletion): Kept {
    const start = logprobs.length - draft.tokens.length;
    const top = {
      ids: topIds.subarray(start * this.topK),
      logprobs: topLogprobs.subarray(start * this.topK),
    };
    if (top.logprobs.some(Number.isNaN)) {
      throw new UserError(
        'NOT_A_NUMBER',
        `The teacher ${this.sampler.name} gives probabilities that are not numbers; train its weights anew or copy them again.`,
      );
    }
    return { draft, logprobs: logprobs.subarray(start), top };
  }
}

const distributionsOf = ({ logprobs, top }: Drawn): Distributions =>
  top === undefined ? NO_DISTRIBUTIONS : { logprobs, top };
