import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { simrl } from '../../src/rewards/simrl.ts';

interface GoldenCase {
  readonly prompt: string;
  readonly label: string;
  readonly generation: string;
  readonly expect: { readonly reward: number; readonly format: number; readonly answer: number };
}

const golden = fileURLToPath(new URL('../../../shared/golden/simrl-reward.jsonl.gz', import.meta.url));

describe.skipIf(!existsSync(golden))("golden scores of STAR's own code", () => {
  test('all of them agree to 1e-9', () => {
    const rows = gunzipSync(readFileSync(golden)).toString('utf8').trimEnd().split('\n');
    const cases = rows.map((row) => JSON.parse(row) as GoldenCase);
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
