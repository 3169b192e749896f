/**
 * Sequences that repeat themselves: random tokens, then the same tokens again. A model from scratch that is to copy
 * unseen names into arguments first has to learn to look up what followed a token before (an induction head); in
 * dialogues such tokens are rare, here every token of the second half teaches it.
 */
import type { Rng } from '../base/rng.ts';
import { asTokenIds } from '../base/token-ids.ts';

const LENGTHS = { least: 6, most: 28 } as const;

/**
 * A random sequence and its repetition, of ids below `vocabulary`, none of them in `excluded`; `from` is the index of the first
 * token that could be foreseen.
 */
export function repetition(rng: Rng, vocabulary: number, excluded: ReadonlySet<number>) {
  const length = LENGTHS.least + rng.below(LENGTHS.most - LENGTHS.least + 1);
  const first: number[] = [];
  while (first.length < length) {
    const id = rng.below(vocabulary);
    if (!excluded.has(id)) first.push(id);
  }
  // The first token of the repetition cannot be foreseen: it says where the copy begins.
  const start = rng.below(Math.ceil(length / 2));
  const second = first.slice(start);
  return { tokens: asTokenIds([...first, ...second]), from: length + 1 };
}
