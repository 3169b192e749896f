/** Qwen3's forward pass: the part that is the same for training, scoring and generation. */
import type { Graph } from '../tensor/graph.ts';
import { add, getRows, mul, mulMat, reshape, rmsNorm, rope, silu } from '../tensor/ops/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Qwen3Config } from './config.ts';

/** Where a forward pass takes its weights from. */
export interface WeightSource {
  get(name: string): Tensor;
}

/** Queries, keys and values of a layer's tokens, normalised and rotated: [headDim, heads, N]. */
export interface LayerHeads {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Mixes a layer's tokens: [headDim * heads, N]. */
export type Attend = (layer: number, heads: LayerHeads) => Tensor;

/**
 * Hidden states after the final norm: tokens i32 [N], positions i32 [N] give [hiddenSize, N]; with `rows` i32 [R],
 * those of these tokens alone, [hiddenSize, R]. The last layer then runs its feed-forward part for them only.
 */
export function hiddenStates(
  g: Graph,
  config: Qwen3Config,
  weights: WeightSource,
  tokens: Tensor,
  positions: Tensor,
  attend: Attend,
  rows?: Tensor,
): Tensor {
  const { headDim, heads, kvHeads, rmsNormEps: eps, ropeTheta } = config;
  const count = tokens.shape[0] ?? 1;
  const select = (y: Tensor): Tensor => (rows === undefined ? y : getRows(g, y, rows));
  // Rows may repeat a token; then there is nothing to save.
  const early = rows !== undefined && (rows.shape[0] ?? 1) < count;
  let x = getRows(g, weights.get('model.embed_tokens.weight'), tokens);
  for (let layer = 0; layer < config.layers; layer++) {
    const w = (name: string): Tensor => weights.get(`model.layers.${layer}.${name}.weight`);
    const h = rmsNorm(g, x, w('input_layernorm'), eps);
    const project = (name: string, n: number): Tensor =>
      reshape(g, mulMat(g, w(`self_attn.${name}`), h), [headDim, n, count]);
    const rotate = (y: Tensor, norm: string): Tensor =>
      rope(g, rmsNorm(g, y, w(`self_attn.${norm}`), eps), positions, ropeTheta);
    const q = rotate(project('q_proj', heads), 'q_norm');
    const k = rotate(project('k_proj', kvHeads), 'k_norm');
    const v = project('v_proj', kvHeads);
    let mixed = attend(layer, { q, k, v });
    if (early && layer === config.layers - 1) [x, mixed] = [select(x), select(mixed)];
    x = add(g, x, mulMat(g, w('self_attn.o_proj'), mixed));
    const f = rmsNorm(g, x, w('post_attention_layernorm'), eps);
    const gated = mul(g, silu(g, mulMat(g, w('mlp.gate_proj'), f)), mulMat(g, w('mlp.up_proj'), f));
    x = add(g, x, mulMat(g, w('mlp.down_proj'), gated));
  }
  return rmsNorm(g, early ? x : select(x), weights.get('model.norm.weight'), eps);
}

/** The output projection [hiddenSize, vocabSize]. */
export function headWeight(config: Qwen3Config, weights: WeightSource): Tensor {
  return weights.get(config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
}
