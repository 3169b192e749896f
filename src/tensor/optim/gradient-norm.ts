/** The global norm of accumulated gradients, computed on the device. */
import type { Device } from '../../ggml/device.ts';
import { Graph, readF32 } from '../graph.ts';
import { add, reshape, scale, slice, square, sum } from '../ops/index.ts';
import type { ParameterSet } from '../parameters.ts';
import { slabs } from '../slabs.ts';
import { sizeOf, type Tensor } from '../tensor.ts';

export class GradientNorm extends Graph {
  readonly #norm: Tensor;

  /** `device` computes it: the gradients' own, or another one that reaches the same memory. */
  constructor(gradients: ParameterSet, device: Device) {
    const parts = gradients.specs.flatMap(({ name, shape }) =>
      slabs(shape).map((slab) => ({ name, shape, slab })),
    );
    super(device, parts.length * 6 + 64);
    const squares = parts.map(({ name, shape, slab: { start, count } }) => {
      const rows = reshape(this, gradients.get(name), [shape[0] ?? 1, sizeOf(shape) / (shape[0] ?? 1)]);
      return sum(this, square(this, slice(this, rows, 1, start, count)));
    });
    const total = squares.reduce((a, b) => add(this, a, b));
    // A sum that is scaled by one is a tensor of its own even when there is a single parameter.
    this.#norm = this.output(scale(this, total, 1));
    this.allocate();
  }

  /** Their L2 norm. */
  async norm(): Promise<number> {
    await this.compute();
    return Math.sqrt(readF32(this.device, this.#norm)[0] ?? Number.NaN);
  }
}
