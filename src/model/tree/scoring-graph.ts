/**
 * One graph for one batch layout: forward over prompt trees, and of each predicted token its log-probability and,
 * if asked for, the distribution's entropy and top-k. The vocabulary head comes in chunks of rows, so that only one
 * chunk's logits are in memory.
 */
import { Graph, readF32, readI32, write } from '../../tensor/graph.ts';
import {
  entropyAt,
  gather,
  logProbabilitiesAt,
  mulMat,
  slice,
  sub,
  topK,
  type VocabularyRows,
  vocabularyRows,
} from '../../tensor/ops/index.ts';
import type { GraphMemory } from '../../tensor/graph-memory.ts';
import { sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { headWeight } from '../arch/forward.ts';
import type { ModelParts } from '../generate/next-token.ts';
import { type PromptTree, treeForward, type TreeGraph, type TreeLayout } from './tree.ts';

/** Logits that one chunk of rows may take, in bytes. */
const CHUNK_BYTES = 64 * 2 ** 20;

export interface ScoreParts {
  /** Number of the most likely tokens; 0 for none. */
  readonly topK: number;
  /** Ids from which on none is among these, as they are padding of the vocabulary's tables. */
  readonly padding: number;
  readonly entropy: boolean;
}

/** Outputs of a batch, row by row. */
export interface ScoredRows {
  readonly logprobs: Float32Array; // [R]
  readonly entropies: Float32Array; // [R], or empty
  readonly topIds: Int32Array; // [k, R], each row's in no particular order
  readonly topLogprobs: Float32Array; // [k, R]
}

export interface ScoringGraphOptions {
  /** Logits that one chunk of rows may take, in bytes. */
  readonly chunkBytes?: number;
  /** Shared with other graphs of the same parts that never run at the same time. */
  readonly memory?: GraphMemory;
}

export class ScoringGraph extends Graph {
  readonly #capacity: number;
  readonly #tree: TreeGraph;
  readonly #predictors: Tensor; // i32 [R]
  readonly #targets: Tensor; // i32 [1, R]
  /** A tensor a chunk. */
  readonly #outputs: Record<keyof ScoredRows, Tensor[]> = {
    logprobs: [],
    entropies: [],
    topIds: [],
    topLogprobs: [],
  };

  constructor(
    { device, config, weights }: ModelParts,
    layout: TreeLayout,
    capacity: number,
    parts: ScoreParts,
    { chunkBytes = CHUNK_BYTES, memory }: ScoringGraphOptions = {},
  ) {
    super(device, undefined, memory);
    this.#capacity = capacity;
    this.#predictors = this.input('i32', [capacity]);
    this.#tree = treeForward(this, config, weights, layout, { rows: this.#predictors });
    this.#targets = this.input('i32', [1, capacity]);
    const head = headWeight(config, weights);
    const chunk = Math.max(1, Math.floor(chunkBytes / (4 * config.vocabSize)));
    for (let start = 0; start < capacity; start += chunk) {
      const count = Math.min(chunk, capacity - start);
      const logits = mulMat(this, head, slice(this, this.#tree.hidden, 1, start, count));
      const targets = slice(this, this.#targets, 1, start, count);
      this.#score(vocabularyRows(this, logits), targets, parts);
    }
    this.allocate();
  }

  /** The outputs of one chunk. Each is executed before the next chunk is formed, so that its memory is free again. */
  #score(rows: VocabularyRows, targets: Tensor, parts: ScoreParts): void {
    const { logprobs, entropies, topIds, topLogprobs } = this.#outputs;
    logprobs.push(this.output(logProbabilitiesAt(this, rows, targets)));
    if (parts.entropy) entropies.push(this.output(entropyAt(this, rows)));
    if (parts.topK > 0) {
      const [width = 1] = rows.logits.shape;
      const known = parts.padding < width ? slice(this, rows.logits, 0, 0, parts.padding) : rows.logits;
      const ids = this.output(topK(this, known, parts.topK));
      topIds.push(ids);
      topLogprobs.push(this.output(sub(this, gather(this, rows.logits, ids), rows.logSumExp)));
    }
  }

  /** Scores `targets` [R], each predicted by the token with the index `predictors[r]` in the batch. */
  async run(trees: readonly PromptTree[], predictors: Int32Array, targets: Int32Array): Promise<ScoredRows> {
    const put = (tensor: Tensor, values: Int32Array): void => {
      const padded = new Int32Array(this.#capacity);
      padded.set(values);
      write(this.device, tensor, padded);
    };
    this.#tree.write(trees);
    put(this.#predictors, predictors);
    put(this.#targets, targets);
    await this.compute();
    const { logprobs, entropies, topIds, topLogprobs } = this.#outputs;
    const floats = (tensors: readonly Tensor[]): Float32Array =>
      joined(tensors, (tensor) => readF32(this.device, tensor), Float32Array);
    return {
      logprobs: floats(logprobs),
      entropies: floats(entropies),
      topIds: joined(topIds, (tensor) => readI32(this.device, tensor), Int32Array),
      topLogprobs: floats(topLogprobs),
    };
  }
}

/** Values of tensors, one after another. */
function joined<Values extends Float32Array | Int32Array>(
  tensors: readonly Tensor[],
  read: (tensor: Tensor) => Values,
  Type: new (length: number) => Values,
): Values {
  const all = new Type(tensors.reduce((total, { shape }) => total + sizeOf(shape), 0));
  let at = 0;
  for (const tensor of tensors) {
    all.set(read(tensor), at);
    at += sizeOf(tensor.shape);
  }
  return all;
}
