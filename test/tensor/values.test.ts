/** Results of every operation, against the formula written out over plain arrays. */
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { Device } from '../../src/ggml/device.ts';
import { narrowF16 } from '../../src/model/checkpoint/safetensors.ts';
import { Graph, readF32, readI32, write } from '../../src/tensor/graph.ts';
import * as ops from '../../src/tensor/ops/index.ts';
import { type Shape, sizeOf, type Tensor } from '../../src/tensor/tensor.ts';
import { expectClose, type Tolerance, TOLERANCES } from '../helpers/tolerances.ts';

const device = Device.open('cpu', 1);
afterAll(() => device.close());

type Numbers = Float32Array;
const draws = (shape: Shape, seed: number, draw = (rng: Rng) => rng.normal()): Numbers => {
  const rng = Rng.seeded(seed);
  return Float32Array.from({ length: sizeOf(shape) }, () => draw(rng));
};

/** Runs a graph of f32 inputs of these shapes and values. */
async function run(
  shapes: readonly Shape[],
  values: readonly Numbers[],
  build: (g: Graph, x: readonly Tensor[]) => Tensor,
  ids?: { shape: Shape; values: number[] },
): Promise<Numbers> {
  using g = new Graph(device, 512);
  const x = shapes.map((shape) => g.input('f32', shape));
  const idInput = ids === undefined ? [] : [g.input('i32', ids.shape)];
  const y = g.output(build(g, [...x, ...idInput]));
  g.allocate();
  x.forEach((tensor, i) => write(device, tensor, values[i]!));
  if (ids !== undefined) write(device, idInput[0]!, Int32Array.from(ids.values));
  await g.compute();
  return readF32(device, y);
}

const SHAPE = [5, 3, 2, 2];
const x = draws(SHAPE, 1);
const small = draws([5], 2, (rng) => 0.5 + rng.uniform());
const positive = (rng: Rng) => 0.1 + rng.uniform();

describe('element by element, the formula is what comes out of', () => {
  const unary: [string, (g: Graph, a: Tensor) => Tensor, (a: number) => number, Tolerance][] = [
    ['abs', ops.abs, Math.abs, TOLERANCES.moved],
    ['square', ops.square, (a) => a * a, TOLERANCES.arithmetic],
    ['relu', ops.relu, (a) => Math.max(a, 0), TOLERANCES.moved],
    ['step', ops.step, (a) => (a > 0 ? 1 : 0), TOLERANCES.moved],
    ['exp', ops.exp, Math.exp, TOLERANCES.transcendental],
    ['softplus', ops.softplus, (a) => Math.log1p(Math.exp(a)), TOLERANCES.transcendental],
    [
      'geluTanh',
      ops.geluTanh,
      (a) => 0.5 * a * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (a + 0.044715 * a ** 3))),
      TOLERANCES.transcendental,
    ],
    ['silu', ops.silu, (a) => a / (1 + Math.exp(-a)), TOLERANCES.transcendental],
    ['scale', (g, a) => ops.scale(g, a, -2.5), (a) => -2.5 * a, TOLERANCES.arithmetic],
    [
      'scale with offset',
      (g, a) => ops.scale(g, a, 2, -1),
      (a) => 2 * a - 1,
      { ...TOLERANCES.arithmetic, absolute: 2e-7 },
    ],
    [
      'clamp',
      (g, a) => ops.clamp(g, a, -0.5, 0.25),
      (a) => Math.min(Math.max(a, -0.5), 0.25),
      TOLERANCES.moved,
    ],
  ];
  for (const [name, op, want, tolerance] of unary) {
    it(name, async () => expectClose(await run([SHAPE], [x], (g, [a]) => op(g, a!)), x.map(want), tolerance));
  }

  it('log', async () => {
    const values = draws(SHAPE, 3, positive);
    const got = await run([SHAPE], [values], (g, [a]) => ops.log(g, a!));
    expectClose(got, values.map(Math.log), TOLERANCES.transcendental);
  });

  it('softplus far from zero', async () => {
    const values = Float32Array.of(-200, -50, 0, 50, 200);
    const got = await run([[5]], [values], (g, [a]) => ops.softplus(g, a!));
    expectClose(got, [0, Math.exp(-50), Math.log(2), 50, 200], TOLERANCES.transcendental);
  });

  const binary: [string, (g: Graph, a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number][] = [
    ['add', ops.add, (a, b) => a + b],
    ['sub', ops.sub, (a, b) => a - b],
    ['mul', ops.mul, (a, b) => a * b],
    ['div', ops.div, (a, b) => a / b],
  ];
  for (const [name, op, want] of binary) {
    it(`${name}, the second repeated over rows`, async () => {
      const got = await run([SHAPE, [5]], [x, small], (g, [a, b]) => op(g, a!, b!));
      expectClose(
        got,
        x.map((a, i) => want(a, small[i % 5]!)),
        TOLERANCES.arithmetic,
      );
    });
    it(`${name}, the second one value a row`, async () => {
      const column = draws([1, 3], 4, positive);
      const got = await run([SHAPE, [1, 3]], [x, column], (g, [a, b]) => op(g, a!, b!));
      expectClose(
        got,
        x.map((a, i) => want(a, column[Math.floor(i / 5) % 3]!)),
        TOLERANCES.arithmetic,
      );
    });
  }

  it('mul, one factor for each of many long rows', async () => {
    const shape = [96, 3, 2, 2];
    const [long, factors] = [draws(shape, 6), draws([1, 3, 2, 2], 7)];
    const got = await run([shape, [1, 3, 2, 2]], [long, factors], (g, [a, b]) => ops.mul(g, a!, b!));
    expectClose(
      got,
      long.map((a, i) => a * factors[Math.floor(i / 96)]!),
      TOLERANCES.arithmetic,
    );
  });

  it('minimum', async () => {
    const y = draws(SHAPE, 5);
    const got = await run([SHAPE, SHAPE], [x, y], (g, [a, b]) => ops.minimum(g, a!, b!));
    // a - relu(a - b) rounds twice.
    expectClose(
      got,
      x.map((a, i) => Math.min(a, y[i]!)),
      { ...TOLERANCES.arithmetic, absolute: 4e-7 },
    );
  });
});

describe('sums and repetitions are those of plain arrays:', () => {
  it('sum, sumRows', async () => {
    const total = x.reduce((a, b) => a + b, 0);
    expectClose(await run([SHAPE], [x], (g, [a]) => ops.sum(g, a!)), [total], TOLERANCES.sum);
    const rows = Array.from({ length: 12 }, (_, r) => x.slice(r * 5, r * 5 + 5).reduce((a, b) => a + b, 0));
    expectClose(await run([SHAPE], [x], (g, [a]) => ops.sumRows(g, a!)), rows, TOLERANCES.sum);
  });

  it('sumTo and repeat', async () => {
    // [4, 6] to [2, 3]: element (i, j) sums (i + 2a, j + 3b).
    const y = draws([4, 6], 6);
    const want = new Float64Array(6);
    y.forEach((value, at) => {
      want[((at % 4) % 2) + 2 * (Math.floor(at / 4) % 3)]! += value;
    });
    expectClose(await run([[4, 6]], [y], (g, [a]) => ops.sumTo(g, a!, [2, 3])), want, TOLERANCES.sum);
    const back = await run([[2, 3]], [y.slice(0, 6)], (g, [a]) => ops.repeat(g, a!, [4, 6]));
    expectClose(
      back,
      y.map((_, at) => y[((at % 4) % 2) + 2 * (Math.floor(at / 4) % 3)]!),
      TOLERANCES.moved,
    );
  });

  for (const shape of [[7], [1, 70_000], [70_000, 2], [300, 300, 1, 2]]) {
    it(`full of [${shape.join(', ')}]`, async () => {
      const got = await run([shape], [new Float32Array(sizeOf(shape))], (g, [a]) =>
        ops.add(g, a!, ops.full(g, shape, -3.25)),
      );
      expect(got.every((value) => value === -3.25)).toBe(true);
    });
  }
});

describe('elements move as in plain arrays:', () => {
  const index = (i: number, shape: Shape): number[] => {
    let rest = i;
    return shape.map((n) => {
      const at = rest % n;
      rest = Math.floor(rest / n);
      return at;
    });
  };
  const at = (position: readonly number[], shape: Shape): number =>
    position.reduce((total, p, i) => total + p * sizeOf(shape.slice(0, i)), 0);

  it('permute: dimension i becomes dimension axes[i]', async () => {
    const axes = [2, 0, 3, 1] as const;
    const got = await run([SHAPE], [x], (g, [a]) => ops.permute(g, a!, axes));
    const shape = [0, 1, 2, 3].map((d) => SHAPE[axes.findIndex((to) => to === d)]!);
    const want = got.map((_, i) => {
      const to = index(i, shape);
      return x[
        at(
          axes.map((d) => to[d]!),
          SHAPE,
        )
      ]!;
    });
    expectClose(got, want, TOLERANCES.moved);
  });

  for (const [axis, start, length] of [
    [0, 1, 3],
    [1, 2, 1],
    [2, 1, 1],
    [3, 0, 1],
  ] as const) {
    it(`slice and split of dimension ${axis}`, async () => {
      const shape = SHAPE.map((n, d) => (d === axis ? length : n));
      const want = Float32Array.from({ length: sizeOf(shape) }, (_, i) => {
        const from = index(i, shape);
        from[axis]! += start;
        return x[at(from, SHAPE)]!;
      });
      const got = await run([SHAPE], [x], (g, [a]) => ops.slice(g, a!, axis, start, length));
      expectClose(got, want, TOLERANCES.moved);
    });
  }

  for (const axis of [0, 1, 2, 3]) {
    it(`concat along dimension ${axis} puts a split together again`, async () => {
      const got = await run([SHAPE], [x], (g, [a]) => {
        const [head, tail] = ops.split(g, a!, axis, 1);
        return ops.concat(g, head, tail, axis);
      });
      expectClose(got, x, TOLERANCES.moved);
    });
  }

  const table = draws([4, 6], 7);
  it('getRows, gather, scatter', async () => {
    const rows = [5, 0, 5];
    const taken = await run([[4, 6]], [table], (g, [t, ids]) => ops.getRows(g, t!, ids!), {
      shape: [3],
      values: rows,
    });
    expectClose(
      taken,
      rows.flatMap((r) => Array.from(table.slice(4 * r, 4 * r + 4))),
      TOLERANCES.moved,
    );
    const ids = [3, 0, 1, 2, 0, 3, 2, 1, 3, 1, 0, 2];
    const picked = await run([[4, 6]], [table], (g, [t, i]) => ops.gather(g, t!, i!), {
      shape: [2, 6],
      values: ids,
    });
    expectClose(
      picked,
      ids.map((id, i) => table[4 * Math.floor(i / 2) + id]!),
      TOLERANCES.moved,
    );
    const written = await run([[2, 6]], [picked], (g, [v, i]) => ops.scatter(g, 4, i!, v!, -1), {
      shape: [2, 6],
      values: ids,
    });
    const want = new Float32Array(24).fill(-1);
    ids.forEach((id, i) => (want[4 * Math.floor(i / 2) + id] = picked[i]!));
    expectClose(written, want, TOLERANCES.moved);
  });

  it('topK: the largest, in any order', async () => {
    using g = new Graph(device, 64);
    const input = g.input('f32', [40, 5]);
    const best = g.output(ops.topK(g, input, 7));
    g.allocate();
    const values = draws([40, 5], 8);
    write(device, input, values);
    await g.compute();
    const got = readI32(device, best);
    for (let r = 0; r < 5; r++) {
      const row = values.slice(40 * r, 40 * r + 40);
      const want = [...row.keys()].toSorted((a, b) => row[b]! - row[a]!).slice(0, 7);
      expect(got.slice(7 * r, 7 * r + 7).toSorted()).toEqual(Int32Array.from(want).toSorted());
    }
  });
});

describe('the operations of a transformer equal their formulas:', () => {
  for (const [name, w, y] of [
    ['one matrix', [96, 5], [96, 7]],
    ['one matrix for all', [96, 5], [96, 7, 3]],
    ['batched', [96, 5, 3, 2], [96, 7, 3, 2]],
  ] as const) {
    it(`mulMat, ${name}`, async () => {
      const [a, b] = [draws(w, 9), draws(y, 10)];
      const got = await run([w, y], [a, b], (g, [p, q]) => ops.mulMat(g, p!, q!));
      const columns = sizeOf(y) / 96;
      const want = Float64Array.from({ length: 5 * columns }, (_, i) => {
        const [m, n] = [i % 5, Math.floor(i / 5)];
        const block = w.length > 2 ? Math.floor(n / 7) * 96 * 5 : 0;
        let total = 0;
        for (let k = 0; k < 96; k++) total += a[block + 96 * m + k]! * b[96 * n + k]!;
        return total;
      });
      expectClose(got, want, TOLERANCES.product);
    });
  }

  it('mulMat of an f16 matrix', async () => {
    using g = new Graph(device, 64);
    const [w, y] = [g.input('f16', [64, 5]), g.input('f32', [64, 7])];
    const product = g.output(ops.mulMat(g, w, y));
    g.allocate();
    const [a, b] = [draws([64, 5], 9), draws([64, 7], 10)];
    write(device, w, narrowF16(a));
    write(device, y, b);
    await g.compute();
    const want = Float64Array.from({ length: 35 }, (_, i) => {
      let total = 0;
      for (let k = 0; k < 64; k++) total += a[64 * (i % 5) + k]! * b[64 * Math.floor(i / 5) + k]!;
      return total;
    });
    expectClose(readF32(device, product), want, {
      ...TOLERANCES.productF16,
      absolute: 64 ** 0.5 * TOLERANCES.productF16.absolute,
    });
  });

  it('rmsNorm', async () => {
    const weight = draws([5], 11);
    const got = await run([SHAPE, [5]], [x, weight], (g, [a, w]) => ops.rmsNorm(g, a!, w!, 1e-3));
    const want = x.map((value, i) => {
      const row = x.slice(i - (i % 5), i - (i % 5) + 5);
      const mean = row.reduce((total, v) => total + v * v, 0) / 5;
      return (value / Math.sqrt(mean + 1e-3)) * weight[i % 5]!;
    });
    expectClose(got, want, TOLERANCES.normalised);
  });

  it('softmax with a mask that repeats over heads', async () => {
    const mask = draws([5, 3, 1, 2], 12, (rng) => (rng.chance(0.3) ? -Infinity : rng.normal()));
    for (let r = 0; r < 6; r++) mask[5 * r] = 0;
    const got = await run([SHAPE, [5, 3, 1, 2]], [x, mask], (g, [a, m]) => ops.softmax(g, a!, m!, 0.7));
    const scores = x.map((value, i) => {
      const [k, q, , b] = index4(i);
      return 0.7 * value + mask[k + 5 * q + 15 * b]!;
    });
    const want = scores.map((score, i) => {
      const row = scores.slice(i - (i % 5), i - (i % 5) + 5);
      return Math.exp(score) / row.reduce((total, s) => total + Math.exp(s), 0);
    });
    expectClose(got, want, TOLERANCES.normalised);
  });

  const index4 = (i: number): [number, number, number, number] => [
    i % 5,
    Math.floor(i / 5) % 3,
    Math.floor(i / 15) % 2,
    Math.floor(i / 30),
  ];

  it('rope: halves are rotated, at far positions too', async () => {
    const [size, heads, positions] = [8, 2, [0, 1, 7, 4095]];
    const values = draws([size, heads, 4], 13);
    const got = await run([[size, heads, 4]], [values], (g, [a, p]) => ops.rope(g, a!, p!, 1e4), {
      shape: [4],
      values: positions,
    });
    const want = values.map((_, i) => {
      const [d, token] = [i % size, Math.floor(i / (size * heads))];
      const pair = d % (size / 2);
      const angle = positions[token]! * 1e4 ** ((-2 * pair) / size);
      const [first, second] = [values[i - d + pair]!, values[i - d + pair + size / 2]!];
      return d < size / 2
        ? first * Math.cos(angle) - second * Math.sin(angle)
        : first * Math.sin(angle) + second * Math.cos(angle);
    });
    const near = size * heads * 3;
    expectClose(got.slice(0, near), want.slice(0, near), TOLERANCES.normalised);
    expectClose(got.slice(near), want.slice(near), TOLERANCES.ropeFar);
  });

  it('log-probabilities of rows with large logits', async () => {
    const logits = draws([30, 4], 14, (rng) => 200 * rng.normal());
    const ids = [0, 29, 7, 8, 1, 2, 11, 12];
    const got = await run(
      [[30, 4]],
      [logits],
      (g, [l, i]) => ops.logProbabilitiesAt(g, ops.vocabularyRows(g, l!), i!),
      {
        shape: [2, 4],
        values: ids,
      },
    );
    const want = ids.map((id, i) => {
      const row = logits.slice(30 * Math.floor(i / 2), 30 * Math.floor(i / 2) + 30);
      const top = Math.max(...row);
      return row[id]! - top - Math.log(row.reduce((total, v) => total + Math.exp(v - top), 0));
    });
    expectClose(got, want, TOLERANCES.normalised);
  });

  it('entropy of rows, sharp and flat', async () => {
    const logits = draws([30, 4], 15, (rng) => 3 * rng.normal());
    const got = await run([[30, 4]], [logits], (g, [l]) => ops.entropyAt(g, ops.vocabularyRows(g, l!)));
    const want = [0, 1, 2, 3].map((row) => {
      const z = logits.slice(30 * row, 30 * row + 30);
      const total = z.reduce((sum, v) => sum + Math.exp(v), 0);
      return -z.reduce((sum, v) => sum + (Math.exp(v) / total) * (v - Math.log(total)), 0);
    });
    expectClose(got, want, TOLERANCES.normalised);
  });
});
