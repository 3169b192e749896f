/** AdamW with clipping against an independent implementation, step by step, and the schedules by hand. */
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { Device } from '../../src/ggml/device.ts';
import { adamW, type ResidentOptions } from '../../src/tensor/optim/adamw.ts';
import { ParameterSet } from '../../src/tensor/parameters.ts';
import { learningRate } from '../../src/tensor/optim/schedule.ts';
import { expectClose, norm, TOLERANCES } from '../helpers/tolerances.ts';

const device = Device.open('cpu', 1);
afterAll(() => device.close());

const SPECS = [
  { name: 'matrix', shape: [7, 5] },
  { name: 'vector', shape: [7] },
  { name: 'cube', shape: [2, 3, 2] },
];
const OPTIONS: ResidentOptions = {
  adam_beta1: 0.9,
  adam_beta2: 0.95,
  adam_eps: 1e-8,
  weight_decay: 0.1,
  max_norm: 1,
};

const draws = (rng: Rng, length: number, size: number): Float32Array =>
  Float32Array.from({ length }, () => size * rng.normal());

/** The update of Loshchilov and Hutter's algorithm 2 in float64, with the gradients scaled to the norm first. */
class Reference {
  readonly weights: Map<string, number[]>;
  readonly #first = new Map<string, number[]>();
  readonly #second = new Map<string, number[]>();
  readonly #options: ResidentOptions;
  #steps = 0;

  constructor(weights: ReadonlyMap<string, Float32Array>, options: ResidentOptions) {
    this.weights = new Map([...weights].map(([name, values]) => [name, [...values]]));
    this.#options = options;
  }

  step(gradients: ReadonlyMap<string, Float32Array>, lr: number): number {
    const {
      adam_beta1: beta1,
      adam_beta2: beta2,
      adam_eps: eps,
      weight_decay: weightDecay,
      max_norm: maxNorm,
    } = this.#options;
    const total = Math.hypot(...[...gradients.values()].map(norm));
    const clip = maxNorm > 0 && total > maxNorm ? maxNorm / total : 1;
    this.#steps += 1;
    for (const { name, shape } of SPECS) {
      const g = [...gradients.get(name)!].map((x) => x * clip);
      const m = (this.#first.get(name) ?? g.map(() => 0)).map((x, i) => beta1 * x + (1 - beta1) * g[i]!);
      const v = (this.#second.get(name) ?? g.map(() => 0)).map(
        (x, i) => beta2 * x + (1 - beta2) * g[i]! ** 2,
      );
      this.#first.set(name, m);
      this.#second.set(name, v);
      const decay = shape.length > 1 ? weightDecay : 0;
      const w = this.weights.get(name)!.map((x, i) => {
        const mean = m[i]! / (1 - beta1 ** this.#steps);
        const spread = Math.sqrt(v[i]! / (1 - beta2 ** this.#steps));
        return x - lr * (mean / (spread + eps) + decay * x);
      });
      this.weights.set(name, w);
    }
    return total;
  }
}

/** Runs `steps` steps of both; `size` is the size of the gradients' elements. */
async function expectEqualSteps(options: ResidentOptions, size: number, steps = 20): Promise<void> {
  const rng = Rng.seeded(3);
  using parameters = new ParameterSet(device, SPECS, 'trainable');
  using optimiser = adamW(parameters, options);
  const start = new Map(
    SPECS.map(({ name, shape }) => [
      name,
      draws(
        rng,
        shape.reduce((a, b) => a * b),
        1,
      ),
    ]),
  );
  for (const [name, values] of start) parameters.set(name, values);
  const reference = new Reference(start, options);
  for (let step = 0; step < steps; step++) {
    const gradients = new Map([...start].map(([name, { length }]) => [name, draws(rng, length, size)]));
    for (const [name, values] of gradients) optimiser.gradients.set(name, values);
    const lr = 0.01 * (1 + (step % 3));
    const want = reference.step(gradients, lr);
    const got = await optimiser.gradientNorm();
    expectClose([got], [want], TOLERANCES.sum, `norm at step ${step}`);
    await optimiser.step(lr, got);
    for (const { name } of SPECS)
      expectClose(
        parameters.read(name),
        reference.weights.get(name)!,
        TOLERANCES.optimiser,
        `${name} at step ${step}`,
      );
  }
}

describe('AdamW step by step against a reference', () => {
  it('with gradients below the norm', () => expectEqualSteps(OPTIONS, 0.01));
  it('with gradients that are clipped', () => expectEqualSteps(OPTIONS, 3));
  it('without clipping', () => expectEqualSteps({ ...OPTIONS, max_norm: 0 }, 3));
  it('without decay, other betas', () =>
    expectEqualSteps({ ...OPTIONS, weight_decay: 0, adam_beta1: 0.8, adam_beta2: 0.999 }, 1));
});

describe('AdamW', () => {
  it('decays matrices by lr x decay, and leaves vectors alone', async () => {
    using parameters = new ParameterSet(device, SPECS, 'trainable');
    using optimiser = adamW(parameters, OPTIONS);
    for (const { name, shape } of SPECS)
      parameters.set(name, new Float32Array(shape.reduce((a, b) => a * b)).fill(2));
    await optimiser.step(0.5, await optimiser.gradientNorm());
    expect(parameters.read('vector')).toEqual(new Float32Array(7).fill(2));
    expectClose(
      parameters.read('matrix'),
      new Float32Array(35).fill(2 * (1 - 0.5 * 0.1)),
      TOLERANCES.arithmetic,
    );
    expectClose(
      parameters.read('cube'),
      new Float32Array(12).fill(2 * (1 - 0.5 * 0.1)),
      TOLERANCES.arithmetic,
    );
  });

  it('clears the gradients after a step, and a first step has size lr', async () => {
    using parameters = new ParameterSet(device, SPECS, 'trainable');
    using optimiser = adamW(parameters, { ...OPTIONS, weight_decay: 0 });
    const rng = Rng.seeded(4);
    optimiser.gradients.set('matrix', draws(rng, 35, 5));
    await optimiser.step(0.25, await optimiser.gradientNorm());
    // The first moment over the root of the second is the gradient's sign, whatever its size.
    expectClose(
      parameters.read('matrix').map(Math.abs),
      new Float32Array(35).fill(0.25),
      TOLERANCES.optimiser,
    );
    expect(optimiser.gradients.read('matrix')).toEqual(new Float32Array(35));
    expect(await optimiser.gradientNorm()).toBe(0);
  });

  it('two runs give the same bits, also with two threads', async () => {
    const run = async (threads: number): Promise<Float32Array[]> => {
      using own = Device.open('cpu', threads);
      using parameters = new ParameterSet(own, SPECS, 'trainable');
      using optimiser = adamW(parameters, OPTIONS);
      const rng = Rng.seeded(5);
      for (let step = 0; step < 3; step++) {
        for (const { name, shape } of SPECS)
          optimiser.gradients.set(
            name,
            draws(
              rng,
              shape.reduce((a, b) => a * b),
              1,
            ),
          );
        await optimiser.step(0.1, await optimiser.gradientNorm());
      }
      return SPECS.map(({ name }) => parameters.read(name));
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).toEqual(first);
  });

  it('one parameter alone', async () => {
    using parameters = new ParameterSet(device, SPECS.slice(0, 1), 'trainable');
    using optimiser = adamW(parameters, OPTIONS);
    optimiser.gradients.set('matrix', new Float32Array(35).fill(2));
    expectClose([await optimiser.gradientNorm()], [2 * Math.sqrt(35)], TOLERANCES.sum);
  });
});

describe('learning rates', () => {
  const options = {
    lr_scheduler: 'cosine_with_min_lr',
    lr: 1,
    warmup_ratio: 0.2,
    min_lr_ratio: 0.1,
  } as const;

  it('rises over the warm-up, then falls along half a cosine to the floor', () => {
    const rates = Array.from({ length: 10 }, (_, step) => learningRate(options, step, 10));
    // Warm-up of 2 of 10 steps; then 0.1 + 0.9 x (1 + cos(pi x i / 8)) / 2 for i = 0..7.
    const cosine = [1, 0.9657, 0.8682, 0.7222, 0.55, 0.3778, 0.2318, 0.1343];
    for (const [step, want] of [0.5, 1, ...cosine].entries()) expect(rates[step]).toBeCloseTo(want, 4);
  });

  it('stays at the floor after the last step', () => {
    expect(learningRate(options, 10, 10)).toBeCloseTo(0.1, 12);
    expect(learningRate(options, 500, 10)).toBeCloseTo(0.1, 12);
  });

  it('constant after the warm-up', () => {
    const constant = { ...options, lr_scheduler: 'constant' } as const;
    expect([0, 1, 2, 9].map((step) => learningRate(constant, step, 10))).toEqual([0.5, 1, 1, 1]);
  });

  it('without a warm-up, and with a single step', () => {
    expect(learningRate({ ...options, warmup_ratio: 0 }, 0, 10)).toBe(1);
    expect(learningRate({ ...options, warmup_ratio: 0.03 }, 0, 1)).toBe(1);
    expect(learningRate({ ...options, warmup_ratio: 0 }, 0, 1)).toBe(1);
  });

  it('never 0 and never above lr', () => {
    for (const total of [1, 2, 3, 7, 100]) {
      for (const warmupRatio of [0, 0.03, 0.5, 1]) {
        for (let step = 0; step < total; step++) {
          const rate = learningRate({ ...options, warmup_ratio: warmupRatio }, step, total);
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(1);
        }
      }
    }
  });
});

describe('Muon', () => {
  const MUON_SPECS = [
    { name: 'wide', shape: [7, 5] },
    { name: 'tall', shape: [5, 7] },
    { name: 'table', shape: [7, 5] },
    { name: 'vector', shape: [7] },
  ];
  const muon = { momentum: 0.9, matrices: (name: string) => name !== 'table' };

  type Rows = number[][];
  const product = (a: Rows, b: Rows): Rows =>
    a.map((row) => b[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)));
  const turned = (a: Rows): Rows => a[0]!.map((_, j) => a.map((row) => row[j]!));
  const combined = (a: Rows, x: number, b: Rows, y: number): Rows =>
    a.map((row, i) => row.map((value, j) => x * value + y * b[i]![j]!));
  const frobenius = (a: Rows): number => Math.hypot(...a.flat());

  /** Jordan's zeropower_via_newtonschulz5 in float64. */
  function zeroPower(a: Rows): Rows {
    if (a.length > a[0]!.length) return turned(zeroPower(turned(a)));
    let x = combined(a, 1 / frobenius(a), a, 0);
    for (let i = 0; i < 5; i++) {
      const gram = product(x, turned(x));
      x = combined(x, 3.4445, product(combined(gram, -4.775, product(gram, gram), 2.0315), x), 1);
    }
    return x;
  }

  const rowsOf = (values: Float32Array, width: number): Rows =>
    Array.from({ length: values.length / width }, (_, i) =>
      Array.from(values.subarray(i * width, (i + 1) * width)),
    );

  it('moves matrices by their orthogonalised momentum and leaves the rest to AdamW', async () => {
    const rng = Rng.seeded(9);
    using parameters = new ParameterSet(device, MUON_SPECS, 'trainable');
    using plain = new ParameterSet(device, MUON_SPECS, 'trainable');
    using optimiser = adamW(parameters, { ...OPTIONS, muon });
    using adamw = adamW(plain, OPTIONS);
    const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b);
    const expected = new Map<string, Rows>();
    const velocity = new Map<string, Rows>();
    for (const { name, shape } of MUON_SPECS) {
      const start = draws(rng, size(shape), 1);
      parameters.set(name, start);
      plain.set(name, start);
      expected.set(name, rowsOf(start, shape[0]!));
      velocity.set(name, rowsOf(new Float32Array(size(shape)), shape[0]!));
    }
    for (let step = 0; step < 4; step++) {
      const gradients = new Map(MUON_SPECS.map(({ name, shape }) => [name, draws(rng, size(shape), 0.3)]));
      for (const [name, values] of gradients) {
        optimiser.gradients.set(name, values);
        adamw.gradients.set(name, values);
      }
      const total = await optimiser.gradientNorm();
      await optimiser.step(0.02, total);
      await adamw.step(0.02, await adamw.gradientNorm());
      for (const { name, shape } of MUON_SPECS) {
        if (!muon.matrices(name) || shape.length === 1) continue;
        const gradient = rowsOf(gradients.get(name)!, shape[0]!);
        const clipped = combined(gradient, total > 1 ? 1 / total : 1, gradient, 0);
        const moved = combined(velocity.get(name)!, 0.9, clipped, 1);
        velocity.set(name, moved);
        const direction = zeroPower(combined(clipped, 1, moved, 0.9));
        const before = expected.get(name)!;
        expected.set(name, combined(before, 1 - 0.02 * 0.1, direction, -0.02 * 0.2 * Math.sqrt(7)));
      }
    }
    for (const { name, shape } of MUON_SPECS) {
      const orthogonalised = muon.matrices(name) && shape.length > 1;
      const wanted = orthogonalised ? Float32Array.from(expected.get(name)!.flat()) : plain.read(name);
      expectClose(parameters.read(name), wanted, TOLERANCES.optimiser, name);
    }
  });
});
