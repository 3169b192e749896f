/** Qwen3, dense: grouped-query attention with norms of queries and keys, SwiGLU, RMSNorm, RoPE (arXiv 2505.09388). */
import { z } from 'zod';
import { defineFamily } from './family.ts';
import { decoderBlock, GGUF_PROJECTIONS, siluOnly } from './parts.ts';

/** Of Qwen/Qwen3-* on the Hugging Face hub: hidden size, intermediate size, layers, heads, tied embeddings. */
const PUBLISHED: Readonly<Record<string, readonly [number, number, number, number, boolean]>> = {
  '0.6b': [1024, 3072, 28, 16, true],
  '1.7b': [2048, 6144, 28, 16, true],
  '4b': [2560, 9728, 36, 32, true],
  '8b': [4096, 12_288, 36, 32, false],
};

export const qwen3 = defineFamily({
  huggingFace: {
    architecture: 'Qwen3ForCausalLM',
    keys: {
      /** 128 where it is left out, in both dialects; another length would not fit the tensors. */
      head_dim: z.int('a whole number').positive('above 0').multipleOf(2, 'even').default(128),
      hidden_act: siluOnly,
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

  block: (g, config, layer, input) => decoderBlock(g, config, layer, input, { headNorms: true }),

  gguf: {
    names: { ...GGUF_PROJECTIONS, 'self_attn.q_norm': 'attn_q_norm', 'self_attn.k_norm': 'attn_k_norm' },
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
});
