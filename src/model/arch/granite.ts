/**
 * Granite, dense: Llama with four multipliers (arXiv 2405.04324 and its configuration in transformers), as published
 * before version 4 and, with gate and up projection in one matrix, as the dense models of version 4 are
 * (GraniteMoeHybrid without experts and state-space layers).
 */
import { z } from 'zod';
import { mul, silu, split } from '../../tensor/ops/index.ts';
import type { Graph } from '../../tensor/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { defineFamily, type Layer, type ModelConfig } from './family.ts';
import { llama } from './llama.ts';
import { decoderBlock, GGUF_PROJECTIONS, projections, siluOnly } from './parts.ts';

interface Multipliers {
  readonly embeddingMultiplier: number;
  readonly residualMultiplier: number;
  readonly logitsScaling: number;
}
type GraniteConfig = ModelConfig & Multipliers;

const factor = z.number('a number').positive('above 0').default(1);
const keys = {
  hidden_act: siluOnly,
  embedding_multiplier: factor,
  residual_multiplier: factor,
  attention_multiplier: factor,
  logits_scaling: factor,
};
type Keys = z.output<z.ZodObject<typeof keys>>;

const own = (read: Keys): Multipliers & Partial<ModelConfig> => ({
  attentionScale: read.attention_multiplier,
  embeddingMultiplier: read.embedding_multiplier,
  residualMultiplier: read.residual_multiplier,
  logitsScaling: read.logits_scaling,
});

const write = (config: GraniteConfig): Record<string, unknown> => ({
  embedding_multiplier: config.embeddingMultiplier,
  residual_multiplier: config.residualMultiplier,
  attention_multiplier: config.attentionScale,
  logits_scaling: config.logitsScaling,
});

const scales = ({ embeddingMultiplier, logitsScaling }: GraniteConfig) => ({
  embedding: embeddingMultiplier,
  logits: 1 / logitsScaling,
});

/** The gated network with gate and up projection in one matrix. */
function jointNetwork(g: Graph, { linear }: Layer, x: Tensor): Tensor {
  const both = linear('shared_mlp.input_linear', x);
  const [gate, up] = split(g, both, 0, (both.shape[0] ?? 2) / 2);
  return linear('shared_mlp.output_linear', mul(g, silu(g, gate), up));
}

const constants = { hidden_act: 'silu', attention_bias: false, mlp_bias: false, attention_dropout: 0 };

const gguf = {
  architecture: 'granite',
  interleaved: ['self_attn.q_proj', 'self_attn.k_proj'],
  write: (config: GraniteConfig) => ({
    'rope.dimension_count': { u32: config.headDim },
    vocab_size: { u32: config.vocabSize },
    'attention.scale': { f32: config.attentionScale ?? 1 },
    embedding_scale: { f32: config.embeddingMultiplier },
    residual_scale: { f32: config.residualMultiplier },
    logit_scale: { f32: config.logitsScaling },
  }),
  keys: ['attention.scale', 'embedding_scale', 'residual_scale', 'logit_scale', 'rope.scaling.finetuned'],
} as const;

export const granite = defineFamily({
  huggingFace: { architecture: 'GraniteForCausalLM', keys, constants, own, write },
  scales,
  weights: (config: GraniteConfig, layer) => llama.weights(config, layer),
  block: (g, config, layer, input) =>
    decoderBlock(g, config, layer, input, { residual: config.residualMultiplier }),
  gguf: {
    ...gguf,
    names: GGUF_PROJECTIONS,
    read: (numbers) => ({
      attention_multiplier: numbers('attention.scale'),
      embedding_multiplier: numbers('embedding_scale'),
      residual_multiplier: numbers('residual_scale'),
      logits_scaling: numbers('logit_scale'),
    }),
  },
});

export const granitemoehybrid = defineFamily({
  huggingFace: {
    architecture: 'GraniteMoeHybridForCausalLM',
    keys: {
      ...keys,
      num_local_experts: z.literal(0, '0: experts are not computed').default(0),
      position_embedding_type: z.literal('rope', 'rope, the only positions that tinystar computes'),
      num_experts_per_tok: z.unknown().optional(),
      shared_intermediate_size: z.unknown().optional(),
      mamba_chunk_size: z.unknown().optional(),
      mamba_conv_bias: z.unknown().optional(),
      mamba_proj_bias: z.unknown().optional(),
    },
    renamed: { intermediate_size: 'shared_intermediate_size' },
    constants: {
      ...constants,
      position_embedding_type: 'rope',
      num_local_experts: 0,
      num_experts_per_tok: 0,
    },
    layerTypes: ['attention', 'full_attention'],
    own,
    write: (config: GraniteConfig) => ({
      ...write(config),
      intermediate_size: config.intermediateSize,
      layer_types: Array.from({ length: config.layers }, () => 'attention'),
      // Of layers that there are none of; transformers checks that they fit.
      mamba_n_heads: 1,
      mamba_d_head: 2 * config.hiddenSize,
    }),
  },
  scales,
  weights(config: GraniteConfig) {
    const norm = [config.hiddenSize];
    const attention = Object.entries(projections(config)).filter(([name]) => name.startsWith('self_attn.'));
    return {
      input_layernorm: norm,
      ...Object.fromEntries(attention),
      post_attention_layernorm: norm,
      'shared_mlp.input_linear': [config.hiddenSize, 2 * config.intermediateSize],
      'shared_mlp.output_linear': [config.intermediateSize, config.hiddenSize],
    };
  },
  block: (g, config, layer, input) =>
    decoderBlock(g, config, layer, input, { residual: config.residualMultiplier, network: jointNetwork }),
  gguf: {
    ...gguf,
    names: {
      ...GGUF_PROJECTIONS,
      'shared_mlp.input_linear': ['ffn_gate', 'ffn_up'],
      'shared_mlp.output_linear': 'ffn_down',
    },
  },
});
