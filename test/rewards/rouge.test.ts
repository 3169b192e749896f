import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_WORDS, rougeL } from '../../src/rewards/rouge.ts';

/** The textbook table, to check the bit-parallel one against. */
function slowCommon(a: readonly string[], b: readonly string[]): number {
  let row = Array<number>(b.length + 1).fill(0);
  for (const word of a) {
    const next = [0];
    for (const [j, other] of b.entries())
      next.push(word === other ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
    row = next;
  }
  return row[b.length]!;
}

describe('rougeL', () => {
  test.each([
    ['the cat sat', 'the cat sat', 1],
    ['the cat sat', 'the cat', 0.8],
    ['a b c d', 'd c b a', 0.25],
    ['Hello, World!', 'hello world', 1],
    ['running dogs', 'run dog', 1],
    ['running dogs', 'runs dogs', 1],
    ['', 'a', 0],
    ['a', '?', 0],
    ['中文', '中文', 0],
    ['x_y', 'x y', 1],
    ['a', 'b', 0],
    // Words of three letters are not stemmed: "was" would become "wa".
    ['was', 'wa', 0],
    ['dogs', 'dog', 1],
  ])('%j against %j is %d', (target, prediction, expected) => {
    expect(rougeL(target)(prediction)).toBeCloseTo(expected, 12);
  });

  test('equals the textbook computation on words of every multiplicity and length', () => {
    const words = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 150, size: 'max' });
    fc.assert(
      fc.property(words, words, (target, prediction) => {
        const common = slowCommon(target, prediction);
        const expected = common === 0 ? 0 : (2 * common) / (target.length + prediction.length);
        expect(rougeL(target.join(' '))(prediction.join(' '))).toBeCloseTo(expected, 12);
      }),
      { numRuns: 300 },
    );
  });

  test('scores many predictions against one target, one after the other', () => {
    const rouge = rougeL('one two three');
    expect(['one', 'one two three', 'four', 'one'].map((text) => rouge(text))).toEqual([0.5, 1, 0, 0.5]);
  });

  test('is symmetric and stays within 0 and 1', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        const score = rougeL(a)(b);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        expect(rougeL(b)(a)).toBeCloseTo(score, 12);
      }),
    );
  });

  test('matches the first words of a huge text only, and counts all of them', () => {
    const huge = 'a '.repeat(MAX_WORDS * 25);
    const start = performance.now();
    expect(rougeL(huge)(huge)).toBeCloseTo(1 / 25, 12);
    expect(performance.now() - start).toBeLessThan(300);
  });
});
