/** Qwen3, dense: grouped-query attention with norms of queries and keys, SwiGLU, RMSNorm, RoPE (arXiv 2505.09388). */
import { z } from 'zod';
import { add, mul, reshape, rmsNorm, rope, silu } from '../../tensor/ops/index.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Family } from './family.ts';

/** Of Qwen/Qwen3-* on the Hugging Face hub: hidden size, intermediate size, layers, heads, tied embeddings. */
const PUBLISHED: Readonly<Record<string, readonly [number, number, number, number, boolean]>> = {
  '0.6b': [1024, 3072, 28, 16, true],
  '1.7b': [2048, 6144, 28, 16, true],
  '4b': [2560, 9728, 36, 32, true],
  '8b': [4096, 12_288, 36, 32, false],
};

export const qwen3: Family = {
  huggingFace: {
    architecture: 'Qwen3ForCausalLM',
    keys: {
      /** 128 where it is left out, in both dialects; another length would not fit the tensors. */
      head_dim: z.int('a whole number').positive('above 0').multipleOf(2, 'even').default(128),
      hidden_act: z.literal(['silu', 'swish'], 'silu, the only activation that tinystar computes'),
    },
    constants: { hidden_act: 'silu', attention_bias: false, attention_dropout: 0 },
    switchedOn: /qk_(layer)?norm$/,
  },

  weights({ hiddenSize: d, headDim, heads, kvHeads, intermediateSize: ff }) {
    return {
      input_layernorm: [d],
      'self_attn.q_proj': [d, heads * headDim],
      'self_attn.k_proj': [d, kvHeads * headDim],
      'self_attn.v_proj': [d, kvHeads * headDim],
      'self_attn.q_norm': [headDim],
      'self_attn.k_norm': [headDim],
      'self_attn.o_proj': [heads * headDim, d],
      post_attention_layernorm: [d],
      'mlp.gate_proj': [d, ff],
      'mlp.up_proj': [d, ff],
      'mlp.down_proj': [ff, d],
    };
  },

  block(g, { headDim, heads, kvHeads, rmsNormEps: eps, ropeTheta }, layer, input) {
    const { weight, linear, select } = layer;
    const h = rmsNorm(g, input, weight('input_layernorm'), eps);
    const project = (name: string, n: number): Tensor =>
      reshape(g, linear(`self_attn.${name}`, h), [headDim, n, input.shape[1] ?? 1]);
    const rotate = (y: Tensor, name: string): Tensor =>
      rope(g, rmsNorm(g, y, weight(`self_attn.${name}`), eps), layer.positions, ropeTheta);
    const q = rotate(project('q_proj', heads), 'q_norm');
    const k = rotate(project('k_proj', kvHeads), 'k_norm');
    const v = project('v_proj', kvHeads);
    const mixed = select(layer.attend(layer.index, { q, k, v }));
    const x = add(g, select(input), linear('self_attn.o_proj', mixed));
    const f = rmsNorm(g, x, weight('post_attention_layernorm'), eps);
    const gated = mul(g, silu(g, linear('mlp.gate_proj', f)), linear('mlp.up_proj', f));
    return add(g, x, linear('mlp.down_proj', gated));
  },

  ggufNames: {
    input_layernorm: 'attn_norm',
    'self_attn.q_proj': 'attn_q',
    'self_attn.k_proj': 'attn_k',
    'self_attn.v_proj': 'attn_v',
    'self_attn.q_norm': 'attn_q_norm',
    'self_attn.k_norm': 'attn_k_norm',
    'self_attn.o_proj': 'attn_output',
    post_attention_layernorm: 'ffn_norm',
    'mlp.gate_proj': 'ffn_gate',
    'mlp.up_proj': 'ffn_up',
    'mlp.down_proj': 'ffn_down',
  },

  /** Also star-lab's Teacher-8B, which was made from one. */
  published(name) {
    const [, size = ''] = /^(?:qwen3|teacher)-(\d+(?:\.\d+)?b)$/.exec(name) ?? [];
    const shape = PUBLISHED[size];
    if (shape === undefined) return undefined;
    const [hiddenSize, intermediateSize, layers, heads, tiedEmbeddings] = shape;
    return {
      hiddenSize,
      intermediateSize,
      layers,
      heads,
      kvHeads: 8,
      headDim: 128,
      vocabSize: 151_936,
      contextLength: 40_960,
      rmsNormEps: 1e-6,
      ropeTheta: 1e6,
      tiedEmbeddings,
      bosTokenId: 151_643,
      eosTokenId: 151_645,
    };
  },
};
