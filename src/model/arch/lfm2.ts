/**
 * LFM2 and LFM2.5, dense (Liquid AI; transformers' modeling_lfm2.py): gated short convolutions, and between them layers
 * of grouped-query attention with norms of queries and keys; SwiGLU, RMSNorm, RoPE.
 */
import { z } from 'zod';
import { add, mul, reshape, rmsNorm, silu, slice, split, transpose } from '../../tensor/ops/index.ts';
import type { Graph } from '../../tensor/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { defineFamily, type Layer, type ModelConfig } from './family.ts';
import { GGUF_PROJECTIONS, projectHeads } from './parts.ts';

interface Convolutions {
  /** Layers of attention; the others are convolutions. */
  readonly attentionLayers: readonly number[];
  /** Tokens that a convolution sees, the own one included. */
  readonly kernel: number;
}
type Lfm2Config = ModelConfig & Convolutions;

const count = z.int('a whole number').positive('above 0');
const isAttention = ({ attentionLayers }: Lfm2Config, layer: number): boolean =>
  attentionLayers.includes(layer);

/** out(C * conv(B * x)), where in(h) holds B, C and x: [hiddenSize, N] to the same. */
function convolution(g: Graph, { kernel }: Lfm2Config, layer: Layer, h: Tensor): Tensor {
  const { linear, weight, before, index, select } = layer;
  const all = linear('conv.in_proj', h);
  const d = h.shape[0] ?? 1;
  const [b, rest] = split(g, all, 0, d);
  const [c, x] = split(g, rest, 0, d);
  const gated = mul(g, b, x);
  // The last tap is of the token itself; each tap is a column [hiddenSize].
  const taps = transpose(g, reshape(g, weight('conv.conv'), [kernel, d]));
  const tap = (back: number): Tensor => reshape(g, slice(g, taps, 1, kernel - 1 - back, 1), [d]);
  const mixed = before(index, gated, kernel - 1).reduce(
    (sum, earlier, i) => add(g, sum, mul(g, earlier, tap(i + 1))),
    mul(g, gated, tap(0)),
  );
  return linear('conv.out_proj', select(mul(g, c, mixed)));
}

export const lfm2 = defineFamily({
  huggingFace: {
    architecture: 'Lfm2ForCausalLM',
    keys: {
      tie_word_embeddings: z.boolean('true or false').default(true),
      tie_embedding: z.unknown().optional(),
      conv_L_cache: count.default(3),
      conv_bias: z.literal(false, 'false: convolutions with biases are not computed').default(false),
      layer_types: z.array(z.string()).nullish(),
      full_attn_idxs: z.array(z.int()).nullish(),
      block_auto_adjust_ff_dim: z.boolean('true or false').default(true),
      block_ffn_dim_multiplier: z.number().nullish(),
      block_multiple_of: count.default(256),
      block_norm_eps: z.unknown().optional(),
      block_use_swiglu: z.unknown().optional(),
    },
    renamed: { rms_norm_eps: 'norm_eps' },
    constants: { conv_bias: false, block_auto_adjust_ff_dim: false },
    layerTypes: ['conv', 'full_attention'],
    own(read, { intermediateSize, layers }): Convolutions & Partial<ModelConfig> {
      const named = read.layer_types?.flatMap((type, layer) => (type === 'conv' ? [] : [layer]));
      const all = Array.from({ length: layers }, (_, layer) => layer);
      const multiple = read.block_multiple_of;
      const narrowed = Math.floor(
        (read.block_ffn_dim_multiplier ?? 1) * Math.floor((2 * intermediateSize) / 3),
      );
      return {
        attentionLayers: named ?? read.full_attn_idxs ?? all,
        kernel: read.conv_L_cache,
        intermediateSize: read.block_auto_adjust_ff_dim
          ? multiple * Math.ceil(narrowed / multiple)
          : intermediateSize,
      };
    },
    write: (config: Lfm2Config) => ({
      conv_L_cache: config.kernel,
      layer_types: Array.from({ length: config.layers }, (_, layer) =>
        isAttention(config, layer) ? 'full_attention' : 'conv',
      ),
    }),
  },

  weights(config: Lfm2Config, layer) {
    const { hiddenSize: d, headDim, heads, kvHeads, intermediateSize: ff, kernel } = config;
    const mixer = isAttention(config, layer)
      ? {
          'self_attn.q_proj': [d, heads * headDim],
          'self_attn.k_proj': [d, kvHeads * headDim],
          'self_attn.v_proj': [d, kvHeads * headDim],
          'self_attn.out_proj': [heads * headDim, d],
          'self_attn.q_layernorm': [headDim],
          'self_attn.k_layernorm': [headDim],
        }
      : { 'conv.conv': [kernel, 1, d], 'conv.in_proj': [d, 3 * d], 'conv.out_proj': [d, d] };
    return {
      operator_norm: [d],
      ...mixer,
      ffn_norm: [d],
      'feed_forward.w1': [d, ff],
      'feed_forward.w3': [d, ff],
      'feed_forward.w2': [ff, d],
    };
  },

  pruned: ({ attentionLayers }, layers) => ({
    attentionLayers: layers.flatMap((layer, i) => (attentionLayers.includes(layer) ? [i] : [])),
  }),
  lastNorm: 'model.embedding_norm.weight',
  before: (config, layer) =>
    isAttention(config, layer) ? undefined : { width: config.hiddenSize, count: config.kernel - 1 },

  block(g, config, layer, input) {
    const { weight, linear, select, index } = layer;
    const norm = (x: Tensor, name: string): Tensor => rmsNorm(g, x, weight(name), config.rmsNormEps);
    const h = norm(input, 'operator_norm');
    const attention = (): Tensor => {
      const heads = projectHeads(g, config, layer, h, {
        norm: (x, name) => norm(x, `self_attn.${name}_layernorm`),
      });
      return linear('self_attn.out_proj', select(layer.attend(index, heads)));
    };
    const mixed = isAttention(config, index) ? attention() : convolution(g, config, layer, h);
    const x = add(g, select(input), mixed);
    const f = norm(x, 'ffn_norm');
    const gated = mul(g, silu(g, linear('feed_forward.w1', f)), linear('feed_forward.w3', f));
    return add(g, x, linear('feed_forward.w2', gated));
  },

  gguf: {
    names: {
      ...GGUF_PROJECTIONS,
      operator_norm: 'attn_norm',
      'self_attn.out_proj': 'attn_output',
      'self_attn.q_layernorm': 'attn_q_norm',
      'self_attn.k_layernorm': 'attn_k_norm',
      'conv.conv': 'shortconv.conv',
      'conv.in_proj': 'shortconv.in_proj',
      'conv.out_proj': 'shortconv.out_proj',
      ffn_norm: 'ffn_norm',
      'feed_forward.w1': 'ffn_gate',
      'feed_forward.w3': 'ffn_up',
      'feed_forward.w2': 'ffn_down',
    },
    lastNorm: 'token_embd_norm.weight',
    write: (config) => ({
      vocab_size: { u32: config.vocabSize },
      'shortconv.l_cache': { u32: config.kernel },
      'attention.head_count_kv': {
        i32s: Int32Array.from({ length: config.layers }, (_, layer) =>
          isAttention(config, layer) ? config.kvHeads : 0,
        ),
      },
    }),
    read(numbers) {
      const kvHeads = numbers('attention.head_count_kv');
      return {
        conv_L_cache: numbers('shortconv.l_cache'),
        ...(typeof kvHeads === 'object'
          ? { layer_types: kvHeads.map((heads) => (heads === 0 ? 'conv' : 'full_attention')) }
          : {}),
      };
    },
    keys: ['shortconv.l_cache'],
  },
});
