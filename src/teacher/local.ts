/** A model on this machine as the teacher: it draws a batch of prompts at once, and scores what is kept. */
import { required, UserError } from '../base/errors.ts';
import { hashString } from '../base/rng.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import type { Generator } from '../model/generation.ts';
import type { Scorer } from '../model/scoring.ts';
import type { Answered, Batch, Draft, Kept, Question, SamplingOptions, Select, Teacher } from './teacher.ts';

export interface LocalTeacherOptions {
  readonly name: string;
  readonly generator: Generator;
  readonly scorer: Scorer;
  readonly tokenizer: Tokenizer;
  readonly sampling: SamplingOptions;
  /** Log-probabilities a token, at most the vocabulary. */
  readonly topK: number;
  readonly seed: number;
}

/** Does not own the generator and the scorer. */
export class LocalTeacher implements Teacher {
  readonly name: string;
  readonly topK: number;
  readonly #options: LocalTeacherOptions;

  constructor(options: LocalTeacherOptions) {
    this.name = options.name;
    this.topK = options.topK;
    this.#options = options;
  }

  probe(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  async *answer(
    batches: Iterable<Batch>,
    select: Select,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Answered[], void, undefined> {
    for (const batch of batches) {
      signal.throwIfAborted();
      yield await this.#answerBatch(batch, select, signal);
    }
  }

  async #answerBatch(
    { number, questions }: Batch,
    select: Select,
    signal: AbortSignal,
  ): Promise<readonly Answered[]> {
    const { generator, sampling, tokenizer, seed } = this.#options;
    const drawn = await generator.generate(
      questions.map(({ ids }) => ids),
      { ...sampling, stopIds: [tokenizer.eosId], seed: hashString(`${seed}:${number}`), signal },
    );
    const chosen = questions.map((question, i): [Question, readonly Draft[]] => {
      const drafts = (drawn[i] ?? []).map(({ tokens, finish }) => ({
        text: tokenizer.decode(tokens),
        tokens,
        finish,
      }));
      return [question, select(question, drafts)];
    });
    const kept = await this.#score(chosen, signal);
    return chosen.map(([question], i) => ({ question, kept: kept[i] ?? [] }));
  }

  /** The distributions of the answers that are kept. */
  async #score(
    chosen: readonly (readonly [Question, readonly Draft[]])[],
    signal: AbortSignal,
  ): Promise<Kept[][]> {
    const { scorer, topK, name } = this.#options;
    const answered = chosen.flatMap(([question, drafts], i) =>
      drafts.length > 0 ? [{ question, drafts, i }] : [],
    );
    const trees = answered.map(({ question, drafts }) => ({
      prompt: question.ids,
      completions: drafts.map(({ tokens }) => tokens),
    }));
    const scored = await scorer.score(trees, { topK, signal });
    const kept: Kept[][] = chosen.map(() => []);
    answered.forEach(({ drafts, i }, t) => {
      kept[i] = drafts.map((draft, s) => {
        const { logprobs, topIds, topLogprobs } = required(scored[t]?.[s], 'the scores of an answer');
        if (topLogprobs.some(Number.isNaN)) {
          throw new UserError(
            'NOT_A_NUMBER',
            `The teacher ${name} gives probabilities that are not numbers; train its weights anew or copy them again.`,
          );
        }
        return { draft, logprobs, top: { ids: topIds, logprobs: topLogprobs } };
      });
    });
    return kept;
  }

  [Symbol.dispose](): void {}
}
