/**
 * A teacher, whoever it is: n answers to every prompt are drawn, and of those that are kept the k likeliest tokens at
 * every position are had, if it can say them. A model on this machine draws a batch of prompts at once and scores what is
 * kept; a server says all with its answers.
 */
import { required, UserError } from '../base/errors.ts';
import { hashString } from '../base/rng.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import { commonLength, prefixRuns } from '../model/tree/shared-prefix.ts';
import type { ScoredCompletion } from '../model/tree/scoring.ts';
import type { PromptTree } from '../model/tree/tree.ts';
import type { TopKSequence } from '../topk/format.ts';
import type { Drawn, Prompt, SampleOptions, Sampler } from './sampler.ts';

export type Question = Prompt & Required<Pick<Prompt, 'position' | 'text' | 'ids'>>;

/** Prompts in the order in which they are asked; a batch is asked at once where that is faster. */
export interface Batch<Q extends Question> {
  /** Its place among all batches, which a local model's seeds go by. */
  readonly number: number;
  readonly questions: readonly Q[];
}

/** Answers to a prompt, whose texts have all special tokens. */
export interface Answered<Q extends Question> {
  readonly question: Q;
  readonly drafts: readonly Drawn[];
  /** Why it could not be answered, however often it was asked. */
  readonly failure: string | undefined;
}

/** Distributions of a teacher over an answer's tokens, under its full softmax at temperature 1. */
export type Distributions = Omit<TopKSequence, 'tokens'>;

export const NO_DISTRIBUTIONS: Distributions = {
  logprobs: new Float32Array(0),
  top: { ids: new Int32Array(0), logprobs: new Float32Array(0) },
};

/** A prompt with those of its answers that are kept, one at least. */
interface Chosen<S extends Drawn> {
  readonly promptIds: TokenIds;
  readonly samples: readonly S[];
}

/** Sequences in a tree of prompts that begin alike. */
const TREE_LIMIT = 16;

/** Answers to prompts that begin alike as one tree: the rest of each prompt goes with its answers. */
function treeOf(run: readonly Chosen<Drawn>[]): PromptTree {
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
  readonly sampling: SampleOptions & { readonly seed: number };
  /** Log-probabilities a token that come with its answers; 0 where there are none. */
  readonly topK: number;

  /** Asks for at most the vocabulary as `kd_topk`. */
  constructor(
    sampler: Sampler,
    sampling: SampleOptions & { readonly seed: number; readonly kd_topk: number },
  ) {
    this.sampler = sampler;
    this.topK = sampler.givesTopK ? sampling.kd_topk : 0;
    this.sampling = { ...sampling, kd_topk: this.topK, skip_special_tokens: false };
  }

  /**
   * Draws answers to prompts, in groups that have to be stored together, as they are finished. The signal's reason is
   * thrown when it fires. Throws a UserError when nobody answers any more.
   */
  async *draw<Q extends Question>(batches: Iterable<Batch<Q>>, signal: AbortSignal) {
    const { seed } = this.sampling;
    if (this.sampler.score === undefined) {
      const questions = function* (): Generator<Q> {
        for (const batch of batches) yield* batch.questions;
      };
      for await (const answered of this.#ask(questions(), seed, signal)) yield [answered];
      return;
    }
    for (const { number, questions } of batches) {
      signal.throwIfAborted();
      const group: Answered<Q>[] = [];
      for await (const answered of this.#ask(questions, hashString(`${seed}:${number}`), signal))
        group.push(answered);
      yield group.toSorted((a, b) => a.question.position - b.question.position);
    }
  }

  async *#ask<Q extends Question>(questions: Iterable<Q>, seed: number, signal: AbortSignal) {
    const asked = new Map<number, Q>();
    const noted = function* (): Generator<Q> {
      let index = 0;
      for (const question of questions) {
        asked.set(index++, question);
        yield question;
      }
    };
    const answers = this.sampler.sample(noted(), { ...this.sampling, seed, signal });
    for await (const { index, samples: drafts, failure } of answers) {
      const question = required(asked.get(index), 'the question of an answer');
      asked.delete(index);
      yield { question, drafts, failure };
    }
  }

  /** The answers of each prompt with their distributions, which a model on this machine is asked for now. */
  async score<S extends Drawn>(
    prompts: readonly Chosen<S>[],
    signal: AbortSignal,
  ): Promise<(S & Distributions)[][]> {
    if (this.sampler.score === undefined) {
      return prompts.map(({ samples }) => samples.map((draft) => ({ ...NO_DISTRIBUTIONS, ...draft })));
    }
    const trees = prefixRuns(prompts, TREE_LIMIT).map(treeOf);
    const scored = (await this.sampler.score(trees, { topK: this.topK, signal })).flat();
    let at = 0;
    return prompts.map(({ samples }) =>
      samples.map((draft) => ({
        ...draft,
        ...this.#distributions(draft, required(scored[at++], 'the scores of an answer')),
      })),
    );
  }

  /** Scores of an answer, which may begin with those of the end of its prompt. */
  #distributions({ tokens }: Drawn, { logprobs, topIds, topLogprobs }: ScoredCompletion): Distributions {
    const start = logprobs.length - tokens.length;
    const first = start * this.topK;
    const top = { ids: topIds.subarray(first), logprobs: topLogprobs.subarray(first) };
    if (top.logprobs.some(Number.isNaN)) {
      throw new UserError(
        'NOT_A_NUMBER',
        `The teacher ${this.sampler.name} gives probabilities that are not numbers; train its weights anew or copy them again.`,
      );
    }
    return { logprobs: logprobs.subarray(start), top };
  }
}
