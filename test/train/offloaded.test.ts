/** A trainer whose averages are in a file: the same training, and checkpoints that either kind goes on from. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { crossEntropy } from '../../src/losses/all.ts';
import type { ParameterSet } from '../../src/tensor/parameters.ts';
import { rowsFrom, type TrainExample } from '../../src/train/examples.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';

const device = Device.open('cpu', 2);
const folder = mkdtempSync(join(tmpdir(), 'tinystar-offloaded-'));
afterAll(() => {
  device.close();
  rmSync(folder, { recursive: true });
});

const rng = Rng.seeded(8);
const ids = (length: number) =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
const EXAMPLES: readonly TrainExample[] = Array.from({ length: 4 }, () => ({
  prompt: ids(30),
  completions: [ids(12), ids(9)].map((tokens) => ({ tokens, rows: rowsFrom(tokens), inputs: {} })),
}));

const trainerOf = (weights: ParameterSet, offload?: string): Trainer =>
  new Trainer(goldenConfig, weights, crossEntropy(), {
    weight_decay: 0.01,
    ...(offload === undefined ? {} : { optimizer: 'adamw_offloaded', folder: offload }),
    microBatchTokens: 1024,
    micro_train_batch_size: 2,
  });

it('learns the same to the bit, and goes on from a checkpoint with its averages in a file or in memory', async () => {
  using weights = goldenWeights(device);
  using offloaded = trainerOf(weights, join(folder, 'averages'));
  const checkpoint = join(folder, 'checkpoint');
  const losses: number[] = [];
  for (let step = 0; step < 5; step++) {
    if (step === 3) offloaded.save(checkpoint);
    losses.push((await offloaded.step(EXAMPLES, 5e-3)).loss);
  }
  expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.1);

  using always = goldenWeights(device);
  using resident = trainerOf(always);
  for (const loss of losses) expect((await resident.step(EXAMPLES, 5e-3)).loss).toBe(loss);

  for (const offload of [undefined, join(folder, 'again')]) {
    using restored = goldenWeights(device);
    using other = trainerOf(restored, offload);
    other.restore(checkpoint);
    for (const loss of losses.slice(3)) expect((await other.step(EXAMPLES, 5e-3)).loss).toBe(loss);
    for (const { name } of weights.specs) expect(restored.read(name), name).toEqual(weights.read(name));
  }
  expect(readdirSync(join(folder, 'again'))).toEqual([]);
});
