import { describe, expect, test } from 'vitest';
import { simrl } from '../../src/rewards/simrl.ts';
import { goldenLines } from '../helpers/golden-files.ts';

interface GoldenCase {
  readonly prompt: string;
  readonly label: string;
  readonly generation: string;
  readonly expect: { readonly reward: number; readonly format: number; readonly answer: number };
}

describe("golden scores of STAR's own code", () => {
  test('all of them agree to 1e-9', () => {
    const cases = goldenLines('simrl-reward.jsonl').map((row) => JSON.parse(row) as GoldenCase);
    const wrong = cases.filter(({ prompt, label, generation, expect: expected }) => {
      const { reward, format, answer } = simrl.prepare({ prompt, label }).score(generation);
      // The reference returns float32 tensors.
      const distances = [
        Math.fround(reward) - expected.reward,
        format - expected.format,
        Math.fround(answer) - expected.answer,
      ];
      return !distances.every((distance) => Math.abs(distance) <= 1e-9);
    });
    expect(cases).toHaveLength(2300);
    expect(wrong).toEqual([]);
  });
});
