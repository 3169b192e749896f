/** A square matrix product of fixed size, to see how fast a device is. */
import type { Device } from '../ggml/device.ts';
import { Graph, write } from './graph.ts';
import { mulMat } from './ops/index.ts';

export const PRODUCT_SIZE = 1024;

export class SampleProduct extends Graph {
  constructor(device: Device) {
    super(device, 64);
    const shape = [PRODUCT_SIZE, PRODUCT_SIZE];
    const [a, b] = [this.input('f32', shape), this.input('f32', shape)];
    this.output(mulMat(this, a, b));
    this.allocate();
    const values = Float32Array.from({ length: PRODUCT_SIZE ** 2 }, (_, i) => ((i * 37) % 101) / 101 - 0.5);
    for (const input of [a, b]) write(device, input, values);
  }

  /** Milliseconds that it takes `times` times, one after the other. */
  async milliseconds(times = 1): Promise<number> {
    const start = performance.now();
    for (let i = 0; i < times; i++) await this.compute();
    return performance.now() - start;
  }
}
