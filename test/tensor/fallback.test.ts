/**
 * Operations that a device lacks are the CPU's, and the user is told; nothing reaches ggml that it would abort on. Without a GPU
 * (see vulkan.test.ts) it is the CPU itself that stands in for its own missing operations.
 */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { Rng } from '../../src/base/rng.ts';
import { Device, listDevices } from '../../src/ggml/device.ts';
import { adamW } from '../../src/tensor/optim/adamw.ts';
import { Graph, readF32, write } from '../../src/tensor/graph.ts';
import { exp, mulMat, scale, softmax, sumTo } from '../../src/tensor/ops/index.ts';
import type { Shape } from '../../src/tensor/tensor.ts';
import { TrainingGraph } from '../../src/train/training-graph.ts';
import { goldenConfig, goldenObjective, goldenRows, goldenTrees, goldenWeights } from '../helpers/golden.ts';
import { randomProgram, runProgram } from '../helpers/programs.ts';
import { expectClose, expectNormClose, TOLERANCES } from '../helpers/tolerances.ts';

const gpu = listDevices().find(({ kind }) => kind === 'gpu' || kind === 'igpu');
// Freed last: see vulkan.test.ts of Debian's software driver.
const open: Disposable[] = [];
const keep = <T extends Disposable>(one: T): T => {
  open.push(one);
  return one;
};
afterAll(() => {
  for (const one of open.toReversed()) one[Symbol.dispose]();
});
afterEach(() => {
  delete process.env['TINYSTAR_FALLBACK'];
});

/** A device that lacks operations. */
function lacking(which: string, ...names: readonly string[]): Device {
  process.env['TINYSTAR_FALLBACK'] = names.join(',');
  return keep(Device.open(which, 1));
}

/** A training step's loss, gradients and norm of a device; the golden batch. */
async function step(device: Device) {
  const weights = keep(goldenWeights(device));
  const adamw = { adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1e-8, weight_decay: 0.1, max_norm: 1 };
  const optimiser = keep(adamW(weights, adamw));
  const objective = goldenObjective('ckd');
  const { layout, trees } = goldenTrees.tree();
  const graph = keep(new TrainingGraph(goldenConfig, weights, optimiser.gradients, layout, 48, objective));
  const { gradients } = optimiser;
  gradients.clear();
  const { loss } = await graph.run(trees, goldenRows('tree', objective));
  return {
    loss,
    bytes: graph.bytes,
    gradients: new Map(gradients.specs.map(({ name }) => [name, gradients.read(name)])),
  };
}

describe.each(['cpu', ...(gpu === undefined ? [] : [gpu.name])])('a device (%s) that lacks', (which) => {
  it.each([
    ['operations of the backward pass', ['SILU_BACK', 'ROPE_BACK', 'GET_ROWS_BACK']],
    ['operations everywhere', ['SOFT_MAX', 'RMS_NORM', 'SILU', 'GET_ROWS', 'CONT']],
    ['matrix products', ['MUL_MAT', 'OUT_PROD']],
  ])('%s has the same loss and gradients', { timeout: 300_000 }, async (_, names) => {
    const want = await step(keep(Device.open('cpu', 1)));
    const device = lacking(which, ...names);
    const got = await step(device);
    expectClose([got.loss], [want.loss], TOLERANCES.otherDeviceLoss, 'loss');
    for (const [name, values] of want.gradients)
      expectNormClose(got.gradients.get(name)!, values, TOLERANCES.otherDeviceGradient, name);
    expect(got.bytes).toBeGreaterThan(0);
    const notices = device.notices.take();
    expect(notices.join()).toMatch(
      /^the device \w+ lacks [A-Z_, ]+: the CPU computes (it|them) in its place, which takes longer$/,
    );
    for (const name of names.filter((one) => one !== 'OUT_PROD')) expect(notices.join()).toContain(name);
    expect(device.notices.take()).toEqual([]);
  });

  it('any operations computes random programs as before', { timeout: 300_000 }, async () => {
    const cpu = keep(Device.open('cpu', 1));
    const rng = Rng.seeded(41);
    const device = lacking(
      which,
      'ADD',
      'RMS_NORM',
      'CONCAT',
      'EXP',
      'SOFT_MAX',
      'CONT',
      'SET_ROWS',
      'MUL_MAT',
    );
    for (let i = 0; i < 15; i++) {
      const program = randomProgram(rng, 6);
      const want = await runProgram(cpu, program, Rng.seeded(5), false);
      const got = await runProgram(device, program, Rng.seeded(5), false, open);
      for (const [name, values] of Object.entries(want))
        expectNormClose(got[name]!, values, TOLERANCES.otherDeviceProgram, `${name} of ${i}`);
    }
  });

  it('what can be composed of others needs no other device', { timeout: 300_000 }, async () => {
    const cpu = keep(Device.open('cpu', 1));
    const want = await step(cpu);
    const device = lacking(which, 'SOFT_MAX_BACK', 'RMS_NORM_BACK', 'REPEAT_BACK');
    const got = await step(device);
    expectClose([got.loss], [want.loss], TOLERANCES.otherDeviceLoss, 'loss');
    for (const [name, values] of want.gradients)
      expectNormClose(got.gradients.get(name)!, values, TOLERANCES.otherDeviceGradient, name);
    const rng = Rng.seeded(43);
    for (let i = 0; i < 15; i++) {
      const program = randomProgram(rng, 6);
      const before = await runProgram(cpu, program, Rng.seeded(5), false);
      const composed = await runProgram(device, program, Rng.seeded(5), false, open);
      for (const [name, values] of Object.entries(before))
        expectNormClose(composed[name]!, values, TOLERANCES.otherDeviceProgram, `${name} of ${i}`);
    }
    expect(device.notices.take()).toEqual([]);
  });

  it('something in the middle runs again and again, also at once', async () => {
    const device = lacking(which, 'EXP');
    const graph = keep(new Graph(device, 64));
    const [x, mask] = [graph.input('f32', [8, 4]), graph.input('f32', [8, 4])];
    const y = graph.output(scale(graph, softmax(graph, exp(graph, scale(graph, x, 2)), mask, 1), 3));
    graph.allocate();
    expect(graph.valid).toBe(true);
    for (const shift of [0, 0.5]) {
      const values = Float32Array.from({ length: 32 }, (_, i) => Math.sin(i) + shift);
      write(device, x, values);
      await graph.compute();
      const first = readF32(device, y);
      const row = Array.from(values.subarray(0, 8), (value) => Math.exp(Math.exp(2 * value)));
      const total = row.reduce((a, b) => a + b, 0);
      row.forEach((value, i) => expect(first[i]).toBeCloseTo((3 * value) / total, 4));
      write(device, y, new Float32Array(32));
      graph.computeNow();
      expect(readF32(device, y)).toEqual(first);
    }
    expect(device.notices.take()).toHaveLength(1);
  });

  it('what writes into its weights is refused in a sentence, before anything runs', async () => {
    const device = lacking(which, 'OPT_STEP_ADAMW');
    const weights = keep(goldenWeights(device));
    const adamw = { adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1e-8, weight_decay: 0.1, max_norm: 1 };
    const build = (): unknown => keep(adamW(weights, adamw));
    expect(build).toThrow(UserError);
    expect(build).toThrow(
      /lacks OPT_STEP_ADAMW, in which the CPU cannot stand in for it; choose another with --device cpu\.$/,
    );
  });
});

it('sums over repetitions, composed, are those of ggml in every shape', async () => {
  const [device, other] = [lacking('cpu', 'REPEAT_BACK'), keep(Device.open('cpu', 1))];
  const values = Float32Array.from({ length: 6 * 4 * 2 * 3 }, (_, i) => Math.sin(i));
  const summed = async (on: Device, from: Shape, to: Shape): Promise<Float32Array> => {
    using graph = new Graph(on, 64);
    const x = graph.input('f32', from);
    const y = graph.output(sumTo(graph, x, to));
    graph.allocate();
    write(on, x, values);
    await graph.compute();
    return readF32(on, y);
  };
  const from = [6, 4, 2, 3];
  for (const to of [[6], [1, 4], [3, 4, 2, 3], [2, 1, 2, 1], [6, 2, 1, 3], [1, 1, 1, 3], [3, 2, 1, 1]])
    expectNormClose(await summed(device, from, to), await summed(other, from, to), TOLERANCES.sum, to.join());
  expect(device.notices.take()).toEqual([]);
});

it('a meta device counts what a graph takes whoever computes it', () => {
  process.env['TINYSTAR_FALLBACK'] = 'MUL_MAT';
  using device = Device.meta('cpu', 1);
  using graph = new Graph(device, 64);
  graph.output(mulMat(graph, graph.input('f32', [8, 4]), graph.input('f32', [8, 4])));
  graph.allocate();
  expect(device.meta!.bytes).toBeGreaterThan(0);
});

it('the places in ggml_tensor that are read are those of the pinned version', () => {
  using device = Device.open('cpu', 1);
  using graph = new Graph(device, 64);
  const { lib } = device;
  const x = graph.input('f32', [8, 4]);
  const y = exp(graph, x);
  const view = lib.ggml.ggml_view_4d(graph.context, y.pointer, 4, 4, 1, 1, 32, 128, 128, 16);
  const nested = lib.ggml.ggml_view_4d(graph.context, view, 2, 4, 1, 1, 32, 128, 128, 0);
  expect(lib.viewSource(y.pointer)).toBeUndefined();
  expect([lib.viewSource(view), lib.viewSource(nested)].map(String)).toEqual(
    [y, y].map(({ pointer }) => String(pointer)),
  );
  expect([x, y].map(({ pointer }) => lib.hasMemory(pointer))).toEqual([false, false]);
  graph.output(y);
  graph.allocate();
  expect([x, y].map(({ pointer }) => lib.hasMemory(pointer))).toEqual([true, true]);
});
