/** Batches: every tree once, within the budget, with little padding, the same each time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketCount, bucketLength, planBatches } from '../../src/model/tree/buckets.ts';
import { tokenCount } from '../../src/model/tree/tree.ts';

const tree = (prompt: number, ...completions: number[]) => ({
  prompt: new Int32Array(prompt),
  completions: completions.map((n) => new Int32Array(n)),
});
const budget = { maxTokens: 1024, promptMultiple: 32, completionMultiple: 8 };

describe('buckets', () => {
  it('rounds lengths up and counts down', () => {
    expect([0, 1, 32, 33].map((n) => bucketLength(n, 32))).toEqual([32, 32, 32, 64]);
    expect([1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 23, 24].map(bucketCount)).toEqual([
      1, 2, 3, 4, 4, 6, 6, 8, 8, 12, 12, 16, 16, 24,
    ]);
  });

  it('puts trees of one size together and leaves a rest', () => {
    const trees = Array.from({ length: 5 }, () => tree(30, 7, 5));
    expect(planBatches(trees, budget)).toEqual([
      { layout: { prompts: 4, promptTokens: 32, samples: 2, completionTokens: 8 }, indices: [0, 1, 2, 3] },
      { layout: { prompts: 1, promptTokens: 32, samples: 2, completionTokens: 8 }, indices: [4] },
    ]);
  });

  it('gives a tree beyond the budget a batch of its own, and none to no trees', () => {
    expect(planBatches([tree(3000)], budget)).toEqual([
      { layout: { prompts: 1, promptTokens: 3008, samples: 0, completionTokens: 0 }, indices: [0] },
    ]);
    expect(planBatches([], budget)).toEqual([]);
  });

  it('keeps a long tree from padding short ones', () => {
    const batches = planBatches([tree(30), tree(480), tree(31)], budget);
    expect(batches.map(({ indices }) => indices)).toEqual([[1], [0, 2]]);
  });

  it('holds for any trees: each once, fitting, within budget and count', () => {
    const size = fc.tuple(
      fc.integer({ min: 1, max: 500 }),
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(size, { maxLength: 40 }), fc.integer({ min: 1, max: 9 }), (sizes, maxPrompts) => {
        const trees = sizes.map(([prompt, completions]) => tree(prompt, ...completions));
        const batches = planBatches(trees, { ...budget, maxPrompts });
        expect(batches.flatMap(({ indices }) => indices).sort((a, b) => a - b)).toEqual([...trees.keys()]);
        for (const { layout, indices } of batches) {
          expect(indices.length).toBe(layout.prompts);
          expect(layout.prompts).toBeLessThanOrEqual(maxPrompts);
          expect(layout.prompts === 1 || tokenCount(layout) <= budget.maxTokens).toBe(true);
          for (const index of indices) {
            const { prompt, completions } = trees[index]!;
            expect(prompt.length).toBeLessThanOrEqual(layout.promptTokens);
            expect(completions.length).toBe(layout.samples);
            for (const { length } of completions) expect(length).toBeLessThanOrEqual(layout.completionTokens);
          }
        }
      }),
    );
  });
});
