/** Parts of one lane of training: a device, graphs and their memory, and gradients. */
import type { Device } from '../ggml/device.ts';
import type { ModelConfig } from '../model/arch/config.ts';
import type { TrainedWeights } from '../model/trained-weights.ts';
import type { Objective } from '../losses/index.ts';
import { Graph } from '../tensor/graph.ts';
import { GraphMemory } from '../tensor/graph-memory.ts';
import { add } from '../tensor/ops/index.ts';
import type { ParameterSet } from '../tensor/parameters.ts';
import { gatherRows, treeOf } from './examples.ts';
import type { MicroBatch } from './micro-batches.ts';
import { type LossParts, TrainingGraph } from './training-graph.ts';

/** Graphs kept for layouts that come again. */
const MAX_GRAPHS = 12;

/** Options that all lanes of a trainer have in common. */
export interface LaneOptions {
  readonly weights: ParameterSet | TrainedWeights;
  /** See TrainingGraphOptions. */
  readonly recompute: boolean;
  readonly chunkRows: number;
}

export class TrainingLane implements Disposable {
  readonly gradients: ParameterSet;
  readonly #device: Device;
  readonly #config: ModelConfig;
  readonly #options: LaneOptions;
  readonly #objective: Objective;
  readonly #memory: GraphMemory;
  readonly #graphs = new Map<string, TrainingGraph>();

  constructor(
    device: Device,
    config: ModelConfig,
    options: LaneOptions,
    gradients: ParameterSet,
    objective: Objective,
  ) {
    this.#device = device;
    this.#config = config;
    this.#options = options;
    this.gradients = gradients;
    this.#objective = objective;
    this.#memory = new GraphMemory(device);
  }

  /** Adds a batch's gradients to this lane's; every token that counts weighs `weight`. */
  async run(batch: MicroBatch, weight: number): Promise<LossParts> {
    const { layout, examples, groupCapacity } = batch;
    const rows = gatherRows(layout, examples, weight, this.#objective.inputs, groupCapacity);
    return this.#graph(batch).run(examples.map(treeOf), rows);
  }

  /** Builds the graph that a batch needs. */
  reserve(batch: MicroBatch): void {
    this.#graph(batch);
  }

  #graph({ layout, rowCapacity, groupCapacity: groups }: MicroBatch): TrainingGraph {
    // Only an objective that compares completions has an input as wide as there are groups.
    const key = [...Object.values(layout), rowCapacity, this.#objective.rowwise ? 0 : groups].join();
    const known = this.#graphs.get(key);
    // Taken out and put back in: a map's order is then the order of last use.
    this.#graphs.delete(key);
    if (known?.valid === true) {
      this.#graphs.set(key, known);
      return known;
    }
    known?.[Symbol.dispose]();
    for (const [oldest, graph] of this.#graphs) {
      if (this.#graphs.size < MAX_GRAPHS && graph.valid) break;
      graph[Symbol.dispose]();
      this.#graphs.delete(oldest);
    }
    const { weights, recompute, chunkRows } = this.#options;
    const graph = new TrainingGraph(
      this.#config,
      weights,
      this.gradients,
      layout,
      rowCapacity,
      this.#objective,
      { device: this.#device, memory: this.#memory, recompute, chunkRows, groups },
    );
    this.#graphs.set(key, graph);
    return graph;
  }

  [Symbol.dispose](): void {
    for (const graph of this.#graphs.values()) graph[Symbol.dispose]();
    this.#graphs.clear();
    this.#memory[Symbol.dispose]();
  }
}

/** Adds the gradients of the other lanes to the first one's, in order, and clears them. */
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
