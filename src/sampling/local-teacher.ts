/** A model on this machine as the teacher: it draws a batch of prompts at once, and scores what is kept. */
import { required, UserError } from '../base/errors.ts';
import { hashString } from '../base/rng.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import type { Generator } from '../model/generate/generation.ts';
import type { ScoredCompletion, Scorer } from '../model/tree/scoring.ts';
import { commonLength, prefixRuns } from '../model/tree/shared-prefix.ts';
import type { PromptTree } from '../model/tree/tree.ts';
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
      { ...sampling, stopIds: tokenizer.stopIds, seed: hashString(`${seed}:${number}`), signal },
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
    const { scorer, topK } = this.#options;
    const answered = chosen.flatMap(([{ ids }, samples], i) =>
      samples.length > 0 ? [{ promptIds: ids, samples, i }] : [],
    );
    const runs = prefixRuns(answered, TREE_LIMIT);
    const scored = await scorer.score(runs.map(treeOf), { topK, signal });
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

  /** What is kept of an answer; its scores may begin with those of the end of its prompt. */
  #kept(draft: Draft, scores: ScoredCompletion): Kept {
    const { topK, name } = this.#options;
    const start = scores.logprobs.length - draft.tokens.length;
    const topIds = scores.topIds.subarray(start * topK);
    const topLogprobs = scores.topLogprobs.subarray(start * topK);
    if (topLogprobs.some(Number.isNaN)) {
      throw new UserError(
        'NOT_A_NUMBER',
        `The teacher ${name} gives probabilities that are not numbers; train its weights anew or copy them again.`,
      );
    }
    return { draft, logprobs: scores.logprobs.subarray(start), top: { ids: topIds, logprobs: topLogprobs } };
  }

  [Symbol.dispose](): void {}
}
