/** Draws argument values, from training words or from test words; the two never meet. */
import { hashString, type Rng } from '../../../src/base/rng.ts';
import { once } from './once.ts';
import { lexicon } from './phrases.ts';
import { trainingVocabulary, wordsOf } from './library.ts';
import type { Kind } from './spec.ts';

export type Split = 'train' | 'test';

/** One word in this many is a test word. */
const TEST_SHARE = 4;
/** Share of values in which a made-up word stands in for one of the lexicon. */
const MADE_UP = 0.4;

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const ONSETS = 'b br c ch d dr f fl g gr h j k kl l m n p pl qu r s sh st t tr v w y z th sk'.split(' ');
const VOWELS = 'a e i o u a e i o ai ee ou ia'.split(' ');
const CODAS = ['', '', '', 'n', 'r', 'l', 's', 'x', 'm', 'ck', 'nd', 'rt', 'sk', 'v', 'p'];

const literals = once(() =>
  Object.values(lexicon().kinds).flatMap((patterns) =>
    patterns.flatMap((pattern) => wordsOf(pattern.replaceAll(/<\w+>/g, ' '))),
  ),
);
const fixedWords = once(() => new Set([...trainingVocabulary(), ...literals()]));
const lexiconWords = once(
  () => new Set(Object.values(lexicon().words).flatMap((list) => list.flatMap(wordsOf))),
);

function splitOf(word: string): Split {
  return hashString(word.toLowerCase()) % TEST_SHARE === 0 ? 'test' : 'train';
}

/** The words of one list that belong to a split; a word that the functions' own phrases use is always a training word. */
function listFor(name: string, split: Split): string[] {
  return (lexicon().words[name] ?? []).filter(
    (word) => (fixedWords().has(word.toLowerCase()) ? 'train' : splitOf(word)) === split,
  );
}

const lists = once((): Readonly<Record<Split, ReadonlyMap<string, readonly string[]>>> => {
  const names = Object.keys(lexicon().words);
  return {
    train: new Map(names.map((name) => [name, listFor(name, 'train')])),
    test: new Map(names.map((name) => [name, listFor(name, 'test')])),
  };
});

/** The lexicon's words that only the test uses, in lower case. */
export function testWords(): Set<string> {
  return new Set([...lists().test.values()].flatMap((list) => list.flatMap(wordsOf)));
}

/** A made-up word of the split, such as "tavirel": its hash says which split it belongs to. */
export function madeUpWord(rng: Rng, split: Split): string {
  for (;;) {
    const syllables = rng.chance(0.3) ? 3 : 2;
    let word = '';
    for (let i = 0; i < syllables; i++) word += rng.pick(ONSETS) + rng.pick(VOWELS);
    word += rng.pick(CODAS);
    const known = word.length < 5 || fixedWords().has(word) || lexiconWords().has(word);
    if (!known && splitOf(word) === split) return word;
  }
}

function drawWord(rng: Rng, list: string, split: Split): string {
  if (list === 'made') return madeUpWord(rng, split);
  const word = rng.pick(lists()[split].get(list) ?? []);
  if (!rng.chance(MADE_UP)) return word;
  const made = madeUpWord(rng, split);
  return word.charAt(0) === word.charAt(0).toUpperCase()
    ? made.charAt(0).toUpperCase() + made.slice(1)
    : made;
}

function drawText(rng: Rng, of: string, split: Split): string {
  const pattern = rng.pick(lexicon().kinds[of] ?? []);
  return pattern.replaceAll(/<(\w+)>/g, (_, list: string) => drawWord(rng, list, split));
}

function drawOnce(rng: Rng, kind: Kind, split: Split): string | number {
  if (kind.type === 'number')
    return kind.min + kind.step * rng.below(Math.floor((kind.max - kind.min) / kind.step) + 1);
  if (kind.type === 'choice') return rng.pick(kind.values);
  if (kind.of === 'day') return rng.pick(DAYS);
  if (kind.of === 'time') return `${rng.below(23) + 1}:${String(rng.below(12) * 5).padStart(2, '0')}`;
  if (kind.of === 'code') return rng.pick('ABCDEFGHJKLMNPRSTVWXYZ'.split('')) + String(10 + rng.below(890));
  return drawText(rng, kind.of, split);
}

/** A value no word of which is in `used`, so that no two values of a request can be taken for each other. */
export function drawValue(rng: Rng, kind: Kind, split: Split, used: Set<string>): string | number {
  if (kind.type === 'choice') return rng.pick(kind.values);
  for (let attempt = 0; attempt < 100; attempt++) {
    const value = drawOnce(rng, kind, split);
    const parts = String(value)
      .toLowerCase()
      .split(' ')
      .filter((part) => !literals().includes(part));
    if (parts.some((part) => used.has(part)) || new Set(parts).size < parts.length) continue;
    for (const part of parts) used.add(part);
    return value;
  }
  throw new RangeError(`drawValue: no fresh value of kind ${JSON.stringify(kind)}`);
}
