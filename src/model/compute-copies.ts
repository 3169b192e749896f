/** Matrices that are trained in f32 and computed with in f16 or bf16 (Micikevicius et al., arXiv 1710.03740). */
import { Graph } from '../tensor/graph.ts';
import { ParameterSet } from '../tensor/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ComputeDType, TrainedWeights } from './trained-weights.ts';

/** Copies the matrices of `trained`, which it then owns; vectors are computed with as they are. */
export function computeCopies(trained: ParameterSet, dtype: ComputeDType): TrainedWeights {
  const { device } = trained;
  const specs = trained.specs
    .filter(({ shape }) => shape.length === 2)
    .map(({ name, shape }) => ({ name, shape, dtype }));
  const copies = new ParameterSet(device, specs, 'trainable');
  const g = new Graph(device, specs.length * 2 + 64);
  for (const { name, shape } of specs) {
    const copied = g.ggml.ggml_cpy(g.context, trained.get(name).pointer, copies.get(name).pointer);
    g.expand(g.constant(copied, shape, dtype));
  }
  g.allocate();
  const get = (name: string): Tensor => {
    const master = trained.get(name);
    return master.shape.length === 2 ? copies.get(name) : master;
  };
  const reload = (): void => {
    for (const { name } of specs) copies.set(name, trained.read(name));
  };
  reload();
  return {
    trained,
    device,
    get,
    leaf: get,
    refresh: () => g.compute(),
    reload,
    read: (name) => trained.read(name),
    [Symbol.dispose]() {
      for (const part of [g, copies, trained]) part[Symbol.dispose]();
    },
  };
}
