/**
 * The interface of a model family, and the words of it. A family is one file here and one line in
 * index.ts; everybody else sees a ModelConfig, the weights' names and the hidden states.
 */
import type { z } from 'zod';
import type { Graph } from '../../tensor/graph.ts';
import type { Shape, Tensor } from '../../tensor/tensor.ts';

/** The shape of attention. */
export interface HeadShape {
  readonly headDim: number;
  readonly heads: number;
  readonly kvHeads: number;
}

export interface ModelConfig extends HeadShape {
  /** Name of a family: a key of `families`. */
  readonly family: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Tells whether the output projection is the embedding table. */
  readonly tiedEmbeddings: boolean;
  /** Tokens of a prompt and its answer together, at most. */
  readonly contextLength: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
}

/** The addition of LoRA (Hu et al., arXiv 2106.09685) to a matrix [K, M]: scale * B A. */
export interface Adapter {
  readonly a: Tensor; // [K, rank]
  readonly b: Tensor; // [rank, M]
  readonly scale: number;
}

/** Source of the weights of a forward pass. */
export interface WeightSource {
  get(name: string): Tensor;
  /** Addition to a matrix, if any. */
  adapter?(name: string): Adapter | undefined;
}

/** Queries, keys and values of a layer's tokens, normalised and rotated: [headDim, heads, N]. */
export interface LayerHeads {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Mixes a layer's tokens: [headDim * heads, N]. */
export type Attend = (layer: number, heads: LayerHeads) => Tensor;

/** A layer of a forward pass. */
export interface Layer {
  readonly index: number;
  readonly positions: Tensor; // i32 [N]
  readonly attend: Attend;
  /** Weight by its short name, such as `input_layernorm`. */
  readonly weight: (name: string) => Tensor;
  /** Product of a matrix with x, the matrix's adapter included. */
  readonly linear: (name: string, x: Tensor) => Tensor;
  /** Those of the tokens whose result is wanted: to be applied once their attention is done. */
  readonly select: (x: Tensor) => Tensor;
}

export interface Family {
  /** Key and values of a Hugging Face config.json. */
  readonly huggingFace: {
    readonly architecture: string;
    /** Keys beside those that every family reads, or in their stead. */
    readonly keys: z.ZodRawShape;
    /** Keys that are written, and always have these values. */
    readonly constants: Readonly<Record<string, unknown>>;
    /** Names of switches that are on in this family, whether a file says so or not. */
    readonly switchedOn?: RegExp;
  };
  /** Shapes of a layer's weights, the contiguous dimension first, by their short names, in the order of files. */
  weights(config: ModelConfig): Readonly<Record<string, Shape>>;
  /** A layer's forward pass: [hiddenSize, N] to the same, or to the selected tokens' [hiddenSize, R]. */
  block(g: Graph, config: ModelConfig, layer: Layer, x: Tensor): Tensor;
  /** Names of a layer's weights in GGUF files. */
  readonly ggufNames: Readonly<Record<string, string>>;
  /** Configuration of a published model, by its name in lower case. */
  published?(name: string): Omit<ModelConfig, 'family'> | undefined;
}
