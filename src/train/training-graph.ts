/**
 * One graph for one batch layout and one objective: forward over prompt trees, the vocabulary head in chunks of
 * rows, backward, and gradients added to the optimiser's accumulators. Built once, run many times.
 */
import { InternalError, required } from '../base/errors.ts';
import type { Device } from '../ggml/device.ts';
import { headWeight, type WeightSource } from '../model/arch/forward.ts';
import type { ModelConfig } from '../model/arch/config.ts';
import type { TrainedWeights } from '../model/trained-weights.ts';
import { type PromptTree, treeForward, type TreeLayout } from '../model/tree/tree.ts';
import {
  COMMON_INPUTS,
  type Objective,
  type ObjectiveResult,
  rowInput,
  type RowInputs,
  type RowInputSpec,
  type SequenceObjective,
} from '../losses/objective.ts';
import {
  add,
  concat,
  logProbabilitiesAt,
  mul,
  mulMat,
  slice,
  sum,
  type VocabularyRows,
  vocabularyRows,
} from '../tensor/ops/index.ts';
import { detach } from '../tensor/ops/elementwise.ts';
import { PRODUCT_MULTIPLE } from '../tensor/ops/nn.ts';
import { full } from '../tensor/ops/shape.ts';
import { Graph, readF32, write } from '../tensor/graph.ts';
import type { GraphMemory } from '../tensor/graph-memory.ts';
import type { ParameterSet } from '../tensor/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Metrics } from './events.ts';

/** Logits that one chunk of rows may take, in bytes. */
const CHUNK_BYTES = 64 * 2 ** 20;

/** Rows that the vocabulary head takes at a time, so that their logits are of at most `bytes`. */
export function chunkRowsFor(vocabSize: number, bytes = CHUNK_BYTES): number {
  const most = Math.max(1, Math.floor(bytes / (4 * vocabSize)));
  return most < PRODUCT_MULTIPLE ? most : most - (most % PRODUCT_MULTIPLE);
}

/** An input of the graph, whose width is a number now that the batch is known. */
interface RowInput extends RowInputSpec {
  readonly width: number;
  readonly tensor: Tensor;
}

export type RowArrays = Readonly<Record<string, Float32Array | Int32Array>>;

/** Rows of a batch: which token predicts each, and what the objective wants to know of it. */
export interface Rows {
  /** Index in the batch of the token whose hidden state predicts the row's target. */
  readonly predictors: Int32Array;
  /** `targets`, `weights` and the objective's own inputs, each width x number of rows. */
  readonly inputs: RowArrays;
}

interface ChunkLoss {
  /** Of `count` rows from row `start` on. */
  readonly lossOf: (vocabulary: VocabularyRows, start: number, count: number) => ObjectiveResult;
  /** Loss and parts of all rows, where they are not the sums over the chunks. */
  readonly whole?: ReadonlyMap<string, Tensor>;
}

export interface LossParts {
  readonly loss: number;
  readonly parts: Metrics;
}

export interface TrainingGraphOptions {
  /** Groups of completions that there is room for; as many as trees, if unset. */
  readonly groups?: number;
  /** Rows that the vocabulary head takes at a time. */
  readonly chunkRows?: number;
  /** Shared with other training graphs that never run at the same time. */
  readonly memory?: GraphMemory;
  /** Device that it runs on, if not the gradients' device: another one that reaches the same memory. */
  readonly device?: Device;
  /** Keep nothing of a layer but its result, and compute it again for the backward pass. */
  readonly recompute?: boolean;
}

/** Weights that the forward pass computes with, and the tensor that the gradient of a trained parameter flows to. */
type Weights = WeightSource & Partial<Pick<TrainedWeights, 'leaf'>>;

export class TrainingGraph extends Graph {
  /** Rows the graph has room for; fewer are padded. */
  readonly rowCapacity: number;
  readonly #tree: ReturnType<typeof treeForward>;
  readonly #predictors: Tensor;
  readonly #inputs = new Map<string, RowInput>();
  readonly #results = new Map<string, Tensor>();

  constructor(
    config: ModelConfig,
    weights: Weights,
    gradients: ParameterSet,
    layout: TreeLayout,
    rowCapacity: number,
    objective: Objective,
    {
      groups = layout.prompts,
      chunkRows = chunkRowsFor(config.vocabSize),
      memory,
      device = gradients.device,
      recompute = false,
    }: TrainingGraphOptions = {},
  ) {
    super(device, undefined, memory);
    this.rowCapacity = rowCapacity;
    this.#predictors = this.input('i32', [rowCapacity]);
    const reached = this.#gather(weights, gradients);
    this.#tree = treeForward(this, config, weights, layout, { rows: this.#predictors, recompute });
    for (const [name, spec] of Object.entries<RowInputSpec>({ ...COMMON_INPUTS, ...objective.inputs })) {
      const width = spec.width === 'groups' ? groups : spec.width;
      this.#inputs.set(name, { ...spec, width, tensor: this.input(spec.dtype, [width, rowCapacity]) });
    }
    const rows = this.#tree.hidden;
    const gradHidden = this.#head(rows, headWeight(config, weights), objective, chunkRows);
    this.tape.backward([[rows, gradHidden]], [], (a, b) => add(this, a, b));
    for (const { name } of gradients.specs)
      if (!reached.has(name)) throw new InternalError(`no gradient reaches ${name}`);
    this.allocate();
  }

  /**
   * Adds every part of a gradient to its accumulator as soon as it is known, so that neither it nor what it comes
   * from is kept for long. Returns the names of those that were reached, which grow while the graph is built.
   */
  #gather(weights: Weights, gradients: ParameterSet): ReadonlySet<string> {
    const reached = new Set<string>();
    for (const { name } of gradients.specs) {
      // A chain: each part waits for the one before.
      let total = gradients.get(name);
      this.tape.sink(weights.leaf?.(name) ?? weights.get(name), (grad) => {
        reached.add(name);
        const sum = this.ggml.ggml_add_inplace(this.context, total.pointer, grad.pointer);
        total = this.constant(sum, total.shape);
        this.expand(total);
      });
    }
    return reached;
  }

  /**
   * The loss and its gradient by the hidden states, chunk by chunk, so that only one chunk's logits are in memory.
   * Gradients of the head itself go to its sink.
   */
  #head(rows: Tensor, head: Tensor, objective: Objective, chunkRows: number): Tensor {
    const { lossOf, whole } = this.#chunkLoss(rows, head, objective, chunkRows);
    let gradHidden: Tensor | undefined;
    const totals = new Map<string, Tensor>();
    for (const [start, count] of this.#chunks(chunkRows)) {
      const mark = this.tape.length;
      const hidden = { ...slice(this, detach(rows), 1, start, count), differentiable: true };
      const { loss, parts } = lossOf(vocabularyRows(this, mulMat(this, head, hidden)), start, count);
      const [dHidden] = this.tape.backward(
        [[loss, full(this, [1], 1)]],
        [hidden],
        (a, b) => add(this, a, b),
        mark,
      );
      for (const [name, value] of Object.entries({ ...parts, loss })) {
        const known = totals.get(name);
        totals.set(name, detach(known === undefined ? value : add(this, detach(known), detach(value))));
      }
      const h = required(dHidden, 'gradient of the hidden states');
      gradHidden = gradHidden === undefined ? h : concat(this, gradHidden, h, 1);
      // Executed before the next chunk is formed, so that its memory is free again.
      for (const t of [gradHidden, ...totals.values()]) this.expand(t);
    }
    for (const [name, value] of whole ?? totals) {
      if (name !== 'loss' && !Object.hasOwn(objective.metrics, name))
        throw new InternalError(
          `the objective's part ${name} is no declared metric; add it to the metrics of its loss`,
        );
      this.#results.set(name, this.output(value));
    }
    return required(gradHidden, 'gradient of the hidden states');
  }

  #rowInputs(change: (input: Tensor) => Tensor = (input) => input): RowInputs {
    return Object.fromEntries([...this.#inputs].map(([name, { tensor }]) => [name, change(tensor)]));
  }

  /** First row and number of rows of each chunk. */
  #chunks(chunkRows: number): [number, number][] {
    return Array.from({ length: Math.ceil(this.rowCapacity / chunkRows) }, (_, i) => [
      i * chunkRows,
      Math.min(chunkRows, this.rowCapacity - i * chunkRows),
    ]);
  }

  /** Part of the loss that a chunk of rows adds, and the loss as a whole, where that is known before its chunks are. */
  #chunkLoss(rows: Tensor, head: Tensor, objective: Objective, chunkRows: number): ChunkLoss {
    const sliced = (start: number, count: number): RowInputs =>
      this.#rowInputs((t) => slice(this, t, 1, start, count));
    const at = (vocabulary: VocabularyRows, start: number, count: number): Tensor =>
      logProbabilitiesAt(this, vocabulary, rowInput(sliced(start, count), 'targets'));
    if (objective.rowwise)
      return { lossOf: (vocabulary, ...place) => objective.build(this, vocabulary, sliced(...place)) };
    if (chunkRows >= this.rowCapacity)
      return { lossOf: (rows, ...place) => objective.build(this, at(rows, ...place), sliced(...place)) };
    // The log-probabilities chunk by chunk, then the loss of all of them, whose slopes are what each chunk is pulled by.
    let logprobs: Tensor | undefined;
    for (const [start, count] of this.#chunks(chunkRows)) {
      const logits = mulMat(this, detach(head), slice(this, detach(rows), 1, start, count));
      const own = at(vocabularyRows(this, logits), start, count);
      logprobs = logprobs === undefined ? own : concat(this, logprobs, own, 1);
      this.expand(logprobs);
    }
    const { slopes, whole } = this.#slopes(required(logprobs, 'log-probabilities'), objective);
    return {
      lossOf: (vocabulary, start, count) => ({
        loss: sum(this, mul(this, at(vocabulary, start, count), slice(this, slopes, 1, start, count))),
        parts: {},
      }),
      whole,
    };
  }

  /** The derivatives of a loss by each row's log-probability [1, R], and the loss with its parts. */
  #slopes(logprobs: Tensor, objective: SequenceObjective) {
    const mark = this.tape.length;
    const leaf = { ...logprobs, differentiable: true };
    const { loss, parts } = objective.build(this, leaf, this.#rowInputs());
    const [slopes] = this.tape.backward(
      [[loss, full(this, [1], 1)]],
      [leaf],
      (a, b) => add(this, a, b),
      mark,
    );
    const whole = new Map(Object.entries({ ...parts, loss }).map(([name, t]) => [name, detach(t)]));
    return { slopes: detach(required(slopes, 'slopes of the loss')), whole };
  }

  /** Runs forward and backward on one batch; gradients are added to the accumulators. */
  async run(trees: readonly PromptTree[], rows: Rows): Promise<LossParts> {
    const { device } = this;
    this.#tree.write(trees);
    const predictors = new Int32Array(this.rowCapacity);
    predictors.set(rows.predictors);
    write(device, this.#predictors, predictors);
    for (const [name, input] of this.#inputs) {
      const values = required(rows.inputs[name], `row input ${name}`);
      write(device, input.tensor, padRows(input, values, this.rowCapacity));
    }
    await this.compute();
    const read = (t: Tensor): number => readF32(device, t)[0] ?? Number.NaN;
    const results = Object.fromEntries([...this.#results].map(([name, t]) => [name, read(t)]));
    const { loss = Number.NaN, ...parts } = results;
    return { loss, parts: parts as Metrics };
  }
}

/** Values of rows that have none: see RowInputSpec. */
export function noValues(
  { dtype, width, padding = 0 }: Omit<RowInputSpec, 'width'> & { readonly width: number },
  rows: number,
): Float32Array | Int32Array {
  if (dtype === 'f32') return new Float32Array(width * rows).fill(padding);
  return Int32Array.from({ length: width * rows }, (_, i) => i % width);
}

function padRows(spec: RowInput, values: Float32Array | Int32Array, rows: number): Float32Array | Int32Array {
  const padded = noValues(spec, rows);
  if (values.length > padded.length)
    throw new InternalError(`rows: ${values.length} values do not fit ${padded.length}`);
  padded.set(values);
  return padded;
}
