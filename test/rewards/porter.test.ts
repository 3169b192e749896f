import { describe, expect, test } from 'vitest';
import { stem } from '../../src/rewards/porter.ts';
import { goldenLines } from '../helpers/golden-files.ts';

describe('stem', () => {
  test.each([
    // The examples of Porter's paper, step by step, where NLTK agrees with them.
    ['caresses', 'caress'],
    ['ponies', 'poni'],
    ['cats', 'cat'],
    ['agreed', 'agre'],
    ['plastered', 'plaster'],
    ['motoring', 'motor'],
    ['conflated', 'conflat'],
    ['hopping', 'hop'],
    ['falling', 'fall'],
    ['filing', 'file'],
    ['happy', 'happi'],
    ['relational', 'relat'],
    ['conditional', 'condit'],
    ['digitizer', 'digit'],
    ['sensibiliti', 'sensibl'],
    ['triplicate', 'triplic'],
    ['electrical', 'electr'],
    ['goodness', 'good'],
    ['replacement', 'replac'],
    ['adoption', 'adopt'],
    ['probate', 'probat'],
    ['rate', 'rate'],
    ['controlling', 'control'],
    ['roll', 'roll'],
  ])('cuts %s to %s as the paper does', (word, expected) => {
    expect(stem(word)).toBe(expected);
  });

  test.each([
    ['skies', 'sky'],
    ['dying', 'die'],
    ['news', 'news'],
    ['innings', 'inning'],
    ['exceed', 'exceed'],
    ['dies', 'die'],
    ['died', 'die'],
    ['tries', 'tri'],
    ['enjoy', 'enjoy'],
    ['fly', 'fli'],
    ['use', 'use'],
    ['geology', 'geolog'],
    ['hopefully', 'hope'],
    ['by', 'by'],
    ['as', 'as'],
  ])('cuts %s to %s as only NLTK does', (word, expected) => {
    expect(stem(word)).toBe(expected);
  });

  test('is linear in the word: a run of y, or of -alli, is no trap', () => {
    for (const word of ['y'.repeat(200_000), 'alli'.repeat(50_000), 'ly'.repeat(100_000)]) {
      const start = performance.now();
      stem(word);
      expect(performance.now() - start).toBeLessThan(500);
    }
  });
});

describe('golden stems of NLTK', () => {
  test('all words agree', () => {
    const rows = goldenLines('porter-nltk.tsv');
    const wrong = rows.filter((row) => {
      const [word = '', expected] = row.split('\t');
      return stem(word) !== expected;
    });
    expect(rows.length).toBeGreaterThan(70_000);
    expect(wrong).toEqual([]);
  });
});
