/**
 * The reference's log-probabilities of a stage's pairs, computed once, on disk. Pairs are scored in groups that
 * depend on nothing but the order of the first epoch, each when its first pair is needed: the model that scores need
 * not stay beyond that epoch, and a run that was killed finds the same numbers again, to the bit.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { required, UserError } from '../base/errors.ts';
import { SafetensorsFile, writeSafetensors } from '../model/checkpoint/safetensors.ts';
import type { Scorer } from '../model/tree/scoring.ts';
import type { PairScores, PreferencePair } from './pairs.ts';

/** The reference model, ready to score. */
export interface OpenReference extends Disposable {
  readonly scorer: Scorer;
}

export interface ReferenceCacheOptions {
  readonly folder: string;
  readonly pairs: readonly PreferencePair[];
  /** The pair at each position of the first epoch. */
  readonly order: (position: number) => number;
  /** Pairs that are scored together. */
  readonly group: number;
  /** Opens the reference; called when a group has to be scored. */
  readonly open: () => OpenReference;
}

export class ReferenceCache implements Disposable {
  readonly #options: ReferenceCacheOptions;
  /** Pairs of each group, in order. */
  readonly #groups: readonly (readonly number[])[];
  readonly #groupOf: readonly number[];
  readonly #scores = new Map<number, PairScores>();
  #reference: OpenReference | undefined;

  constructor(options: ReferenceCacheOptions) {
    this.#options = options;
    const { pairs, order, group } = options;
    const groupOf = pairs.map(() => 0);
    this.#groups = Array.from({ length: Math.ceil(pairs.length / group) }, (_, number) => {
      const positions = Array.from(
        { length: Math.min(group, pairs.length - number * group) },
        (__, i) => number * group + i,
      );
      return positions.map((position) => {
        const pair = order(position);
        groupOf[pair] = number;
        return pair;
      });
    });
    this.#groupOf = groupOf;
  }

  /**
   * Scores of the pair with this index; computed with its group if they are not on disk. One call at a time. Throws
   * the signal's reason.
   */
  async of(index: number, signal: AbortSignal): Promise<PairScores> {
    const number = required(this.#groupOf[index], 'the group of a pair');
    if (!this.#scores.has(index)) {
      if (!existsSync(this.#path(number))) await this.#score(number, signal);
      this.#read(number);
    }
    return required(this.#scores.get(index), 'the scores of a pair');
  }

  #path(number: number): string {
    return join(this.#options.folder, `group-${String(number).padStart(6, '0')}.safetensors`);
  }

  #members(number: number): { index: number; pair: PreferencePair }[] {
    return (this.#groups[number] ?? []).map((index) => ({
      index,
      pair: required(this.#options.pairs[index], 'a pair'),
    }));
  }

  async #score(number: number, signal: AbortSignal): Promise<void> {
    this.#reference ??= this.#options.open();
    const trees = this.#members(number).map(({ pair }) => ({
      prompt: pair.promptIds,
      completions: [pair.chosen.tokens, pair.rejected.tokens],
    }));
    const scored = await this.#reference.scorer.score(trees, { signal });
    const all = scored.flatMap((completions) => completions.flatMap(({ logprobs }) => [...logprobs]));
    if (all.some(Number.isNaN)) {
      throw new UserError(
        'NOT_A_NUMBER',
        'The model that pairs are learned with gives probabilities that are not numbers; train its weights anew or copy them again.',
      );
    }
    writeSafetensors(this.#path(number), [
      { name: 'logprobs', shape: [all.length], data: Float32Array.from(all), dtype: 'F32' },
    ]);
    const complete = this.#groups.every((_, other) => existsSync(this.#path(other)));
    if (complete) this[Symbol.dispose]();
  }

  #read(number: number): void {
    const path = this.#path(number);
    using file = SafetensorsFile.open(path);
    const logprobs = file.readF32('logprobs');
    const members = this.#members(number);
    const length = members.reduce(
      (n, { pair }) => n + pair.chosen.tokens.length + pair.rejected.tokens.length,
      0,
    );
    if (logprobs.length !== length)
      throw new UserError('RUN_FILE', `${path} is damaged; remove it to have its pairs scored again.`);
    let at = 0;
    const take = (count: number): Float32Array => logprobs.slice(at, (at += count));
    for (const { index, pair } of members) {
      this.#scores.set(index, {
        chosen: take(pair.chosen.tokens.length),
        rejected: take(pair.rejected.tokens.length),
      });
    }
  }

  /** Frees the reference, if it is open. */
  [Symbol.dispose](): void {
    this.#reference?.[Symbol.dispose]();
    this.#reference = undefined;
  }
}
