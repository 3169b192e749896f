/** AdamW with its averages in a file against AdamW with them in memory: the same numbers to the bit. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { Device } from '../../src/ggml/device.ts';
import { adamW } from '../../src/tensor/optim/adamw.ts';
import { offloadedAdamW } from '../../src/tensor/optim/adamw-offloaded.ts';
import { FileTensors } from '../../src/tensor/file-tensors.ts';
import type { AdamWOptions, Optimizer, StoredTensors } from '../../src/tensor/optim/optimizer.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { sizeOf } from '../../src/tensor/tensor.ts';

const device = Device.open('cpu', 2);
const folder = mkdtempSync(join(tmpdir(), 'tinystar-offload-'));
afterAll(() => {
  device.close();
  rmSync(folder, { recursive: true });
});

/** Matrices of more than one part together, one of them over the boundary, and vectors among them. */
const SPECS = [
  { name: 'first', shape: [512, 1000] },
  { name: 'norm', shape: [512] },
  { name: 'over', shape: [700, 1900] },
  { name: 'cube', shape: [3, 5, 7] },
  { name: 'last', shape: [17] },
];
const OPTIONS: AdamWOptions = {
  adam_beta1: 0.9,
  adam_beta2: 0.95,
  adam_eps: 1e-8,
  weight_decay: 0.1,
  max_norm: 1,
};

function draw(set: ParameterSet, rng: Rng, size: number): void {
  for (const { name, shape } of set.specs) {
    const some = Float32Array.from({ length: 997 }, () => size * rng.normal());
    set.set(
      name,
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => some[i % some.length]!),
    );
  }
}

async function steps(optimiser: Optimizer, parameters: ParameterSet, count: number): Promise<number[]> {
  const rng = Rng.seeded(5);
  draw(parameters, rng, 1);
  const norms: number[] = [];
  for (let step = 0; step < count; step++) {
    // Some of them are clipped, some are not.
    draw(optimiser.gradients, rng, step % 2 === 0 ? 1 : 1e-5);
    const norm = await optimiser.gradientNorm();
    await optimiser.step(0.01 / (1 + step), norm);
    norms.push(norm);
  }
  return norms;
}

describe('AdamW with averages in a file', () => {
  it('takes the steps of AdamW to the bit, and its averages are the same', async () => {
    using weights = new ParameterSet(device, SPECS, 'trainable');
    using wanted = new ParameterSet(device, SPECS, 'trainable');
    using others = new ParameterSet(device, SPECS, 'trainable');
    using offloaded = offloadedAdamW(weights, OPTIONS, folder, device);
    using other = offloadedAdamW(others, OPTIONS, folder, device);
    using resident = adamW(wanted, OPTIONS);
    await steps(other, others, 1);
    expect(await steps(offloaded, weights, 4)).toEqual(await steps(resident, wanted, 4));
    for (const { name } of SPECS) {
      // Compared as bytes: millions of numbers would take the test's matchers a minute.
      const same = (got: StoredTensors, want: StoredTensors): boolean =>
        Buffer.from(got.readBytes(name)).equals(Buffer.from(want.readBytes(name)));
      expect(same(weights, wanted), name).toBe(true);
      expect(same(offloaded.first, resident.first), name).toBe(true);
      expect(same(offloaded.second, resident.second), name).toBe(true);
      expect(offloaded.gradients.read(name).every((x) => x === 0)).toBe(true);
    }
  });

  it('has them on the disk only while it is in use', async () => {
    using weights = new ParameterSet(device, SPECS, 'trainable');
    {
      using offloaded = offloadedAdamW(weights, OPTIONS, folder, device);
      expect(readdirSync(folder)).toEqual([]);
      await steps(offloaded, weights, 1);
      expect(readdirSync(folder)).toHaveLength(2);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps less in memory than AdamW, whatever the size of the model', () => {
    const planned = (make: (weights: ParameterSet) => Optimizer): number => {
      using meta = Device.meta('cpu', 2);
      using weights = new ParameterSet(meta, [{ name: 'w', shape: [4096, 40_000] }], 'trainable');
      const before = meta.meta!.bytes;
      using _optimiser = make(weights);
      return meta.meta!.bytes - before;
    };
    const resident = planned((weights) => adamW(weights, OPTIONS));
    const offloaded = planned((weights) => offloadedAdamW(weights, OPTIONS, folder, weights.device));
    // Gradients stay; of both averages hardly anything does.
    expect(resident).toBeGreaterThan(3 * 4 * 4096 * 40_000);
    expect(offloaded).toBeLessThan(1.2 * 4 * 4096 * 40_000);
  });

  it('says in a sentence where its file cannot be, and stops reading before it is closed', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    using weights = new ParameterSet(device, SPECS, 'trainable');
    using offloaded = offloadedAdamW(weights, OPTIONS, file, device);
    await expect(steps(offloaded, weights, 1)).rejects.toThrow(/^Cannot write .*file.*: .*\.$/);
    rmSync(file);
  });
});

describe('tensors in a file', () => {
  it('are zero at first, and read and written in any part', async () => {
    using tensors = new FileTensors(join(folder, 'tensors'), [
      { name: 'a', shape: [3, 2] },
      { name: 'b', shape: [4] },
    ]);
    expect([...tensors.read('b')]).toEqual([0, 0, 0, 0]);
    await tensors.writeRange(4, Float32Array.of(1, 2, 3));
    expect([...tensors.read('a')]).toEqual([0, 0, 0, 0, 1, 2]);
    tensors.set('b', Float32Array.of(5, 6, 7, 8));
    const some = new Float32Array(3);
    await tensors.readRange(5, some);
    expect([...some]).toEqual([2, 5, 6]);
  });

  it('say when what is asked for is not there', async () => {
    using tensors = new FileTensors(join(folder, 'tensors'), [{ name: 'a', shape: [2] }]);
    await expect(tensors.readRange(1, new Float32Array(2))).rejects.toThrow('became shorter');
    expect(() => tensors.set('a', Float32Array.of(1))).toThrow('do not fill it');
  });
});
