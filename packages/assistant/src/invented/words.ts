/** The words of invented functions, without those that only the test may use. */
import { z } from 'zod';
import { heldOutFunctions, wordsOf } from '../library.ts';
import { once } from '../once.ts';
import { readPhrases, wordList } from '../../../../src/base/phrases.ts';
import { testWords } from '../values.ts';

/** The words of a list, without those that only the test may use, be it in the plural. */
function list(words: readonly string[]): string[] {
  const banned = testWords();
  const isBanned = (word: string): boolean => banned.has(word) || banned.has(`${word}s`);
  return [...new Set(words)].filter((word) => !word.split('|').some(isBanned));
}

const heldOutNames = once(() => heldOutFunctions().flatMap((spec) => spec.names.map(wordsOf)));

/** Tells whether a verb, in any of its wordings, and a noun together name a held-out function. */
export function namesHeldOut(verbs: readonly string[], noun: string): boolean {
  return heldOutNames().some((name) => name.some((word) => verbs.includes(word)) && name.includes(noun));
}

/** Parameters of invented functions: `name; kind; ways to give it`, where {} is the value. */
export interface InventedParam {
  readonly name: string;
  readonly kind: string;
  readonly cues: readonly string[];
}

/** Parameters without those that a test word is in. */
function paramsOf(text: string): InventedParam[] {
  const banned = testWords();
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', kind = '', cues = ''] = line.split(';').map((part) => part.trim());
      return { name, kind, cues: cues.split(', ') };
    })
    .filter(
      ({ name, kind, cues }) =>
        !wordsOf([name, kind.includes('/') ? kind : '', ...cues].join(' ')).some((word) => banned.has(word)),
    );
}

/** Words that invented functions are made of; `verbs` are groups that mean the same. */
export const inventedWords = once(() => {
  const schema = z.strictObject({
    verbs: wordList,
    nouns: wordList,
    adjectives: wordList,
    params: z.string(),
  });
  const file = readPhrases(new URL('../', import.meta.url).href, 'invented', schema);
  return {
    verbs: list(file.verbs).map((group) => group.split('|')),
    nouns: list(file.nouns),
    adjectives: list(file.adjectives),
    params: paramsOf(file.params),
  };
});
