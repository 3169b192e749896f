/** The end of a generation graph: from hidden states to what the next token is chosen by, and back to the host. */
import type { Device } from '../../ggml/device.ts';
import { type Graph, readF32 } from '../../tensor/graph.ts';
import type { GraphMemory } from '../../tensor/graph-memory.ts';
import { detach, mulMat } from '../../tensor/ops/index.ts';
import { type Tensor, sizeOf } from '../../tensor/tensor.ts';
import type { ModelConfig } from '../arch/config.ts';
import { headWeight, type WeightSource } from '../arch/forward.ts';
import type { KeyValueCache } from './cache.ts';

/** Weights without a gradient, so that a graph keeps no tape. */
export function frozen(weights: WeightSource): WeightSource {
  return {
    get: (name) => detach(weights.get(name)),
    adapter(name) {
      const adapter = weights.adapter?.(name);
      return adapter && { ...adapter, a: detach(adapter.a), b: detach(adapter.b) };
    },
  };
}

type Rows = Float32Array<ArrayBuffer>;

/**
 * Outputs of graphs on the host, by their kinds. Graphs share them when each is drawn from before the next one runs: of a real
 * vocabulary, 64 rows are 39 MB.
 */
export type HostRows = Map<'probabilities' | 'preferences', Rows>;

/** Parts that every graph of a model is built from. */
export interface ModelParts {
  readonly device: Device;
  readonly config: ModelConfig;
  readonly weights: WeightSource;
}

/** Parts that generation graphs of a worker share. */
export interface GraphParts extends ModelParts {
  readonly cache: KeyValueCache;
  /** For their intermediates. */
  readonly memory: GraphMemory;
  readonly rows: HostRows;
}

/** Rows of a graph's output, on the host until the next graph of the worker runs. */
export type NextTokens = ReturnType<typeof nextTokens>;

/** Adds the vocabulary head for hidden states [hiddenSize, R] to a graph. */
export function nextTokens(
  g: Graph,
  { config, weights, rows: host }: GraphParts,
  hidden: Tensor, // [hiddenSize, R]
  temperature: number,
) {
  const { vocabSize } = config;
  const logits = mulMat(g, headWeight(config, weights), hidden);
  const softmax = (scale: number): Tensor =>
    g.output(g.constant(g.ggml.ggml_soft_max_ext(g.context, logits.pointer, null, scale, 0), logits.shape));
  const probabilities = softmax(1);
  // The largest logit is found in the logits: probabilities may be equal by rounding where logits differ.
  const preferences =
    temperature === 0 ? g.output(logits) : temperature === 1 ? undefined : softmax(1 / temperature);
  /** A tensor's contents; those of the last one of its kind are overwritten. */
  const fetched = (kind: 'probabilities' | 'preferences', tensor: Tensor): Rows => {
    const size = sizeOf(tensor.shape);
    const known = host.get(kind);
    const rows = known !== undefined && known.length >= size ? known : new Float32Array(size);
    host.set(kind, rows);
    const values = rows.subarray(0, size);
    readF32(g.device, tensor, values);
    return values;
  };
  let [probabilityRows, preferenceRows]: [Rows, Rows] = [new Float32Array(0), new Float32Array(0)];
  return {
    /** Fetches the rows after a run. */
    read(): void {
      probabilityRows = fetched('probabilities', probabilities);
      preferenceRows = preferences === undefined ? probabilityRows : fetched('preferences', preferences);
    },
    /** Numbers that a token is chosen by, [V]: logits for temperature 0, otherwise probabilities at the temperature. */
    preferences: (row: number): Float32Array =>
      preferenceRows.subarray(row * vocabSize, (row + 1) * vocabSize),
    /** Log-probability of a token in the full softmax at temperature 1. */
    logprob(row: number, token: number): number {
      // A hot sampler can draw what float32 has rounded to zero; its smallest number stands for it.
      return Math.log(Math.max(probabilityRows[row * vocabSize + token] ?? 0, 1.2e-38));
    },
  };
}
