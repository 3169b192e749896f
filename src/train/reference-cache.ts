/**
 * The reference's log-probabilities of a stage's pairs, computed once, on disk. Pairs are scored in groups that
 * depend on nothing but the order of the first epoch, each when its first pair is needed: the model that scores need
 * not stay beyond that epoch, and a run that was killed finds the same numbers again, to the bit.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { required, UserError } from '../base/errors.ts';
import { Owned } from '../base/owned.ts';
import type { TokenIds } from '../base/token-ids.ts';
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

/** Pairs that are scored together, by their indices, and the file of their scores. */
interface Group {
  readonly path: string;
  readonly members: readonly number[];
}

export class ReferenceCache implements Disposable {
  readonly #options: ReferenceCacheOptions;
  readonly #groups = new Map<number, Group>();
  readonly #scores = new Map<number, PairScores>();
  readonly #held = new Owned();
  #reference: Scorer | undefined;

  constructor(options: ReferenceCacheOptions) {
    this.#options = options;
    const { folder, pairs, order, group: size } = options;
    const places = pairs.map((_, position) => order(position));
    for (let start = 0; start < places.length; start += size) {
      const path = join(folder, `group-${String(start / size).padStart(6, '0')}.safetensors`);
      const group = { path, members: places.slice(start, start + size) };
      for (const pair of group.members) this.#groups.set(pair, group);
    }
  }

  /**
   * Scores of the pair with this index; computed with its group if they are not on disk. One call at a time. Throws
   * the signal's reason.
   */
  async of(index: number, signal: AbortSignal): Promise<PairScores> {
    const group = required(this.#groups.get(index), 'the group of a pair');
    if (!this.#scores.has(index)) {
      if (!existsSync(group.path)) await this.#score(group, signal);
      this.#read(group);
    }
    return required(this.#scores.get(index), 'the scores of a pair');
  }

  /** Pairs of a group as trees, of which the chosen answer comes first. */
  #trees({ members }: Group): PromptTree[] {
    return members.map((index) => {
      const { promptIds: prompt, chosen, rejected } = required(this.#options.pairs[index], 'a pair');
      return { prompt, completions: [chosen.tokens, rejected.tokens] };
    });
  }

  async #score(group: Group, signal: AbortSignal): Promise<void> {
    this.#reference ??= this.#options.open(this.#held);
    const scored = await this.#reference.score(this.#trees(group), { signal });
    const all = scored.flatMap((completions) => completions.flatMap(({ logprobs }) => [...logprobs]));
    if (all.some(Number.isNaN))
      throw new UserError(
        'NOT_A_NUMBER',
        'The model that pairs are learned with gives probabilities that are not numbers; train its weights anew or copy them again.',
      );
    writeSafetensors(group.path, [
      { name: 'logprobs', shape: [all.length], data: Float32Array.from(all), dtype: 'F32' },
    ]);
    const complete = [...this.#groups.values()].every(({ path }) => existsSync(path));
    if (complete) this[Symbol.dispose]();
  }

  #read(group: Group): void {
    using file = SafetensorsFile.open(group.path);
    const logprobs = file.readF32('logprobs');
    let at = 0;
    const next = ({ length }: TokenIds): Float32Array => logprobs.slice(at, (at += length));
    const scores = this.#trees(group).map(({ completions: [chosen, rejected] }) => ({
      chosen: next(required(chosen, 'the chosen answer')),
      rejected: next(required(rejected, 'the rejected answer')),
    }));
    if (logprobs.length !== at)
      throw new UserError('RUN_FILE', `${group.path} is damaged; remove it to have its pairs scored again.`);
    for (const [i, one] of scores.entries()) this.#scores.set(required(group.members[i], 'a pair'), one);
  }

  /** Frees the reference, if it is open. */
  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]();
    this.#reference = undefined;
  }
}
