/**
 * The reference's log-probabilities of a stage's pairs, computed once, on disk. Pairs are scored in groups that
 * depend on nothing but the order of the first epoch, each when its first pair is needed: the model that scores need
 * not stay beyond that epoch, and a run that was killed finds the same numbers again, to the bit.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { required, UserError } from '../base/errors.ts';
import { Owned } from '../base/owned.ts';
import { SafetensorsFile, writeSafetensors } from '../model/checkpoint/safetensors.ts';
import type { Scorer } from '../model/tree/scoring.ts';
import type { PromptTree } from '../model/tree/tree.ts';
import type { PairScores, PreferencePair } from './pairs.ts';

export interface ReferenceCacheOptions {
  readonly folder: string;
  readonly pairs: readonly PreferencePair[];
  /** The pair at each position of the first epoch. */
  readonly order: (position: number) => number;
  /** Pairs that are scored together. */
  readonly group: number;
  /** Opens the reference model, which `held` is to hold; called when a group has to be scored. */
  readonly open: (held: Owned) => Scorer;
}

export class ReferenceCache implements Disposable {
  readonly #options: ReferenceCacheOptions;
  /** Pairs of each group, in order. */
  readonly #groups: readonly (readonly number[])[];
  readonly #groupOf: ReadonlyMap<number, number>;
  readonly #scores = new Map<number, PairScores>();
  readonly #held = new Owned();
  #reference: Scorer | undefined;

  constructor(options: ReferenceCacheOptions) {
    this.#options = options;
    const { pairs, order, group } = options;
    const places = pairs.map((_, position) => order(position));
    this.#groups = Array.from({ length: Math.ceil(pairs.length / group) }, (_, number) =>
      places.slice(number * group, (number + 1) * group),
    );
    this.#groupOf = new Map(this.#groups.flatMap((members, number) => members.map((pair) => [pair, number])));
  }

  /**
   * Scores of the pair with this index; computed with its group if they are not on disk. One call at a time. Throws
   * the signal's reason.
   */
  async of(index: number, signal: AbortSignal): Promise<PairScores> {
    const number = required(this.#groupOf.get(index), 'the group of a pair');
    if (!this.#scores.has(index)) {
      if (!existsSync(this.#path(number))) await this.#score(number, signal);
      this.#read(number);
    }
    return required(this.#scores.get(index), 'the scores of a pair');
  }

  #path(number: number): string {
    return join(this.#options.folder, `group-${String(number).padStart(6, '0')}.safetensors`);
  }

  /** Pairs of a group as trees, of which the chosen answer comes first. */
  #members(number: number): { readonly index: number; readonly tree: PromptTree }[] {
    return (this.#groups[number] ?? []).map((index) => {
      const { promptIds: prompt, chosen, rejected } = required(this.#options.pairs[index], 'a pair');
      return { index, tree: { prompt, completions: [chosen.tokens, rejected.tokens] } };
    });
  }

  async #score(number: number, signal: AbortSignal): Promise<void> {
    this.#reference ??= this.#options.open(this.#held);
    const trees = this.#members(number).map(({ tree }) => tree);
    const scored = await this.#reference.score(trees, { signal });
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
    let at = 0;
    const scores = members
      .flatMap(({ tree }) => tree.completions)
      .map(({ length }) => logprobs.slice(at, (at += length)));
    if (logprobs.length !== at)
      throw new UserError('RUN_FILE', `${path} is damaged; remove it to have its pairs scored again.`);
    members.forEach(({ index }, i) => {
      const [chosen, rejected] = scores.slice(2 * i, 2 * i + 2);
      this.#scores.set(index, { chosen: required(chosen, 'scores'), rejected: required(rejected, 'scores') });
    });
  }

  /** Frees the reference, if it is open. */
  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]();
    this.#reference = undefined;
  }
}
