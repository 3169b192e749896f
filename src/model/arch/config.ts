/** Qwen3's configuration, and the weights that follow from it. */
import type { ParameterSpec } from '../../tensor/parameters.ts';

export interface ModelConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Tells whether the output projection is the embedding table. */
  readonly tiedEmbeddings: boolean;
  readonly contextLength: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
}

/** How many weights a model has; an embedding that is the head as well counts once. */
export function weightCount(config: ModelConfig): number {
  const { hiddenSize: d, headDim, heads, kvHeads, intermediateSize: ff, vocabSize, layers } = config;
  const layer = d * headDim * (2 * heads + 2 * kvHeads) + 3 * d * ff + 2 * d + 2 * headDim;
  return layers * layer + d * vocabSize * (config.tiedEmbeddings ? 1 : 2) + d;
}

/**
 * Every weight of the model under its Hugging Face name; shapes have the contiguous dimension first. Matrices are of
 * type `dtype`, vectors always f32.
 */
export function parameterSpecs(config: ModelConfig, dtype: 'f32' | 'f16' | 'bf16' = 'f32'): ParameterSpec[] {
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

/** Tells whether a parameter belongs to a layer, and not to the vocabulary's tables or the last norm. */
export function isLayerParameter(name: string): boolean {
  return name.startsWith('model.layers.');
}
