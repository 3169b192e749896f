/** Gradients against central differences of the same graph's forward pass. */
import { expect } from 'vitest';
import type { Device } from '../../src/ggml/device.ts';
import { Rng } from '../../src/base/rng.ts';
import { add, mul, sum } from '../../src/tensor/ops/index.ts';
import { full } from '../../src/tensor/ops/shape.ts';
import { Graph, readF32, write } from '../../src/tensor/graph.ts';
import { type Shape, sizeOf, type Tensor } from '../../src/tensor/tensor.ts';
import { TOLERANCES } from './tolerances.ts';

export interface Case {
  /** Shapes of the differentiable operands. */
  readonly shapes: readonly Shape[];
  /** Values of the operands; normal draws by default. */
  readonly values?: (rng: Rng) => number;
  readonly build: (g: Graph, operands: readonly Tensor[]) => Tensor;
  /** Further inputs, filled once after allocation. */
  readonly fill?: (device: Device) => void;
}

const STEP = 1e-2;
const { relative, absolute } = TOLERANCES.finiteDifference;

/** Checks d(sum(f(x) * r))/dx for random r against central differences with step 1e-2. */
export async function expectGradientsToMatch(device: Device, test: Case): Promise<void> {
  const rng = Rng.seeded(7);
  const draw = test.values ?? ((r: Rng) => r.normal());
  using g = new Graph(device);
  const operands = test.shapes.map((shape) => ({ ...g.input('f32', shape), differentiable: true }));
  const output = test.build(g, operands);
  const direction = g.input('f32', output.shape);
  const scalar = sum(g, mul(g, output, direction));
  g.output(scalar);
  const grads = g.tape.backward([[scalar, full(g, [1], 1)]], operands, (a, b) => add(g, a, b));
  // A gradient may be a view of something else: a copy can be kept.
  const kept = grads.map((grad, i) => {
    if (grad === undefined) throw new Error(`no gradient for operand ${i}`);
    return g.output(add(g, grad, full(g, [1], 0)));
  });
  g.allocate();
  const values = test.shapes.map((shape) => Float32Array.from({ length: sizeOf(shape) }, () => draw(rng)));
  write(
    device,
    direction,
    Float32Array.from({ length: sizeOf(output.shape) }, () => rng.normal()),
  );
  test.fill?.(device);
  const evaluate = async (): Promise<number> => {
    operands.forEach((operand, i) => write(device, operand, values[i]!));
    await g.compute();
    return readF32(device, scalar)[0]!;
  };
  await evaluate();
  const got = kept.map((grad) => readF32(device, grad).slice());
  for (const [i, array] of values.entries()) {
    const largest = got[i]!.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    for (let j = 0; j < array.length; j++) {
      const original = array[j]!;
      array[j] = original + STEP;
      const above = await evaluate();
      array[j] = original - STEP;
      const below = await evaluate();
      array[j] = original;
      const want = (above - below) / (2 * STEP);
      expect(
        Math.abs(got[i]![j]! - want),
        `operand ${i}[${j}]: got ${got[i]![j]}, want ${want}`,
      ).toBeLessThan(relative * largest + absolute);
    }
  }
}
