/** The parts that decoders share: heads, attention and the gated feed-forward network. */
import { z } from 'zod';
import type { Graph } from '../../tensor/graph.ts';
import { add, mul, reshape, rmsNorm, scale, silu } from '../../tensor/ops/index.ts';
import type { Shape, Tensor } from '../../tensor/tensor.ts';
import type { Layer, LayerHeads, ModelConfig } from './family.ts';
import { rotate } from './rope.ts';

/** Shapes of the four projections of attention, and of the three of a gated network, as most families have them. */
export function projections({
  hiddenSize: d,
  headDim,
  heads,
  kvHeads,
  intermediateSize: ff,
}: ModelConfig): Readonly<Record<string, Shape>> {
  return {
    'self_attn.q_proj': [d, heads * headDim],
    'self_attn.k_proj': [d, kvHeads * headDim],
    'self_attn.v_proj': [d, kvHeads * headDim],
    'self_attn.o_proj': [heads * headDim, d],
    'mlp.gate_proj': [d, ff],
    'mlp.up_proj': [d, ff],
    'mlp.down_proj': [ff, d],
  };
}

/** Names of those in GGUF files, with the norms before attention and network. */
export const GGUF_PROJECTIONS: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

export interface HeadsOptions {
  /** Applied to the queries and keys [headDim, heads, N] before they are rotated. */
  readonly norm?: (x: Tensor, name: 'q' | 'k') => Tensor;
  /** The rotation, where it is not that of the configuration. */
  readonly rotate?: (x: Tensor) => Tensor;
}

/** Queries, keys and values of h [hiddenSize, N], by `self_attn.{q,k,v}_proj`. */
export function projectHeads(
  g: Graph,
  config: ModelConfig,
  { linear, positions }: Layer,
  h: Tensor,
  { norm = (x) => x, rotate: turn = (x) => rotate(g, config, x, positions) }: HeadsOptions = {},
): LayerHeads {
  const project = (name: string, count: number): Tensor =>
    reshape(g, linear(`self_attn.${name}_proj`, h), [config.headDim, count, h.shape[1] ?? 1]);
  return {
    q: turn(norm(project('q', config.heads), 'q')),
    k: turn(norm(project('k', config.kvHeads), 'k')),
    v: project('v', config.kvHeads),
  };
}

/** down(act(gate(x)) * up(x)). */
export function gatedNetwork(g: Graph, { linear }: Layer, x: Tensor, act: typeof silu = silu): Tensor {
  return linear('mlp.down_proj', mul(g, act(g, linear('mlp.gate_proj', x)), linear('mlp.up_proj', x)));
}

/** Parts of a decoder's layer in which families differ. */
interface BlockOptions {
  /** Tells whether queries and keys have norms of their own, `self_attn.{q,k}_norm`. */
  readonly headNorms?: boolean;
  /** Factor of what attention and network add. */
  readonly residual?: number;
  readonly network?: (g: Graph, layer: Layer, x: Tensor) => Tensor;
}

/** A decoder's layer: attention, then a network, each applied to its norm of x and added to x. */
export function decoderBlock(
  g: Graph,
  config: ModelConfig,
  layer: Layer,
  input: Tensor,
  { headNorms = false, residual, network = gatedNetwork }: BlockOptions = {},
): Tensor {
  const { weight, linear, select } = layer;
  const norm = (x: Tensor, name: string): Tensor => rmsNorm(g, x, weight(name), config.rmsNormEps);
  const scaled = (x: Tensor): Tensor => (residual === undefined ? x : scale(g, x, residual));
  const own: HeadsOptions = headNorms ? { norm: (x, name) => norm(x, `self_attn.${name}_norm`) } : {};
  const heads = projectHeads(g, config, layer, norm(input, 'input_layernorm'), own);
  const mixed = select(layer.attend(layer.index, heads));
  const mixing = scaled(linear('self_attn.o_proj', mixed));
  const x = add(g, select(input), mixing);
  return add(g, x, scaled(network(g, layer, norm(x, 'post_attention_layernorm'))));
}

/** The key of the activation where it can only be this one. */
export const siluOnly = z.literal(['silu', 'swish'], 'silu, the only activation that tinystar computes');
