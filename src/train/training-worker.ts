/** Parts of one worker of training: a device, graphs and their memory, and gradients. */
import { Lru } from '../base/lru.ts';
import type { Device } from '../ggml/device.ts';
import type { ModelConfig } from '../model/arch/config.ts';
import type { TrainedWeights } from '../model/trained-weights.ts';
import type { Objective } from '../losses/objective.ts';
import { Graph } from '../tensor/graph.ts';
import { GraphMemory } from '../tensor/graph-memory.ts';
import { add } from '../tensor/ops/index.ts';
import type { ParameterSet } from '../tensor/parameters.ts';
import { gatherRows, treeOf } from './examples.ts';
import type { MicroBatch } from './micro-batches.ts';
import { type LossParts, TrainingGraph, type TrainingGraphOptions } from './training-graph.ts';

/** Graphs kept for layouts that come again. */
const MAX_GRAPHS = 12;

export interface SharedParts extends Required<Pick<TrainingGraphOptions, 'recompute' | 'chunkRows'>> {
  readonly config: ModelConfig;
  readonly weights: ParameterSet | TrainedWeights;
  readonly objective: Objective;
}

export class TrainingWorker implements Disposable {
  readonly gradients: ParameterSet;
  readonly #device: Device;
  readonly #shared: SharedParts;
  readonly #memory: GraphMemory;
  readonly #graphs = new Lru<TrainingGraph>(MAX_GRAPHS);

  constructor(device: Device, gradients: ParameterSet, shared: SharedParts) {
    this.#device = device;
    this.gradients = gradients;
    this.#shared = shared;
    this.#memory = new GraphMemory(device);
  }

  /** Adds a batch's gradients to this worker's; every token that counts weighs `weight`. */
  async run(batch: MicroBatch, weight: number): Promise<LossParts> {
    const { layout, examples, groupCapacity } = batch;
    const rows = gatherRows(layout, examples, weight, this.#shared.objective.inputs, groupCapacity);
    return this.graph(batch).run(examples.map(treeOf), rows);
  }

  graph({ layout, rowCapacity, groupCapacity: groups }: MicroBatch): TrainingGraph {
    const { config, weights, objective, recompute, chunkRows } = this.#shared;
    // Only an objective that compares completions has an input as wide as there are groups.
    const key = [...Object.values(layout), rowCapacity, objective.rowwise ? 0 : groups].join();
    return this.#graphs.get(key, () => {
      const options = { device: this.#device, memory: this.#memory, recompute, chunkRows, groups };
      return new TrainingGraph(config, weights, this.gradients, layout, rowCapacity, objective, options);
    });
  }

  [Symbol.dispose](): void {
    this.#graphs[Symbol.dispose]();
    this.#memory[Symbol.dispose]();
  }
}

/** Adds the gradients of the other workers to the first one's, in order, and clears them. */
export class GradientSum implements Disposable {
  readonly #graph: Graph;
  readonly #others: readonly ParameterSet[];

  constructor(device: Device, [first, ...others]: readonly [ParameterSet, ...ParameterSet[]]) {
    const g = new Graph(device, first.specs.length * (others.length * 2 + 2) + 64);
    this.#graph = g;
    this.#others = others;
    if (others.length === 0) return;
    for (const { name, shape } of first.specs) {
      const total = first.get(name);
      const sum = others.reduce((left, other) => add(g, left, other.get(name)), total);
      g.expand(g.constant(g.ggml.ggml_cpy(g.context, sum.pointer, total.pointer), shape));
    }
    g.allocate();
  }

  async run(): Promise<void> {
    if (this.#others.length === 0) return;
    await this.#graph.compute();
    for (const other of this.#others) other.clear();
  }

  [Symbol.dispose](): void {
    this.#graph[Symbol.dispose]();
  }
}
