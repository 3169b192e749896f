/**
 * Matrix products by another library beside the CPU's own. Needs onnxruntime-node, or its library's path
 * in TINYSTAR_GEMM; without it, all but what a CPU alone does is skipped.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds } from '../../src/base/token-ids.ts';
import { Device } from '../../src/ggml/device.ts';
import { crossEntropy } from '../../src/losses/all.ts';
import { Graph, readF32, write } from '../../src/tensor/graph.ts';
import { add, mulMat, scale } from '../../src/tensor/ops/index.ts';
import { sizeOf, type Tensor } from '../../src/tensor/tensor.ts';
import { rowsFrom, type TrainExample } from '../../src/train/examples.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';

/** The CPU with a BLAS beside it, if there is one, or without. */
function openCpu(blas: boolean, threads = 2): Device {
  if (!blas) process.env['TINYSTAR_BLAS'] = 'off';
  else delete process.env['TINYSTAR_BLAS'];
  return Device.open('cpu', threads);
}

const wanted = process.env['TINYSTAR_BLAS'];
afterEach(() => {
  if (wanted === undefined) delete process.env['TINYSTAR_BLAS'];
  else process.env['TINYSTAR_BLAS'] = wanted;
});

function installed(): boolean {
  using device = openCpu(true);
  return device.hasBlas;
}

/** x [K, M, B] and y [K, N, B] multiplied on a device, after `steps` operations that keep the values. */
async function product(device: Device, shape: readonly [number, number, number, number], steps = 0) {
  const [k, m, n, outer] = shape;
  using graph = new Graph(device);
  let x: Tensor = graph.input('f32', [k, m, outer]);
  const y = graph.input('f32', [k, n, outer]);
  const inputs = [x, y];
  for (let i = 0; i < steps; i++) x = scale(graph, x, i % 2 === 0 ? 2 : 0.5);
  const result = graph.output(mulMat(graph, x, y));
  graph.allocate();
  const rng = Rng.seeded(1);
  const drawn = inputs.map((input) => {
    const values = Float32Array.from(
      { length: input.shape.reduce((a, b) => a * b, 1) },
      () => rng.uniform() - 0.5,
    );
    write(device, input, values);
    return values;
  });
  await graph.compute();
  return { result: readF32(device, result), x: drawn[0]!, y: drawn[1]! };
}

/** The same product in double precision. */
function exact(
  x: Float32Array,
  y: Float32Array,
  [k, m, n, outer]: readonly [number, number, number, number],
) {
  const out = new Float64Array(m * n * outer);
  for (let b = 0; b < outer; b++)
    for (let j = 0; j < n; j++)
      for (let i = 0; i < m; i++) {
        let sum = 0;
        for (let t = 0; t < k; t++) sum += x[(b * m + i) * k + t]! * y[(b * n + j) * k + t]!;
        out[(b * n + j) * m + i] = sum;
      }
  return out;
}

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

async function trained(device: Device): Promise<{ loss: number; gradNorm: number; weights: Float32Array }> {
  using parameters = goldenWeights(device);
  using trainer = new Trainer(goldenConfig, parameters, crossEntropy(), {
    adam_beta1: 0.9,
    adam_beta2: 0.95,
    adam_eps: 1e-8,
    weight_decay: 0.01,
    max_norm: 1,
    microBatchTokens: 1024,
    micro_train_batch_size: 2,
  });
  await trainer.step(examples(), 1e-4);
  const { loss, gradNorm } = await trainer.step(examples(), 1e-4);
  return { loss, gradNorm, weights: parameters.read('model.layers.1.mlp.up_proj.weight') };
}

it('TINYSTAR_BLAS=off leaves all products to the CPU', () => {
  using device = openCpu(false);
  expect(device.hasBlas).toBe(false);
  expect(device.title).toBe(device.info.name);
});

describe.skipIf(!installed())('a library for large products beside the CPU', () => {
  it.each([
    ['large', [64, 96, 80, 1]],
    ['of several heads', [32, 64, 48, 6]],
    ['too small for it', [8, 4, 5, 2]],
  ] as const)('computes products as double precision does: %s', async (_, shape) => {
    using device = openCpu(true);
    expect(device.title).toContain('large products by');
    const { result, x, y } = await product(device, shape);
    const want = exact(x, y, shape);
    const worst = result.reduce((most, value, i) => Math.max(most, Math.abs(value - want[i]!)), 0);
    expect(worst).toBeLessThan(1e-5);
  });

  it.each([
    ['one weight for all', [64, 96, 256, 1]],
    ['as many as there are heads', [32, 64, 128, 6]],
  ] as const)('computes the gradients of both operands without transposed copies: %s', async (_, shape) => {
    const [k, m, n, outer] = shape;
    using device = openCpu(true);
    using graph = new Graph(device);
    const input = (columns: number, rows: number) => ({
      ...graph.input('f32', [columns, rows, outer]),
      differentiable: true,
    });
    const operands = [input(k, m), input(k, n)] as const;
    const grad = graph.input('f32', [m, n, outer]);
    // The gradient of w is xᵀ · grad, and that of x is grad · w.
    const gradients = graph.tape
      .backward([[mulMat(graph, ...operands), grad]], operands, (a, b) => add(graph, a, b))
      .map((gradient) => graph.output(gradient!));
    graph.allocate();
    const rng = Rng.seeded(5);
    const [w, x, c] = [...operands, grad].map((tensor) => {
      const values = Float32Array.from({ length: sizeOf(tensor.shape) }, () => rng.uniform() - 0.5);
      write(device, tensor, values);
      return values;
    }) as [Float32Array, Float32Array, Float32Array];
    await graph.compute();
    const [dw, dx] = gradients.map((gradient) => readF32(device, gradient));
    const [wantW, wantX] = [new Float64Array(w.length), new Float64Array(x.length)];
    for (let b = 0; b < outer; b++)
      for (let j = 0; j < n; j++)
        for (let i = 0; i < m; i++)
          for (let t = 0; t < k; t++) {
            wantW[(b * m + i) * k + t]! += c[(b * n + j) * m + i]! * x[(b * n + j) * k + t]!;
            wantX[(b * n + j) * k + t]! += c[(b * n + j) * m + i]! * w[(b * m + i) * k + t]!;
          }
    const worst = (got: Float32Array, want: Float64Array) =>
      got.reduce((most, value, i) => Math.max(most, Math.abs(value - want[i]!)), 0);
    expect(worst(dw!, wantW)).toBeLessThan(2e-5);
    expect(worst(dx!, wantX)).toBeLessThan(2e-5);
  });

  it('takes graphs of any size one after another', async () => {
    using device = openCpu(true);
    const shape = [64, 64, 64, 1] as const;
    const first = await product(device, shape);
    const long = await product(device, shape, 12_000);
    const again = await product(device, shape);
    expect(again.result).toEqual(first.result);
    expect(long.result).toEqual(first.result);
  });

  it('trains to the same loss, gradient and weights, and to the same bytes each time', async () => {
    using blas = openCpu(true);
    using plain = openCpu(false);
    const [want, got, again] = [await trained(plain), await trained(blas), await trained(blas)];
    expect(Math.abs(got.loss - want.loss)).toBeLessThan(1e-5 * want.loss);
    expect(Math.abs(got.gradNorm - want.gradNorm)).toBeLessThan(1e-3 * want.gradNorm);
    const worst = got.weights.reduce((most, x, i) => Math.max(most, Math.abs(x - want.weights[i]!)), 0);
    // Adam's first steps are of size lr whatever the gradient: rounding can turn one near zero around.
    expect(worst).toBeLessThan(4.1e-4);
    expect(again).toEqual(got);
  });
});
