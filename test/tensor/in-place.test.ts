/**
 * ggml puts a result in the place of an operand whose last use it is, and not every kernel can read what it has
 * overwritten. Whatever the program, using memory twice must change no bit of a loss or a gradient.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { Device } from '../../src/ggml/device.ts';
import { Graph, readF32, write } from '../../src/tensor/graph.ts';
import { exp, reshape, scale, square, sum, transpose } from '../../src/tensor/ops/index.ts';
import { type Program, randomProgram, runProgram, STEP_NAMES } from '../helpers/programs.ts';

const device = Device.open('cpu', 1);
afterAll(() => device.close());

async function expectSame(program: Program): Promise<void> {
  const [reused, kept] = [
    await runProgram(device, program, Rng.seeded(5), false),
    await runProgram(device, program, Rng.seeded(5), true),
  ];
  for (const [name, want] of Object.entries(kept)) {
    expect(reused[name], `${name} of ${JSON.stringify(program)}`).toEqual(want);
  }
}

describe('results do not depend on where they are put', () => {
  for (const step of STEP_NAMES) {
    it(step, async () => {
      // Of an operand that nothing else needs, of one that is needed later, and of itself.
      await expectSame([{ step, a: 0, b: 1 }]);
      await expectSame([
        { step: 'scale', a: 0, b: 1 },
        { step: 'scale', a: 1, b: 1 },
        { step, a: 2, b: 3 },
        { step: 'square', a: 4, b: 4 },
      ]);
      await expectSame([
        { step: 'silu', a: 0, b: 0 },
        { step, a: 2, b: 1 },
        { step, a: 3, b: 2 },
        { step: 'mul', a: 4, b: 2 },
      ]);
      await expectSame([
        { step: 'scale', a: 0, b: 0 },
        { step, a: 2, b: 2 },
      ]);
    });
  }

  it('three hundred random programs', async () => {
    const rng = Rng.seeded(17);
    for (let i = 0; i < 300; i++) await expectSame(randomProgram(rng, 1 + rng.below(14)));
  });
});

it('an output that is a view stays readable when its other uses are over', async () => {
  using g = new Graph(device, 64);
  const x = g.input('f32', [4, 4]);
  const shown = g.output(reshape(g, exp(g, x), [16]));
  // The transposed copies need memory of their own when the view has been used for the last time.
  const squares = reshape(g, square(g, shown), [4, 4]);
  g.output(sum(g, transpose(g, scale(g, transpose(g, squares), 3))));
  g.allocate();
  write(device, x, new Float32Array(16).fill(1));
  await g.compute();
  expect(readF32(device, shown)).toEqual(new Float32Array(16).fill(Math.fround(Math.E)));
});
