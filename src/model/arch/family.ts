/**
 * The interface of a model family, and the words of it. A family is one file here and one line in
 * all.ts; everybody else sees a ModelConfig, the weights' names and the hidden states.
 */
import type { z } from 'zod';
import type { GgufValue } from '../../ggml/gguf.ts';
import type { Graph } from '../../tensor/graph.ts';
import type { Shape, Tensor } from '../../tensor/tensor.ts';
import type { RopeShape } from './rope.ts';

/** The shape of attention. */
export interface HeadShape {
  readonly headDim: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Factor of the scores; headDim ** -0.5, without. */
  readonly attentionScale?: number;
}

/** A configuration; a family adds to it what it alone computes. */
export interface ModelConfig extends HeadShape, RopeShape {
  /** Name of a family: a key of `families`. */
  readonly family: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly rmsNormEps: number;
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

/** The ways in which a layer's tokens see each other; who runs the model knows which token follows which. */
export interface Mixing {
  /** Attention: [headDim * heads, N]; to the last `window` tokens alone, the own one included, where one is given. */
  readonly attend: (layer: number, heads: LayerHeads, window?: number) => Tensor;
  /** x [n, N] of the tokens 1 to `count` before each one, zeros where there is none: `count` tensors [n, N]. */
  readonly before: (layer: number, x: Tensor, count: number) => Tensor[];
}

/** Arguments of `before` in a layer: the length of a token's x, and the number of tokens before it. */
export interface Lookback {
  readonly width: number;
  readonly count: number;
}

/** A layer of a forward pass. */
export interface Layer extends Mixing {
  readonly index: number;
  readonly positions: Tensor; // i32 [N]
  /** Weight by its short name, such as `input_layernorm`. */
  readonly weight: (name: string) => Tensor;
  /** Product of a matrix with x, the matrix's adapter and its bias, where it has one, included. */
  readonly linear: (name: string, x: Tensor) => Tensor;
  /** Those of the tokens whose result is wanted: to be applied once the tokens are mixed. */
  readonly select: (x: Tensor) => Tensor;
}

/** Reads what a GGUF file's metadata say of a model, under the keys of its family. */
export type GgufNumbers = (key: string) => number | readonly number[] | undefined;

export interface Family<Own extends object = object, Keys extends z.ZodRawShape = z.ZodRawShape> {
  /** Key and values of a Hugging Face config.json. */
  readonly huggingFace: {
    readonly architecture: string;
    /** Keys beside those that every family reads, or in their stead. */
    readonly keys: Keys;
    /** Names of this family for keys that others call as every family does. */
    readonly renamed?: Readonly<Record<string, string>>;
    /** Keys that are written, and always have these values. */
    readonly constants: Readonly<Record<string, unknown>>;
    /** Names of switches that are on in this family, whether a file says so or not. */
    readonly switchedOn?: RegExp;
    /** Types of layers that a file may name; full attention alone, without. */
    readonly layerTypes?: readonly string[];
    /** The family's own part of the configuration; what it says of the common part goes before what was read. */
    own?(keys: z.output<z.ZodObject<Keys>>, common: ModelConfig): Own & Partial<ModelConfig>;
    /** The keys of `own` as they are written. */
    write?(config: ModelConfig & Own): Record<string, unknown>;
  };
  /** Shapes of a layer's weights, the contiguous dimension first, by their short names, in the order of files. */
  weights(config: ModelConfig & Own, layer: number): Readonly<Record<string, Shape>>;
  /** Use of `before` in a layer that mixes tokens so, and not by attention. */
  before?(config: ModelConfig & Own, layer: number): Lookback | undefined;
  /** A layer's forward pass: [hiddenSize, N] to the same, or to the selected tokens' [hiddenSize, R]. */
  block(g: Graph, config: ModelConfig & Own, layer: Layer, x: Tensor): Tensor;
  /** The own part of a configuration of which only these layers are left. */
  pruned?(config: ModelConfig & Own, layers: readonly number[]): Partial<Own>;
  /** Factors of the embeddings and of the logits; 1, without. */
  scales?(config: ModelConfig & Own): { readonly embedding: number; readonly logits: number };
  /** Name of the last norm's weight, where it is another than most have. */
  readonly lastNorm?: string;
  /** Added to the weights of norms: 1 where files hold what they differ from one by. */
  readonly normOffset?: 1;
  readonly gguf: {
    /** Name in files, where it is not the family's. */
    readonly architecture?: string;
    /** Names of a layer's weights in files; several for one that files hold in equal parts, one below the other. */
    readonly names: Readonly<Record<string, string | readonly string[]>>;
    /** Name of the last norm's weight, where it is another than most have. */
    readonly lastNorm?: string;
    /** Projections whose rows files hold in the order of the original RoPE: pairs side by side. */
    readonly interleaved?: readonly string[];
    /**
     * Metadata beside those that every family has, without the architecture in their keys, and back to the keys of
     * config.json. Throws a UserError for what llama.cpp cannot be told.
     */
    write?(config: ModelConfig & Own): Record<string, GgufValue>;
    read?(numbers: GgufNumbers): Record<string, unknown>;
    /** Keys that `read` reads, or that are nothing to what is computed. */
    readonly keys?: readonly string[];
  };
  /** Configuration of a published model, by its name in lower case. */
  published?(name: string): Omit<ModelConfig & Own, 'family'> | undefined;
}

/** A family with the types of its own keys; elsewhere it is a Family of unknown ones, for configurations that it made itself. */
export function defineFamily<Own extends object, Keys extends z.ZodRawShape>(
  family: Family<Own, Keys>,
): Family {
  return family as unknown as Family;
}
