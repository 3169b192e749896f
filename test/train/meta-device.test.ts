/** A meta device takes no memory, and says how much a real one takes for the same. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { Generator } from '../../src/model/generate/generation.ts';
import { Scorer } from '../../src/model/tree/scoring.ts';
import { parameterSpecs } from '../../src/model/arch/config.ts';
import { crossEntropy } from '../../src/losses/all.ts';
import { adamW } from '../../src/tensor/optim/adamw.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { rowsFrom, type TrainExample } from '../../src/train/examples.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { TrainingGraph } from '../../src/train/training-graph.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';

const ADAMW = { adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1e-8, weight_decay: 0, max_norm: 1 };
const layout = { prompts: 2, promptTokens: 64, samples: 4, completionTokens: 16 };
const plannedWeights = (device: Device) =>
  new ParameterSet(device, parameterSpecs(goldenConfig), 'trainable');

function examples(): TrainExample[] {
  const rng = Rng.seeded(3);
  const ids = (length: number) =>
    asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
  return Array.from({ length: 6 }, () => ({
    prompt: ids(100 + rng.below(90)),
    completions: Array.from({ length: 3 }, () => ids(20 + rng.below(30))).map((tokens) => ({
      tokens,
      rows: rowsFrom(tokens),
      inputs: {},
    })),
  }));
}

describe('a meta device', () => {
  it.each([false, true])('knows the size of a training graph (recomputed: %s)', (recompute) => {
    const size = (weights: ParameterSet): number => {
      using adam = adamW(weights, ADAMW);
      const options = { recompute };
      using graph = new TrainingGraph(
        goldenConfig,
        weights,
        adam.gradients,
        layout,
        32,
        crossEntropy(),
        options,
      );
      expect(graph.bytes).toBeGreaterThan(1e5);
      return graph.bytes;
    };
    using real = Device.open('cpu', 1);
    using meta = Device.meta('cpu', 1);
    using weights = goldenWeights(real);
    using planned = plannedWeights(meta);
    expect(size(planned)).toBe(size(weights));
  });

  it('counts everything that a trainer, a generator and a scorer hold, and all of it is given back', async () => {
    using meta = Device.meta('cpu', 2);
    using real = Device.open('cpu', 2);
    {
      using weights = plannedWeights(meta);
      using trainer = new Trainer(goldenConfig, weights, crossEntropy(), {
        ...ADAMW,
        microBatchTokens: 1024,
        micro_train_batch_size: 2,
      });
      // Weights, gradients of two workers, two moments.
      const state = meta.meta!.bytes;
      expect(state).toBeGreaterThan(5 * 4 * weights.count);
      trainer.reserve(examples());
      expect(meta.meta!.bytes).toBeGreaterThan(state);
      await expect(trainer.step(examples(), 1e-3)).rejects.toThrow('meta device');
    }
    {
      using weights = plannedWeights(meta);
      using actual = goldenWeights(real);
      using generator = new Generator(meta, goldenConfig, weights);
      using other = new Generator(real, goldenConfig, actual);
      const options = { n_samples_per_prompt: 2, generate_max_len: 20, stopIds: [], batch: 4 };
      const prompts = examples().map(({ prompt }) => prompt);
      generator.reserve(
        prompts.map(({ length }) => length),
        options,
      );
      await other.generate(prompts, options);
      expect(generator.bytes).toBeGreaterThanOrEqual(other.bytes);
      expect(generator.bytes).toBeLessThan(1.5 * other.bytes);

      using scorer = new Scorer(meta, goldenConfig, weights);
      using judge = new Scorer(real, goldenConfig, actual);
      const trees = examples().map(({ prompt, completions }) => ({
        prompt,
        completions: completions.map(({ tokens }) => tokens),
      }));
      scorer.reserve(trees, { topK: 10 });
      await judge.score(trees, { topK: 10 });
      expect(scorer.bytes).toBe(judge.bytes);
    }
    expect(meta.meta!.bytes).toBe(0);
    expect(meta.meta!.peak).toBeGreaterThan(0);
  });
});
