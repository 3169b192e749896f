/** Llama 2 and 3 (arXiv 2407.21783), and what is built like them: SmolLM2, Falcon3. Grouped-query attention, SwiGLU, RMSNorm, RoPE. */
import { defineFamily } from './family.ts';
import { decoderBlock, GGUF_PROJECTIONS, projections, siluOnly } from './parts.ts';

export const llama = defineFamily({
  huggingFace: {
    architecture: 'LlamaForCausalLM',
    keys: { hidden_act: siluOnly },
    constants: { hidden_act: 'silu', attention_bias: false, mlp_bias: false, attention_dropout: 0 },
  },

  weights(config) {
    const norm = [config.hiddenSize];
    return { input_layernorm: norm, ...projections(config), post_attention_layernorm: norm };
  },

  block: (g, config, layer, input) => decoderBlock(g, config, layer, input),

  gguf: {
    names: GGUF_PROJECTIONS,
    interleaved: ['self_attn.q_proj', 'self_attn.k_proj'],
    write: ({ headDim, vocabSize }) => ({
      'rope.dimension_count': { u32: headDim },
      vocab_size: { u32: vocabSize },
    }),
  },

  published: (name) =>
    /^smollm2-135m(-instruct)?$/.test(name)
      ? {
          hiddenSize: 576,
          intermediateSize: 1536,
          layers: 30,
          heads: 9,
          kvHeads: 3,
          headDim: 64,
          vocabSize: 49_152,
          contextLength: 8192,
          rmsNormEps: 1e-5,
          ropeTheta: 1e5,
          tiedEmbeddings: true,
          bosTokenId: 1,
          eosTokenId: 2,
        }
      : undefined,
});
