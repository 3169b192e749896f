/**
 * Scoring: how likely a model finds given completions, and what it would have said itself: log-probabilities,
 * entropies and the top-k of every position. No gradients.
 */
import { InternalError, required } from '../../base/errors.ts';
import type { Device } from '../../ggml/device.ts';
import type { GraphMemory } from '../../tensor/graph-memory.ts';
import { bucketLength, type PlannedBatch, planBatches, type TreeSize } from './buckets.ts';
import type { ModelConfig } from '../arch/config.ts';
import type { WeightSource } from '../arch/forward.ts';
import { KeptGraphs } from '../generate/kept-graph.ts';
import { dealt, type RunOptions, WorkerPool } from '../generate/worker-pool.ts';
import type { ModelParts } from '../generate/next-token.ts';
import { packedRows } from './packing.ts';
import { type ScoreParts, type ScoredRows, ScoringGraph } from './scoring-graph.ts';
import { predictorIndex, type PromptTree, type TreeLayout } from './tree.ts';

/** For each worker. */
const MAX_GRAPHS = 8;

const COMPLETION_MULTIPLE = 8;
/** A batch is not made smaller than this to give every worker something to do. */
const MIN_BATCH_TOKENS = 512;

export interface ScoreOptions extends RunOptions {
  /** Also the k most likely tokens of every position; 0 is off. */
  readonly topK?: number;
  /** Also the entropy of every position. */
  readonly entropy?: boolean;
  /** Tokens a batch may have, padding included. */
  readonly maxTokens?: number;
}

/** T tokens of a completion. All log-probabilities are of the full softmax at temperature 1, in nats. */
export interface ScoredCompletion {
  readonly logprobs: Float32Array; // [T]
  /** Empty unless asked for. */
  readonly entropies: Float32Array; // [T]
  /** Most likely first, the lower id first among equals; empty unless asked for. */
  readonly topIds: Int32Array; // [k, T]
  readonly topLogprobs: Float32Array; // [k, T], not renormalised
}

export interface Scored {
  /** Index among the trees of the call. */
  readonly tree: number;
  readonly completions: readonly ScoredCompletion[];
}

/** Positions to be scored, completion after completion. */
function rowsOf(layout: TreeLayout, trees: readonly PromptTree[]): [Int32Array, Int32Array] {
  const predictors: number[] = [];
  const targets: number[] = [];
  trees.forEach((tree, b) => {
    tree.completions.forEach((completion, s) => {
      completion.forEach((token, t) => {
        predictors.push(predictorIndex(layout, tree, b, s, t));
        targets.push(token);
      });
    });
  });
  return [Int32Array.from(predictors), Int32Array.from(targets)];
}

/** A tree with its completions packed into rows, so that ragged ones are not all padded to the longest. */
function packedSize({ prompt, completions }: PromptTree): TreeSize {
  if (completions.length === 0) return { prompt, completions };
  const lengths = completions.map(({ length }) => length);
  const { rows, rowTokens } = packedRows(lengths, COMPLETION_MULTIPLE);
  return { prompt, completions: Array.from({ length: rows }, () => ({ length: rowTokens })) };
}

/** Batches that share the token budget among the workers, and a small call among all of them. */
function plan(trees: readonly PromptTree[], maxTokens: number, workers: number): PlannedBatch[] {
  const sizes = trees.map(packedSize);
  const tokens = sizes.reduce(
    (total, { prompt, completions }) =>
      completions.reduce((sum, { length }) => sum + length, total + prompt.length),
    0,
  );
  const share = Math.max(MIN_BATCH_TOKENS, Math.ceil(tokens / workers));
  return planBatches(sizes, {
    maxTokens: Math.min(maxTokens / workers, share),
    completionMultiple: COMPLETION_MULTIPLE,
  });
}

/** Sorts each row of a top-k: by falling log-probability, then by id. */
function sortTop(k: number, ids: Int32Array, logprobs: Float32Array): void {
  for (let start = 0; start < ids.length; start += k) {
    const [rowIds, rowLogprobs] = [ids.slice(start, start + k), logprobs.slice(start, start + k)];
    const at = (i: number): number => rowLogprobs[i] ?? 0;
    const order = Array.from(rowIds.keys()).sort(
      (a, b) => at(b) - at(a) || (rowIds[a] ?? 0) - (rowIds[b] ?? 0),
    );
    order.forEach((from, to) => {
      ids[start + to] = rowIds[from] ?? 0;
      logprobs[start + to] = at(from);
    });
  }
}

/** Rows that a graph is built for: completions are rarely full, so in steps of an eighth of all that could be. */
function capacityOf(layout: TreeLayout, rows: number): number {
  const most = layout.prompts * layout.samples * layout.completionTokens;
  return bucketLength(rows, Math.max(8, Math.ceil(most / 8)));
}

/** One device, and the graphs that were built on it. */
class ScoringWorker extends KeptGraphs {
  readonly #model: ModelParts;

  constructor(model: ModelParts) {
    super(model.device, MAX_GRAPHS);
    this.#model = model;
  }

  async *run(
    trees: readonly PromptTree[],
    batches: readonly PlannedBatch[],
    parts: ScoreParts,
    signal: AbortSignal,
  ): AsyncGenerator<Scored> {
    for (const { layout, indices } of batches) {
      signal.throwIfAborted();
      const members = indices.map((index) => required(trees[index], 'a tree of the batch'));
      const [predictors, targets] = rowsOf(layout, members);
      const capacity = capacityOf(layout, predictors.length);
      const rows =
        predictors.length === 0
          ? undefined
          : await this.#graph(layout, capacity, parts).run(members, predictors, targets);
      if (rows !== undefined && parts.topK > 0) sortTop(parts.topK, rows.topIds, rows.topLogprobs);
      yield* cut(members, indices, rows, parts.topK);
    }
  }

  #graph(layout: TreeLayout, capacity: number, parts: ScoreParts): ScoringGraph {
    const build = (memory: GraphMemory) => new ScoringGraph(this.#model, layout, capacity, parts, { memory });
    return this.get(`${parts.topK} ${parts.entropy}`, { ...layout, capacity }, build);
  }

  reserve(trees: readonly PromptTree[], batches: readonly PlannedBatch[], parts: ScoreParts): void {
    for (const { layout, indices } of batches) {
      const rows = indices.reduce(
        (total, index) => total + (trees[index]?.completions.reduce((n, { length }) => n + length, 0) ?? 0),
        0,
      );
      if (rows > 0) this.#graph(layout, capacityOf(layout, rows), parts);
    }
  }
}

/** Scores completions under a model. Weights may change between calls; graphs are kept for the next one. */
export class Scorer implements Disposable {
  readonly #padding: number;
  readonly #workers: WorkerPool<ScoringWorker>;

  /** Ids from `padding` on are never among the most likely tokens: the tables of some models are longer than their vocabulary. */
  constructor(device: Device, config: ModelConfig, weights: WeightSource, padding = config.vocabSize) {
    this.#padding = Math.min(padding, config.vocabSize);
    this.#workers = new WorkerPool(
      'scoring',
      { device, config, weights },
      (model) => new ScoringWorker(model),
    );
  }

  /** Scores of every tree's completions, in the trees' order. */
  async score(trees: readonly PromptTree[], options: ScoreOptions = {}): Promise<ScoredCompletion[][]> {
    const results: ScoredCompletion[][] = trees.map(() => []);
    for await (const { tree, completions } of this.stream(trees, options)) results[tree] = [...completions];
    return results;
  }

  /** As `score`, but each tree as soon as its batch is done: trees of like size together, large ones first. */
  async *stream(trees: readonly PromptTree[], options: ScoreOptions = {}): AsyncGenerator<Scored> {
    const { topK = 0 } = options;
    if (!Number.isInteger(topK) || topK < 0 || topK > this.#padding)
      throw new InternalError(`scoring: topK must be a whole number up to the vocabulary, got ${topK}`);
    if (trees.length === 0) return;
    const starts = () =>
      this.#planned(trees, options).map(([worker, ...mine]) => {
        return (stop: AbortSignal) => worker.run(trees, ...mine, stop);
      });
    yield* this.#workers.run(starts, trees.length, options);
  }

  /** Builds what scoring these trees needs, without scoring them: see Device.meta. */
  reserve(trees: readonly PromptTree[], options: ScoreOptions = {}): void {
    for (const [worker, ...mine] of this.#planned(trees, options)) worker.reserve(trees, ...mine);
  }

  /** The batches of each worker. */
  #planned(
    trees: readonly PromptTree[],
    { topK = 0, entropy = false, maxTokens = 4096 }: ScoreOptions,
  ): [ScoringWorker, PlannedBatch[], ScoreParts][] {
    const parts = { topK, entropy, padding: this.#padding };
    const workers = this.#workers.reserve(trees.length);
    const batches = plan(trees, maxTokens, workers.length);
    return workers.map((worker, i) => [worker, dealt(batches, i, workers.length), parts]);
  }

  /** Bytes of the graphs' intermediates. */
  get bytes(): number {
    return this.#workers.bytes;
  }

  [Symbol.dispose](): void {
    this.#workers[Symbol.dispose]();
  }
}

/** Gives every completion its rows; without any rows all completions are empty. */
function cut(
  trees: readonly PromptTree[],
  indices: readonly number[],
  rows: ScoredRows | undefined,
  topK: number,
): Scored[] {
  let start = 0;
  return trees.map((tree, b) => ({
    tree: indices[b] ?? 0,
    completions: tree.completions.map(({ length }) => {
      const [from, to] = [start, start + length];
      start = to;
      return {
        logprobs: rows?.logprobs.slice(from, to) ?? new Float32Array(0),
        entropies: rows?.entropies.slice(from, to) ?? new Float32Array(0),
        topIds: rows?.topIds.slice(from * topK, to * topK) ?? new Int32Array(0),
        topLogprobs: rows?.topLogprobs.slice(from * topK, to * topK) ?? new Float32Array(0),
      };
    }),
  }));
}
