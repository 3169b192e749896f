/** Little padding, few graphs, and the same loss and gradients however lengths are rounded. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { epochBatches, paddingOf, shapesOf, supervisedExamples } from '../../bench/supervised.ts';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { loadConfig } from '../../src/model/checkpoint/checkpoint.ts';
import { publishedConfig } from '../../src/model/arch/index.ts';
import { crossEntropy } from '../../src/losses/all.ts';
import { rowsFrom, type TrainExample } from '../../src/train/examples.ts';
import { type Rounding, roundingFor } from '../../src/train/micro-batches.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';
import { goldenFile, goldenFolder } from '../helpers/golden-folder.ts';

/** Prompts and answers whose lengths are spread as those of function calling data: logarithms are normal. */
function spread(count: number, seed: number): TrainExample[] {
  const rng = Rng.seeded(seed);
  const length = (median: number, deviation: number, most: number): number =>
    Math.max(20, Math.min(most, Math.round(median * Math.exp(deviation * rng.normal()))));
  return Array.from({ length: count }, () => {
    const tokens = asTokenIds(new Int32Array(length(90, 0.42, 512)));
    return {
      prompt: asTokenIds(new Int32Array(length(350, 0.55, 5120))),
      completions: [{ tokens, rows: rowsFrom(tokens, Math.floor(tokens.length * 0.4)), inputs: {} }],
    };
  });
}

/** The batches of star-0.6b.yaml, and smaller and larger ones. */
const BATCHES = [
  { batch: 128, micro: 2 },
  { batch: 128, micro: 8 },
  { batch: 32, micro: 2 },
  { batch: 8, micro: 2 },
];

function shareOf(examples: readonly TrainExample[], batch: number, micro: number): number {
  const { padding, tokens } = paddingOf(epochBatches(examples, { batch, micro, rounding: 'fine' }));
  return padding / tokens;
}

describe('lengths that are rounded finely', () => {
  const examples = spread(1024, 3);

  it.each(BATCHES)(
    'leave less than a tenth to padding ($batch a step, $micro at once)',
    ({ batch, micro }) => {
      expect(shareOf(examples, batch, micro)).toBeLessThan(0.1);
    },
  );

  it('are few, however many data there are', () => {
    const batches = epochBatches(spread(16_384, 4), { batch: 128, micro: 2, rounding: 'fine' });
    const prompts = new Set(batches.map(({ layout }) => layout.promptTokens));
    const completions = new Set(batches.map(({ layout }) => layout.completionTokens));
    // 32 to 512 in steps of 32, then eight an octave; 32 to 256 in steps of 16, then eight.
    expect(prompts.size).toBeLessThanOrEqual(16 + 8 * 3 + 2);
    expect(completions.size).toBeLessThanOrEqual(15 + 8);
    const capacities = new Map<string, Set<number>>();
    for (const { layout, rowCapacity } of batches) {
      expect(rowCapacity % 16).toBe(0);
      expect(rowCapacity).toBeLessThanOrEqual(layout.prompts * layout.completionTokens);
      const key = Object.values(layout).join();
      capacities.set(key, (capacities.get(key) ?? new Set()).add(rowCapacity));
    }
    for (const own of capacities.values()) expect(own.size).toBeLessThanOrEqual(4);
    expect(shapesOf(batches)).toBeLessThan(batches.length / 8);
  });

  it('are for large models, whose graphs take next to no time to build', () => {
    expect(roundingFor(publishedConfig('Qwen3-0.6B')!)).toBe('fine');
    expect(roundingFor(loadConfig(fileURLToPath(new URL('../../bases/student', import.meta.url))))).toBe(
      'coarse',
    );
  });
});

it('loss and gradients are the same however lengths are rounded', async () => {
  const rng = Rng.seeded(9);
  const ids = (length: number) =>
    asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
  const examples = Array.from({ length: 9 }, (): TrainExample => {
    const completions = Array.from({ length: 3 }, () => ids(5 + rng.below(60)));
    return {
      prompt: ids(30 + rng.below(150)),
      completions: completions.map((tokens) => ({ tokens, rows: rowsFrom(tokens, 2), inputs: {} })),
    };
  });
  using device = Device.open('cpu', 1);
  const accumulated = async (rounding: Rounding, micro_train_batch_size: number) => {
    using parameters = goldenWeights(device);
    const adamw = { adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1e-8, weight_decay: 0, max_norm: 1 };
    const options = { ...adamw, microBatchTokens: 2048, micro_train_batch_size, rounding };
    using trainer = new Trainer(goldenConfig, parameters, crossEntropy(), options);
    // The step's norm is that of all gradients before they are clipped.
    const { loss, gradNorm } = await trainer.step(examples, 1e-3);
    return { loss, gradNorm };
  };
  const want = await accumulated('coarse', 1);
  for (const [rounding, together] of [
    ['coarse', 4],
    ['fine', 1],
    ['fine', 4],
  ] as const) {
    const { loss, gradNorm } = await accumulated(rounding, together);
    expect(Math.abs(loss - want.loss)).toBeLessThan(2e-6 * want.loss);
    expect(Math.abs(gradNorm - want.gradNorm)).toBeLessThan(1e-5 * want.gradNorm);
  }
}, 30_000);

describe("xLAM under Qwen3's tokenizer", () => {
  it('has less than a tenth of padding at the batch sizes of star-0.6b.yaml, and others', async () => {
    const examples = await supervisedExamples(goldenFile('xlam-1024.jsonl'), goldenFolder('qwen3-tokenizer'));
    expect(examples.length).toBe(1024);
    for (const { batch, micro } of BATCHES) expect(shareOf(examples, batch, micro)).toBeLessThan(0.1);
    expect(shareOf(examples, 128, 2)).toBeLessThan(0.075);
  }, 60_000);
});
