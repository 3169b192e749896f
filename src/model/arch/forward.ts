/** Qwen3's forward pass: the part that is the same for training, scoring and generation. */
import type { Graph } from '../../tensor/graph.ts';
import { add, getRows, mul, mulMat, reshape, rmsNorm, rope, scale, silu } from '../../tensor/ops/index.ts';
import { recomputed } from '../../tensor/recompute.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ModelConfig } from './config.ts';

/** What LoRA (Hu et al., arXiv 2106.09685) adds to a matrix [K, M]: scale * B A. */
export interface Adapter {
  readonly a: Tensor; // [K, rank]
  readonly b: Tensor; // [rank, M]
  readonly scale: number;
}

/** Where a forward pass takes its weights from. */
export interface WeightSource {
  get(name: string): Tensor;
  /** What is added to a matrix, if anything. */
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

export interface ForwardOptions {
  /** i32 [R]: the tokens whose hidden states are wanted; all of them, without. */
  readonly rows?: Tensor | undefined;
  /** Keep nothing of a layer but its result, and compute it again for the backward pass. */
  readonly recompute?: boolean;
}

/** A layer's weights by their short names, and the product of one of them, its adapter included. */
interface LayerWeights {
  readonly norm: (name: string) => Tensor;
  readonly linear: (name: string, x: Tensor) => Tensor;
  /** Everything that a gradient may flow to. */
  readonly leaves: () => Tensor[];
}

const MATRICES = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
] as const;
const NORMS = [
  'input_layernorm',
  'self_attn.q_norm',
  'self_attn.k_norm',
  'post_attention_layernorm',
] as const;

function layerWeights(g: Graph, weights: WeightSource, layer: number): LayerWeights {
  const full = (name: string): string => `model.layers.${layer}.${name}.weight`;
  const adapterOf = (name: string): Adapter | undefined => weights.adapter?.(full(name));
  return {
    norm: (name) => weights.get(full(name)),
    linear(name, x) {
      const y = mulMat(g, weights.get(full(name)), x);
      const adapter = adapterOf(name);
      if (adapter === undefined) return y;
      // Scaled where it is narrowest.
      return add(g, y, mulMat(g, adapter.b, scale(g, mulMat(g, adapter.a, x), adapter.scale)));
    },
    leaves: () => [
      ...[...MATRICES, ...NORMS].map((name) => weights.get(full(name))),
      ...MATRICES.flatMap((name) => {
        const adapter = adapterOf(name);
        return adapter === undefined ? [] : [adapter.a, adapter.b];
      }),
    ],
  };
}

/**
 * Hidden states after the final norm: tokens i32 [N], positions i32 [N] give [hiddenSize, N]; with `rows` i32 [R],
 * those of these tokens alone, [hiddenSize, R]. The last layer then runs its feed-forward part for them only.
 */
export function hiddenStates(
  g: Graph,
  config: ModelConfig,
  weights: WeightSource,
  tokens: Tensor,
  positions: Tensor,
  attend: Attend,
  { rows, recompute = false }: ForwardOptions = {},
): Tensor {
  const { headDim, heads, kvHeads, rmsNormEps: eps, ropeTheta } = config;
  const count = tokens.shape[0] ?? 1;
  const select = (y: Tensor): Tensor => (rows === undefined ? y : getRows(g, y, rows));
  // Rows may repeat a token; then there is nothing to save.
  const early = rows !== undefined && (rows.shape[0] ?? 1) < count;
  const run = (layer: number, { norm, linear }: LayerWeights, input: Tensor): Tensor => {
    const h = rmsNorm(g, input, norm('input_layernorm'), eps);
    const project = (name: string, n: number): Tensor =>
      reshape(g, linear(`self_attn.${name}`, h), [headDim, n, count]);
    const rotate = (y: Tensor, name: string): Tensor =>
      rope(g, rmsNorm(g, y, norm(`self_attn.${name}`), eps), positions, ropeTheta);
    const q = rotate(project('q_proj', heads), 'q_norm');
    const k = rotate(project('k_proj', kvHeads), 'k_norm');
    const v = project('v_proj', kvHeads);
    const cut = early && layer === config.layers - 1 ? select : (y: Tensor): Tensor => y;
    const mixed = cut(attend(layer, { q, k, v }));
    const x = add(g, cut(input), linear('self_attn.o_proj', mixed));
    const f = rmsNorm(g, x, norm('post_attention_layernorm'), eps);
    const gated = mul(g, silu(g, linear('mlp.gate_proj', f)), linear('mlp.up_proj', f));
    return add(g, x, linear('mlp.down_proj', gated));
  };
  let x = getRows(g, weights.get('model.embed_tokens.weight'), tokens);
  for (let layer = 0; layer < config.layers; layer++) {
    const own = layerWeights(g, weights, layer);
    x = recompute ? recomputed(g, x, own.leaves(), (input) => run(layer, own, input)) : run(layer, own, x);
  }
  return rmsNorm(g, early ? x : select(x), weights.get('model.norm.weight'), eps);
}

/** The output projection [hiddenSize, vocabSize]. */
export function headWeight(config: ModelConfig, weights: WeightSource): Tensor {
  return weights.get(config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
}
