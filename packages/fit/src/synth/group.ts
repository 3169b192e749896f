/** A set of functions with requests for them, as a base reads them. */
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Case } from '../types.ts';
import { nameWords } from './lexicon.ts';

export interface Group {
  readonly functions: readonly Tool[];
  readonly cases: readonly Case[];
}

/** Share of the sets whose names are words_like_this; those of the others areLikeThis. */
const SNAKE = 0.75;

/** A name in the style of its set, a number from 0 to 1. */
export function named(name: string, style: number): string {
  const words = nameWords(name);
  if (style < SNAKE) return words.join('_');
  return words.map((word, i) => (i === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('');
}
