/** A square matrix product of fixed size, to see how fast a device is. */
import type { Device } from '../ggml/device.ts';
import { Graph, write } from './graph.ts';
import { mulMat } from './ops/index.ts';

export const PRODUCT_SIZE = 1024;

export class SampleProduct implements Disposable {
  readonly #graph: Graph;

  constructor(device: Device) {
    const g = new Graph(device, 64);
    this.#graph = g;
    const shape = [PRODUCT_SIZE, PRODUCT_SIZE];
    const [a, b] = [g.input('f32', shape), g.input('f32', shape)];
    g.output(mulMat(g, a, b));
    g.allocate();
    const values = Float32Array.from({ length: PRODUCT_SIZE ** 2 }, (_, i) => ((i * 37) % 101) / 101 - 0.5);
    for (const input of [a, b]) write(device, input, values);
  }

  /** Milliseconds that it takes `times` times, one after the other. */
  async milliseconds(times = 1): Promise<number> {
    const start = performance.now();
    for (let i = 0; i < times; i++) await this.#graph.compute();
    return performance.now() - start;
  }

  [Symbol.dispose](): void {
    this.#graph[Symbol.dispose]();
  }
}
