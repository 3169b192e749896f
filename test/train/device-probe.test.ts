/** Operations that a device lacks are known before anything runs on it. */
import { afterEach, expect, it } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { liveHandles } from '../../src/ggml/handles.ts';
import { Graph } from '../../src/tensor/graph.ts';
import { exp } from '../../src/tensor/ops/index.ts';
import { noticesOf, probeDevice } from '../../src/train/device-probe.ts';

afterEach(() => {
  delete process.env['TINYSTAR_FALLBACK'];
});

it('a device that has everything gives no notice, and nothing stays open', () => {
  expect(probeDevice('cpu')).toEqual({ lacking: [], notices: [] });
  expect(liveHandles()).toEqual({ device: 0, graph: 0, parameters: 0 });
});

it('what it lacks is named, each operation once', () => {
  process.env['TINYSTAR_FALLBACK'] = 'soft_max, TOP_K,ROPE';
  const { lacking, notices } = probeDevice('cpu');
  expect(lacking.toSorted()).toEqual(['ROPE', 'SOFT_MAX', 'TOP_K']);
  for (const name of ['SOFT_MAX', 'TOP_K', 'ROPE'])
    expect(notices.join('; ').match(new RegExp(`\\b${name}\\b`, 'g'))).toHaveLength(1);
});

it('whoever opened a device is told of it, and not of one that has everything', () => {
  using whole = Device.open('cpu', 1);
  expect(noticesOf(whole)).toEqual([]);
  process.env['TINYSTAR_FALLBACK'] = 'ROPE';
  using device = Device.open('cpu', 1);
  expect(noticesOf(device)).toEqual([expect.stringContaining('ROPE')]);
});

it('what a device lacks that was opened from another is told by that one', () => {
  process.env['TINYSTAR_FALLBACK'] = 'EXP';
  using device = Device.open('cpu', 1);
  for (const one of [device.another(2), device.another(1)]) {
    using _one = one;
    using graph = new Graph(one, 64);
    graph.output(exp(graph, graph.input('f32', [4])));
    graph.allocate();
  }
  expect(device.notices.take()).toHaveLength(1);
});

it('what nobody can do in its place is said in a sentence', () => {
  process.env['TINYSTAR_FALLBACK'] = 'OPT_STEP_ADAMW';
  expect(probeDevice('cpu').notices.at(-1)).toMatch(
    /lacks OPT_STEP_ADAMW, in which the CPU cannot stand in for it/,
  );
});
