/** Qwen2 and Qwen2.5 (arXiv 2412.15115), Hammer, xLAM-2, Arch: Llama with biases of queries, keys and values. */
import { defineFamily } from './family.ts';
import { llama } from './llama.ts';
import { GGUF_PROJECTIONS, siluOnly } from './parts.ts';

export const qwen2 = defineFamily({
  huggingFace: {
    architecture: 'Qwen2ForCausalLM',
    keys: { hidden_act: siluOnly },
    constants: { hidden_act: 'silu', attention_dropout: 0, use_sliding_window: false },
    switchedOn: /^(attention|qkv)_bias$/,
  },

  weights(config, layer) {
    const { heads, kvHeads, headDim } = config;
    return {
      ...llama.weights(config, layer),
      'self_attn.q_proj.bias': [heads * headDim],
      'self_attn.k_proj.bias': [kvHeads * headDim],
      'self_attn.v_proj.bias': [kvHeads * headDim],
    };
  },

  block: (g, config, layer, input) => llama.block(g, config, layer, input),

  gguf: {
    names: {
      ...GGUF_PROJECTIONS,
      'self_attn.q_proj.bias': 'attn_q.bias',
      'self_attn.k_proj.bias': 'attn_k.bias',
      'self_attn.v_proj.bias': 'attn_v.bias',
    },
  },

  published: (name) =>
    /^qwen2\.5-0\.5b(-instruct)?$/.test(name)
      ? {
          hiddenSize: 896,
          intermediateSize: 4864,
          layers: 24,
          heads: 14,
          kvHeads: 2,
          headDim: 64,
          vocabSize: 151_936,
          contextLength: 32_768,
          rmsNormEps: 1e-6,
          ropeTheta: 1e6,
          tiedEmbeddings: true,
          bosTokenId: 151_643,
          eosTokenId: 151_645,
        }
      : undefined,
});
