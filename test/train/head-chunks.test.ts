/** Gradients of weights are sums over a batch's rows, which ggml multiplies fast in multiples of 16 alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { rowsFrom, type TrainExample } from '../../src/train/examples.ts';
import { planMicroBatches } from '../../src/train/micro-batches.ts';
import { chunkRowsFor } from '../../src/train/training-graph.ts';

const QWEN3 = 151_936;

describe('rows of the vocabulary head', () => {
  it('come in chunks of a multiple of 16, of at most 64 MB of logits', () => {
    const rows = chunkRowsFor(QWEN3);
    expect(rows % 16).toBe(0);
    expect(4 * rows * QWEN3).toBeLessThanOrEqual(64 * 2 ** 20);
    // No chunk more would fit.
    expect(4 * (rows + 16) * QWEN3).toBeGreaterThan(64 * 2 ** 20);
  });

  it('come one by one or in sevens where no more fit', () => {
    expect(chunkRowsFor(QWEN3, 4 * QWEN3 * 7)).toBe(7);
    expect(chunkRowsFor(QWEN3, 1)).toBe(1);
  });

  it.each(['fine', 'coarse'] as const)('fill batches of a multiple of 16 (%s rounding)', (rounding) => {
    const example = fc
      .tuple(fc.integer({ min: 1, max: 400 }), fc.array(fc.integer({ min: 2, max: 90 }), { minLength: 1 }))
      .map(([prompt, lengths]): TrainExample => {
        const ids = (length: number) => asTokenIds(new Int32Array(length));
        return {
          prompt: ids(prompt),
          completions: lengths.map((length) => ({
            tokens: ids(length),
            rows: rowsFrom(ids(length)),
            inputs: {},
          })),
        };
      });
    fc.assert(
      fc.property(fc.array(example, { minLength: 1, maxLength: 6 }), (examples) => {
        const options = { maxTokens: 4096, maxPrompts: 4, workers: 2, rounding };
        for (const { rowCapacity } of planMicroBatches(examples, options)) expect(rowCapacity % 16).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
