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
 * Outputs of graphs on the host. Graphs share them when each is drawn from before the next one runs: of a real
 * vocabulary, 64 rows are 39 MB.
 */
export class HostRows {
  readonly #rows = new Map<string, Rows>();

  /** A tensor's contents; those of the last one of its kind are overwritten. */
  read(kind: 'probabilities' | 'preferences', device: Device, tensor: Tensor): Rows {
    const size = sizeOf(tensor.shape);
    const known = this.#rows.get(kind);
    const rows = known !== undefined && known.length >= size ? known : new Float32Array(size);
    this.#rows.set(kind, rows);
    const values = rows.subarray(0, size);
    readF32(device, tensor, values);
    return values;
  }
}

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
export class NextTokens {
  readonly #device: Device;
  readonly #vocabSize: number;
  readonly #probabilities: Tensor;
  readonly #preferences: Tensor;
  readonly #host: HostRows;
  #probabilityRows: Rows = new Float32Array(0);
  #preferenceRows: Rows = new Float32Array(0);

  /** Adds the vocabulary head for hidden states [hiddenSize, R] to a graph. */
  constructor(
    g: Graph,
    { config, weights, rows }: GraphParts,
    hidden: Tensor, // [hiddenSize, R]
    temperature: number,
  ) {
    const logits = mulMat(g, headWeight(config, weights), hidden);
    const softmax = (scale: number): Tensor =>
      g.constant(g.ggml.ggml_soft_max_ext(g.context, logits.pointer, null, scale, 0), logits.shape);
    this.#device = g.device;
    this.#vocabSize = config.vocabSize;
    this.#probabilities = g.output(softmax(1));
    // The largest logit is found in the logits: probabilities may be equal by rounding where logits differ.
    if (temperature === 0) this.#preferences = g.output(logits);
    else this.#preferences = temperature === 1 ? this.#probabilities : g.output(softmax(1 / temperature));
    this.#host = rows;
  }

  /** Fetches the rows after a run. */
  read(): void {
    this.#probabilityRows = this.#host.read('probabilities', this.#device, this.#probabilities);
    this.#preferenceRows =
      this.#preferences === this.#probabilities
        ? this.#probabilityRows
        : this.#host.read('preferences', this.#device, this.#preferences);
  }

  /** Numbers that a token is chosen by, [V]: logits for temperature 0, otherwise probabilities at the temperature. */
  preferences(row: number): Float32Array {
    return this.#preferenceRows.subarray(row * this.#vocabSize, (row + 1) * this.#vocabSize);
  }

  /** Log-probability of a token in the full softmax at temperature 1. */
  logprob(row: number, token: number): number {
    // A hot sampler can draw what float32 has rounded to zero; its smallest number stands for it.
    return Math.log(Math.max(this.#probabilityRows[row * this.#vocabSize + token] ?? 0, 1.2e-38));
  }
}
