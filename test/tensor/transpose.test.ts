import { describe, expect, test } from 'vitest';
import { Device } from '../../src/ggml/device.ts';
import { Graph, readF32, write } from '../../src/tensor/graph.ts';
import { square, sum, transpose } from '../../src/tensor/ops/index.ts';
import { sizeOf } from '../../src/tensor/tensor.ts';

describe('transpose', () => {
  test.each([
    { shape: [3, 5, 2, 2], how: 'element by element' },
    { shape: [256, 96, 2, 3], how: 'in tiles' },
    { shape: [512, 40], how: 'element by element where tiles do not fit' },
  ])('of [$shape], $how: the values and their way back', async ({ shape }) => {
    using device = Device.open('cpu', 1);
    using g = new Graph(device);
    const x = { ...g.input('f32', shape), differentiable: true };
    const y = g.output(transpose(g, x));
    const seed = g.input('f32', [1]);
    expect(transpose(g, y).pointer).toBe(x.pointer);
    const [grad] = g.tape.backward([[sum(g, square(g, y)), seed]], [x], () => x);
    if (grad === undefined) throw new Error('no gradient');
    g.output(grad);
    g.allocate();
    const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => i % 8191);
    write(device, x, values);
    write(device, seed, Float32Array.of(0.5));
    await g.compute();
    const [width = 1, rows = 1] = shape;
    const at = (i: number): number => {
      const inner = i % (width * rows);
      return values[i - inner + Math.floor(inner / rows) + (inner % rows) * width] ?? Number.NaN;
    };
    expect(readF32(device, y)).toEqual(values.map((_, i) => at(i)));
    // Half of the sum of squares has the values themselves as its gradient.
    expect(readF32(device, grad)).toEqual(values);
  });
});
