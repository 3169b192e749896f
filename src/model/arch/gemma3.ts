/**
 * Gemma 3, the text model (arXiv 2503.19786): gated GELU, norms that are stored as what they differ from one by, four
 * of them a layer, embeddings scaled by the root of their width, and layers that see a window between those that see all.
 */
import { z } from 'zod';
import { UserError } from '../../base/errors.ts';
import { add, geluTanh, rmsNorm, rope, scale } from '../../tensor/ops/index.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { defineFamily, type ModelConfig } from './family.ts';
import { gatedNetwork, GGUF_PROJECTIONS, projectHeads, projections } from './parts.ts';
import { rotate } from './rope.ts';

interface Windows {
  /** Tokens that a layer with a window sees, the own one included. */
  readonly slidingWindow: number;
  /** Layers that see all tokens. */
  readonly fullLayers: readonly number[];
  /** Base of RoPE in layers with a window. */
  readonly localRopeTheta: number;
}
type GemmaConfig = ModelConfig & Windows;

/** One layer in so many sees all tokens, where a file does not name the layers. */
const PATTERN = 6;
const LOCAL_THETA = 10_000;
const positive = z.number('a number').positive('above 0');
const count = z.int('a whole number').positive('above 0');

const keys = {
  head_dim: count.multipleOf(2, 'even').default(256),
  hidden_activation: z
    .literal('gelu_pytorch_tanh', 'gelu_pytorch_tanh, the only activation that Gemma 3 was trained with')
    .default('gelu_pytorch_tanh'),
  /** Some files carry the key of other families beside it, which transformers does not read. */
  hidden_act: z.unknown().optional(),
  tie_word_embeddings: z.boolean('true or false').default(true),
  query_pre_attn_scalar: positive.default(256),
  sliding_window: count,
  sliding_window_pattern: count.optional(),
  _sliding_window_pattern: z.unknown().optional(),
  layer_types: z.array(z.string()).nullish(),
  rope_local_base_freq: positive.optional(),
  rope_parameters: z
    .looseObject({ sliding_attention: z.looseObject({ rope_theta: positive }).optional() })
    .nullish(),
};

/** Layers that see all tokens, each `pattern`th. */
const everyNth = (layers: number, pattern: number): number[] =>
  Array.from({ length: layers }, (_, layer) => layer).filter((layer) => (layer + 1) % pattern === 0);

/** Layers of the model of 27 billion weights, the only one whose scores llama.cpp scales by another length than the heads'. */
const LAYERS_27B = 62;
const llamaCppScale = (layers: number, widthByHeads: number, headDim: number): number =>
  (layers === LAYERS_27B ? widthByHeads : headDim) ** -0.5;

export const gemma3_text = defineFamily({
  huggingFace: {
    architecture: 'Gemma3ForCausalLM',
    keys,
    constants: {
      hidden_activation: 'gelu_pytorch_tanh',
      attention_bias: false,
      attention_dropout: 0,
      attn_logit_softcapping: null,
      final_logit_softcapping: null,
    },
    layerTypes: ['sliding_attention', 'full_attention'],
    own(read, { layers }): Windows & Partial<ModelConfig> {
      const named = read.layer_types?.flatMap((type, layer) => (type === 'full_attention' ? [layer] : []));
      return {
        attentionScale: read.query_pre_attn_scalar ** -0.5,
        slidingWindow: read.sliding_window,
        fullLayers: named ?? everyNth(layers, read.sliding_window_pattern ?? PATTERN),
        localRopeTheta:
          read.rope_parameters?.sliding_attention?.rope_theta ?? read.rope_local_base_freq ?? LOCAL_THETA,
      };
    },
    write(config: GemmaConfig) {
      const {
        ropeTheta: rope_theta,
        ropeScaling: scaling,
        localRopeTheta,
        slidingWindow,
        fullLayers,
      } = config;
      return {
        query_pre_attn_scalar: (config.attentionScale ?? 1) ** -2,
        sliding_window: slidingWindow,
        rope_local_base_freq: localRopeTheta,
        layer_types: Array.from({ length: config.layers }, (_, layer) =>
          fullLayers.includes(layer) ? 'full_attention' : 'sliding_attention',
        ),
        rope_parameters: {
          full_attention: { rope_theta, ...(scaling ?? { rope_type: 'default' }) },
          sliding_attention: { rope_theta: localRopeTheta, rope_type: 'default' },
        },
      };
    },
  },

  weights(config: GemmaConfig) {
    const norm = [config.hiddenSize];
    return {
      input_layernorm: norm,
      ...projections(config),
      'self_attn.q_norm': [config.headDim],
      'self_attn.k_norm': [config.headDim],
      post_attention_layernorm: norm,
      pre_feedforward_layernorm: norm,
      post_feedforward_layernorm: norm,
    };
  },

  pruned: ({ fullLayers }, layers) => ({
    fullLayers: layers.flatMap((layer, i) => (fullLayers.includes(layer) ? [i] : [])),
  }),
  normOffset: 1,
  scales: ({ hiddenSize }) => ({ embedding: Math.sqrt(hiddenSize), logits: 1 }),

  block(g, config, layer, input) {
    const { weight, linear, select, positions, index } = layer;
    const seesAll = config.fullLayers.includes(index);
    const norm = (x: Tensor, name: string): Tensor =>
      rmsNorm(g, x, scale(g, weight(name), 1, 1), config.rmsNormEps);
    const heads = projectHeads(g, config, layer, norm(input, 'input_layernorm'), {
      norm: (x, name) => norm(x, `self_attn.${name}_norm`),
      rotate: (x) =>
        seesAll ? rotate(g, config, x, positions) : rope(g, x, positions, config.localRopeTheta),
    });
    const mixed = select(layer.attend(index, heads, seesAll ? undefined : config.slidingWindow));
    const attended = norm(linear('self_attn.o_proj', mixed), 'post_attention_layernorm');
    const x = add(g, select(input), attended);
    const network = gatedNetwork(g, layer, norm(x, 'pre_feedforward_layernorm'), geluTanh);
    return add(g, x, norm(network, 'post_feedforward_layernorm'));
  },

  gguf: {
    architecture: 'gemma3',
    names: {
      ...GGUF_PROJECTIONS,
      'self_attn.q_norm': 'attn_q_norm',
      'self_attn.k_norm': 'attn_k_norm',
      post_attention_layernorm: 'post_attention_norm',
      pre_feedforward_layernorm: 'ffn_norm',
      post_feedforward_layernorm: 'post_ffw_norm',
    },
    write(config) {
      const { slidingWindow, localRopeTheta, fullLayers, layers } = config;
      const scale = llamaCppScale(layers, config.hiddenSize / config.heads, config.headDim);
      const isScale = Math.abs((config.attentionScale ?? scale) / scale - 1) < 1e-6;
      const periods = [PATTERN, ...Array.from({ length: layers + 1 }, (_, i) => i + 1)];
      const period = periods.find((each) => everyNth(layers, each).join() === fullLayers.join());
      if (!isScale || period === undefined)
        throw new UserError(
          'GGUF',
          isScale
            ? `The layers ${fullLayers.join(', ')} see all tokens, and llama.cpp can only be told of one in so many; export as safetensors.`
            : `query_pre_attn_scalar is ${(config.attentionScale ?? 1) ** -2}, and llama.cpp computes with ${scale ** -2} for such a model; export as safetensors.`,
        );
      return {
        'attention.sliding_window': { u32: slidingWindow },
        'attention.sliding_window_pattern': { u32: period },
        'rope.freq_base_swa': { f32: localRopeTheta },
      };
    },
    read(numbers) {
      const number = (key: string): number => Number(numbers(key));
      const heads = number('attention.head_count');
      const scale = llamaCppScale(
        number('block_count'),
        number('embedding_length') / heads,
        number('attention.key_length'),
      );
      return {
        sliding_window: numbers('attention.sliding_window'),
        sliding_window_pattern: numbers('attention.sliding_window_pattern') ?? PATTERN,
        rope_local_base_freq: numbers('rope.freq_base_swa') ?? LOCAL_THETA,
        query_pre_attn_scalar: scale ** -2,
      };
    },
    keys: ['attention.sliding_window', 'attention.sliding_window_pattern', 'rope.freq_base_swa'],
  },
});
