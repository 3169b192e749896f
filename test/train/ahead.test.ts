/** A step's examples are made while the one before is computed, and nothing else changes. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { crossEntropy } from '../../src/losses/all.ts';
import { rowsFrom, type TrainExample } from '../../src/train/examples.ts';
import { type ExampleSource, supervisedStage } from '../../src/train/supervised.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';

const { signal } = new AbortController();

function exampleOf(step: number): TrainExample {
  const rng = Rng.seeded(step);
  const ids = (length: number) =>
    asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
  const tokens = ids(12);
  return { prompt: ids(40), completions: [{ tokens, rows: rowsFrom(tokens), inputs: {} }] };
}

/** Takes `total` steps; tells what happened in which order, and the last loss. */
async function run(total: number, onDevice: boolean, source: ExampleSource = (step) => [exampleOf(step)]) {
  using device = Device.open('cpu', 1);
  using weights = goldenWeights(device);
  using trainer = new Trainer(goldenConfig, weights, crossEntropy(), {
    adam_beta1: 0.9,
    adam_beta2: 0.95,
    adam_eps: 1e-8,
    weight_decay: 0,
    max_norm: 1,
    microBatchTokens: 1024,
    micro_train_batch_size: 2,
  });
  const events: string[] = [];
  const examples: ExampleSource = (step, own) => {
    events.push(`make ${step}`);
    return source(step, own);
  };
  const options = { lr: 1e-3, lr_scheduler: 'constant', warmup_ratio: 0, min_lr_ratio: 0 } as const;
  const stage = supervisedStage({ trainer, examples, total, options, onDevice });
  const losses: (number | undefined)[] = [];
  for (let step = 0; step < total; step++) {
    const report = await stage.step(step, signal);
    losses.push(report.metrics.loss);
    events.push(`done ${step}`);
  }
  return { events, losses };
}

describe('examples of the next step', () => {
  it('are made while a step is computed, each once, and none after the last', async () => {
    const { events } = await run(3, false);
    expect(events).toEqual(['make 0', 'make 1', 'done 0', 'make 2', 'done 1', 'done 2']);
  });

  it('wait for their step where making them needs the device', async () => {
    const { events } = await run(2, true);
    expect(events).toEqual(['make 0', 'done 0', 'make 1', 'done 1']);
  });

  it('change no loss', async () => {
    expect((await run(4, false)).losses).toEqual((await run(4, true)).losses);
  });

  it('fail when their step comes, and not before', async () => {
    const done: number[] = [];
    const failing: ExampleSource = (step) => {
      done.push(step);
      if (step === 1) throw new RangeError('no such line');
      return [exampleOf(step)];
    };
    await expect(run(2, false, failing)).rejects.toThrow('no such line');
    expect(done).toEqual([0, 1]);
  });
});
