/** The words of invented functions, without those that only the test may use. */
import { z } from 'zod';
import { HELD_OUT_FUNCTIONS, wordsOf } from '../library.ts';
import { readPhrases, wordList } from '../../../base/phrases.ts';
import { testWords } from '../values.ts';

const FILE = readPhrases(
  new URL('../', import.meta.url).href,
  'invented',
  z.strictObject({ verbs: wordList, nouns: wordList, adjectives: wordList, params: z.string() }),
);

/** The words of a list, without those that only the test may use, be it in the plural. */
function list(words: readonly string[]): string[] {
  const banned = testWords();
  const isBanned = (word: string): boolean => banned.has(word) || banned.has(`${word}s`);
  return [...new Set(words)].filter((word) => !word.split('|').some(isBanned));
}

/** Groups of verbs that mean the same. */
export const INVENTED_VERBS: readonly (readonly string[])[] = list(FILE.verbs).map((group) =>
  group.split('|'),
);
export const INVENTED_NOUNS: readonly string[] = list(FILE.nouns);
export const INVENTED_ADJECTIVES: readonly string[] = list(FILE.adjectives);

const HELD_OUT_NAMES = HELD_OUT_FUNCTIONS.flatMap((spec) => spec.names.map(wordsOf));

/** Tells whether a verb, in any of its wordings, and a noun together name a held-out function. */
export function namesHeldOut(verbs: readonly string[], noun: string): boolean {
  return HELD_OUT_NAMES.some((name) => name.some((word) => verbs.includes(word)) && name.includes(noun));
}

/** Parameters of invented functions: `name; kind; ways to give it`, where {} is the value. */
export interface InventedParam {
  readonly name: string;
  readonly kind: string;
  readonly cues: readonly string[];
}

const BANNED = testWords();

export const INVENTED_PARAMS: readonly InventedParam[] = FILE.params
  .trim()
  .split('\n')
  .map((line) => {
    const [name = '', kind = '', cues = ''] = line.split(';').map((part) => part.trim());
    return { name, kind, cues: cues.split(', ') };
  })
  .filter(
    ({ name, kind, cues }) =>
      !wordsOf([name, kind.includes('/') ? kind : '', ...cues].join(' ')).some((word) => BANNED.has(word)),
  );
