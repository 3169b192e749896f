/** Qwen3's configuration, in our words and in those of a Hugging Face config.json. */
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { ParameterSpec } from '../tensor/parameters.ts';

export interface Qwen3Config {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Whether the output projection is the embedding table. */
  readonly tiedEmbeddings: boolean;
  readonly maxPositions: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
}

const size = z.int().positive();
/** Of weights that must all be named: far beyond any model, and a damaged number is told at once. */
const MAX_LAYERS = 10_000;
const huggingFace = z.looseObject({
  model_type: z.literal('qwen3'),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size.max(MAX_LAYERS),
  num_attention_heads: size,
  num_key_value_heads: size,
  head_dim: size.default(128),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().default(1e6),
  rope_scaling: z.null().optional(),
  tie_word_embeddings: z.boolean().default(false),
  max_position_embeddings: size.default(32_768),
  hidden_act: z.literal('silu').default('silu'),
  attention_bias: z.literal(false).default(false),
  use_sliding_window: z.literal(false).default(false),
  bos_token_id: z.int().nullish(),
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
});

/** Reads the contents of a config.json; `where` names the file in errors. Throws a UserError for another model. */
export function configFromHuggingFace(json: unknown, where: string): Qwen3Config {
  const parsed = huggingFace.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new UserError(
      'MODEL_CONFIG',
      `${where} is not a Qwen3 configuration that tinystar can run: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`,
    );
  }
  const c = parsed.data;
  if (c.num_attention_heads % c.num_key_value_heads !== 0 || c.head_dim % 2 !== 0) {
    throw new UserError(
      'MODEL_CONFIG',
      `${where}: num_attention_heads must be a multiple of num_key_value_heads, and head_dim even.`,
    );
  }
  const eos = Array.isArray(c.eos_token_id) ? c.eos_token_id[0] : c.eos_token_id;
  return {
    vocabSize: c.vocab_size,
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    kvHeads: c.num_key_value_heads,
    headDim: c.head_dim,
    rmsNormEps: c.rms_norm_eps,
    ropeTheta: c.rope_theta,
    tiedEmbeddings: c.tie_word_embeddings,
    maxPositions: c.max_position_embeddings,
    bosTokenId: c.bos_token_id ?? null,
    eosTokenId: eos ?? null,
  };
}

/** The contents of a config.json that transformers loads. */
export function configToHuggingFace(config: Qwen3Config): Record<string, unknown> {
  return {
    architectures: ['Qwen3ForCausalLM'],
    model_type: 'qwen3',
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.tiedEmbeddings,
    max_position_embeddings: config.maxPositions,
    hidden_act: 'silu',
    attention_bias: false,
    attention_dropout: 0,
    initializer_range: 0.02,
    use_cache: true,
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenId,
    torch_dtype: 'float32',
  };
}

/** How many weights a model has; an embedding that is the head as well counts once. */
export function weightCount(config: Qwen3Config): number {
  const { hiddenSize: d, headDim, heads, kvHeads, intermediateSize: ff, vocabSize, layers } = config;
  const layer = d * headDim * (2 * heads + 2 * kvHeads) + 3 * d * ff + 2 * d + 2 * headDim;
  return layers * layer + d * vocabSize * (config.tiedEmbeddings ? 1 : 2) + d;
}

/**
 * Every weight of the model under its Hugging Face name; shapes have the contiguous dimension first. Matrices are of
 * type `dtype`, vectors always f32.
 */
export function parameterSpecs(config: Qwen3Config, dtype: 'f32' | 'f16' | 'bf16' = 'f32'): ParameterSpec[] {
  const { hiddenSize: d, headDim, heads, kvHeads, intermediateSize: ff, vocabSize } = config;
  const specs: ParameterSpec[] = [{ name: 'model.embed_tokens.weight', shape: [d, vocabSize] }];
  for (let layer = 0; layer < config.layers; layer++) {
    const at = (name: string): string => `model.layers.${layer}.${name}.weight`;
    specs.push(
      { name: at('input_layernorm'), shape: [d] },
      { name: at('self_attn.q_proj'), shape: [d, heads * headDim] },
      { name: at('self_attn.k_proj'), shape: [d, kvHeads * headDim] },
      { name: at('self_attn.v_proj'), shape: [d, kvHeads * headDim] },
      { name: at('self_attn.q_norm'), shape: [headDim] },
      { name: at('self_attn.k_norm'), shape: [headDim] },
      { name: at('self_attn.o_proj'), shape: [heads * headDim, d] },
      { name: at('post_attention_layernorm'), shape: [d] },
      { name: at('mlp.gate_proj'), shape: [d, ff] },
      { name: at('mlp.up_proj'), shape: [d, ff] },
      { name: at('mlp.down_proj'), shape: [ff, d] },
    );
  }
  specs.push({ name: 'model.norm.weight', shape: [d] });
  if (!config.tiedEmbeddings) specs.push({ name: 'lm_head.weight', shape: [d, vocabSize] });
  return dtype === 'f32' ? specs : specs.map((spec) => (spec.shape.length > 1 ? { ...spec, dtype } : spec));
}

/** Whether a parameter belongs to a layer, and not to the vocabulary's tables or the last norm. */
export function isLayerParameter(name: string): boolean {
  return name.startsWith('model.layers.');
}
