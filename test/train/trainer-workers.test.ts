/** Batches side by side: the same step as one after the other, and the same bytes each time. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { crossEntropy } from '../../src/losses/all.ts';
import { rowsFrom, type TrainExample } from '../../src/train/examples.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';

const adamw = { adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1e-8, weight_decay: 0.01, max_norm: 1 };

/** Long enough that the examples of a step make several batches. */
function examples(): TrainExample[] {
  const rng = Rng.seeded(3);
  const ids = (length: number) =>
    asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
  return Array.from({ length: 6 }, () => {
    const completions = Array.from({ length: 3 }, () => ids(20 + rng.below(30)));
    return {
      prompt: ids(100 + rng.below(90)),
      completions: completions.map((tokens) => ({ tokens, rows: rowsFrom(tokens), inputs: {} })),
    };
  });
}

async function trained(threads: number): Promise<{ loss: number; weights: Float32Array }> {
  using device = Device.open('cpu', threads);
  using parameters = goldenWeights(device);
  using trainer = new Trainer(goldenConfig, parameters, crossEntropy(), {
    ...adamw,
    microBatchTokens: 1024,
    micro_train_batch_size: 2,
  });
  let loss = 0;
  for (let step = 0; step < 3; step++) loss = (await trainer.step(examples(), 1e-3)).loss;
  return { loss, weights: parameters.read('model.layers.1.mlp.up_proj.weight') };
}

describe('workers of training', () => {
  it('take the same steps as one worker, to rounding', async () => {
    const [one, two] = [await trained(1), await trained(2)];
    expect(Math.abs(one.loss - two.loss)).toBeLessThan(1e-4);
    const worst = one.weights.reduce((most, x, i) => Math.max(most, Math.abs(x - two.weights[i]!)), 0);
    // Adam's first steps are of size lr whatever the gradient: rounding can turn a gradient near zero around.
    expect(worst).toBeLessThan(2e-3);
  });

  it('give the same bytes each time', async () => {
    const [a, b] = [await trained(2), await trained(2)];
    expect(b.loss).toBe(a.loss);
    expect(b.weights).toEqual(a.weights);
  });
});
