/** AdamW's averages in 8 bits against AdamW's in 32, on problems whose solution is known. */
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { Device } from '../../src/ggml/device.ts';
import { adamW, type ResidentOptions } from '../../src/tensor/optim/adamw.ts';
import { largestStep } from '../../src/tensor/optim/adamw8.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { norm } from '../helpers/tolerances.ts';

const device = Device.open('cpu', 1);
afterAll(() => device.close());

const SPECS = [
  { name: 'matrix', shape: [64, 48] },
  { name: 'narrow', shape: [7, 5] },
  { name: 'vector', shape: [64] },
];
const OPTIONS: ResidentOptions = {
  adam_beta1: 0.9,
  adam_beta2: 0.95,
  adam_eps: 1e-8,
  weight_decay: 0.01,
  max_norm: 0,
};

/** Steepness of a dimension: within each block, from a hundredth to ten. */
const steepness = (i: number): number => 10 ** ((i % 4) - 2);

class Toy implements Disposable {
  readonly parameters = new ParameterSet(device, SPECS, 'trainable');
  readonly optimiser: ReturnType<typeof adamW>;
  readonly #targets = new Map<string, Float32Array>();

  constructor(eightBit: boolean, options: Partial<ResidentOptions> = {}) {
    this.optimiser = adamW(this.parameters, { ...OPTIONS, ...options, eightBit });
    const rng = Rng.seeded(9);
    for (const { name } of SPECS) {
      const { length } = this.parameters.read(name);
      this.#targets.set(
        name,
        Float32Array.from({ length }, () => rng.normal()),
      );
    }
  }

  /** One step down sum(steepness * (w - target)^2) / 2, its gradient scaled and with noise. */
  async step(lr: number, rng: Rng, size = 1): Promise<void> {
    for (const { name } of SPECS) {
      const target = this.#targets.get(name)!;
      const gradient = this.parameters
        .read(name)
        .map((w, i) => size * steepness(i) * (w - target[i]! + 0.1 * rng.normal()));
      this.optimiser.gradients.set(name, gradient);
    }
    await this.optimiser.step(lr, 1);
  }

  /** Distance from the targets, as a share of what it was at zero. */
  distance(name: string): number {
    const target = this.#targets.get(name)!;
    return norm(this.parameters.read(name).map((w, i) => w - target[i]!)) / norm(target);
  }

  [Symbol.dispose](): void {
    this.optimiser[Symbol.dispose]();
    this.parameters[Symbol.dispose]();
  }
}

describe('AdamW in 8 bits', () => {
  it.each([1, 1e-4])('comes as near to the solution as in 32, with gradients of size %d', async (size) => {
    using small = new Toy(true, { weight_decay: 0 });
    using large = new Toy(false, { weight_decay: 0 });
    for (const toy of [small, large]) {
      const rng = Rng.seeded(4);
      for (let i = 0; i < 400; i++) await toy.step(0.02 * (1 - i / 400), rng, size);
    }
    expect(large.distance('matrix')).toBeLessThan(0.05);
    expect(small.distance('matrix')).toBeLessThan(0.06);
  });

  it('takes the first step of AdamW to a hundredth of the learning rate', async () => {
    using small = new Toy(true);
    using large = new Toy(false);
    for (const toy of [small, large]) await toy.step(0.01, Rng.seeded(4));
    for (const { name } of SPECS) {
      const [got, want] = [small.parameters.read(name), large.parameters.read(name)];
      const worst = got.reduce((most, x, i) => Math.max(most, Math.abs(x - want[i]!)), 0);
      expect(worst, name).toBeLessThan(1e-4);
    }
  });

  it('leaves vectors, and matrices that do not come in blocks, to AdamW itself', async () => {
    using small = new Toy(true);
    using large = new Toy(false);
    for (const toy of [small, large]) {
      const rng = Rng.seeded(4);
      for (let i = 0; i < 5; i++) await toy.step(0.01, rng);
    }
    for (const name of ['narrow', 'vector'])
      expect(small.parameters.read(name)).toEqual(large.parameters.read(name));
    expect(small.parameters.read('matrix')).not.toEqual(large.parameters.read('matrix'));
  });

  it('never steps further than Adam can, whatever is lost of an average', async () => {
    using toy = new Toy(true, { weight_decay: 0 });
    const { length } = toy.parameters.read('matrix');
    for (let i = 0; i < 30; i++) {
      const before = toy.parameters.read('matrix');
      // One giant in every block, once; the others are far below what its scale can tell from zero.
      const gradient = Float32Array.from({ length }, (_, j) => (j % 32 === 0 && i === 0 ? 1e3 : 1e-7));
      toy.optimiser.gradients.set('matrix', gradient);
      await toy.optimiser.step(0.01, 1);
      const after = toy.parameters.read('matrix');
      const furthest = after.reduce((most, w, j) => Math.max(most, Math.abs(w - before[j]!)), 0);
      expect(furthest).toBeLessThanOrEqual(0.01 * largestStep(0.9, 0.95) * (1 + 1e-5));
    }
  });

  it('keeps its averages in 8.5 bits a number', () => {
    const specs = [{ name: 'matrix', shape: [1024, 256] }];
    using parameters = new ParameterSet(device, specs, 'trainable');
    using small = adamW(parameters, { ...OPTIONS, eightBit: true });
    using large = adamW(parameters, OPTIONS);
    expect(small.first.bytes + small.second.bytes).toBe((2 * 1024 * 256 * 34) / 32);
    expect(large.first.bytes + large.second.bytes).toBe(2 * 1024 * 256 * 4);
  });
});
