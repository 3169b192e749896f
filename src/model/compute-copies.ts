/** Matrices that are trained in f32 and computed with in f16 or bf16 (Micikevicius et al., arXiv 1710.03740). */
import type { Device } from '../ggml/device.ts';
import { Graph } from '../tensor/graph.ts';
import { ParameterSet } from '../tensor/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ComputeDType, TrainedWeights } from './trained-weights.ts';

export class ComputeCopies implements TrainedWeights {
  readonly trained: ParameterSet;
  readonly #copies: ParameterSet;
  readonly #refresh: Graph;

  /** Copies the matrices of `masters`, which it then owns; vectors are computed with as they are. */
  constructor(masters: ParameterSet, dtype: ComputeDType) {
    this.trained = masters;
    const specs = masters.specs
      .filter(({ shape }) => shape.length === 2)
      .map(({ name, shape }) => ({ name, shape, dtype }));
    this.#copies = new ParameterSet(masters.device, specs, 'trainable');
    const g = new Graph(masters.device, specs.length * 2 + 64);
    this.#refresh = g;
    for (const { name, shape } of specs) {
      const copied = g.ggml.ggml_cpy(g.context, masters.get(name).pointer, this.#copies.get(name).pointer);
      g.expand(g.constant(copied, shape, dtype));
    }
    g.allocate();
    this.reload();
  }

  get device(): Device {
    return this.trained.device;
  }

  get(name: string): Tensor {
    const master = this.trained.get(name);
    return master.shape.length === 2 ? this.#copies.get(name) : master;
  }

  leaf(name: string): Tensor {
    return this.get(name);
  }

  async refresh(): Promise<void> {
    await this.#refresh.compute();
  }

  reload(): void {
    for (const { name } of this.#copies.specs) this.#copies.set(name, this.trained.read(name));
  }

  read(name: string): Float32Array {
    return this.trained.read(name);
  }

  [Symbol.dispose](): void {
    this.#refresh[Symbol.dispose]();
    this.#copies[Symbol.dispose]();
    this.trained[Symbol.dispose]();
  }
}
