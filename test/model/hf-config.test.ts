/** Configurations of Hugging Face: both dialects mean the same model, and what changes numbers is never passed over. */
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import type { ModelConfig } from '../../src/model/arch/config.ts';
import { configFromHuggingFace, configToHuggingFace } from '../../src/model/checkpoint/hf-config.ts';

const shape = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  vocab_size: 96,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
  hidden_act: 'silu',
  max_position_embeddings: 256,
  bos_token_id: 1,
  eos_token_id: 2,
};
const v4 = { ...shape, rope_theta: 5e6, rope_scaling: null, attention_bias: false, torch_dtype: 'bfloat16' };
const v5 = {
  ...shape,
  rope_parameters: { rope_theta: 5e6, rope_type: 'default' },
  dtype: 'bfloat16',
  layer_types: ['full_attention', 'full_attention'],
  use_sliding_window: false,
  sliding_window: null,
  max_window_layers: 2,
  pad_token_id: null,
  transformers_version: '5.0.0',
};

const read = (json: unknown): ModelConfig => configFromHuggingFace(json, 'config.json');

/** The sentence with which a configuration is refused. */
function refusal(json: unknown): string {
  try {
    read(json);
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

const without = (json: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(json).filter(([name]) => name !== key));

describe('a configuration', () => {
  it('means the same in the dialects of transformers 4 and 5', () => {
    expect(read(v5)).toEqual(read(v4));
    expect(read(v4)).toMatchObject({ ropeTheta: 5e6, headDim: 16, kvHeads: 2, tiedEmbeddings: true });
  });

  it('has its base of RoPE wherever transformers reads it', () => {
    const bare = without(v5, 'rope_parameters');
    const theta = (rope: object): number => read({ ...bare, ...rope }).ropeTheta;
    expect(theta({ rope_parameters: { rope_theta: 1e4 } })).toBe(1e4);
    expect(theta({ rope_theta: 1e4, rope_parameters: { rope_type: 'default' } })).toBe(1e4);
    expect(theta({ rope_scaling: { rope_theta: 1e4, type: 'default' } })).toBe(1e4);
    expect(
      theta({
        rope_parameters: {
          full_attention: { rope_theta: 1e4, rope_type: 'default' },
          sliding_attention: { rope_theta: 7, rope_type: 'default' },
        },
      }),
    ).toBe(1e4);
    expect(theta({ rope_theta: 1e4, rope_parameters: { rope_theta: 10_000.0 } })).toBe(1e4);
  });

  it('has 128 elements a head where it does not say, and as many key heads as heads where that is null', () => {
    expect(read(without(v4, 'head_dim')).headDim).toBe(128);
    expect(read({ ...v4, num_key_value_heads: null }).kvHeads).toBe(4);
  });

  it.each(['bos_token_id', 'eos_token_id', 'rope_scaling', 'attention_bias', 'torch_dtype', 'architectures'])(
    'may leave out %s',
    (key) => {
      expect(read(without(v4, key))).toMatchObject({ ropeTheta: 5e6, hiddenSize: 32 });
    },
  );

  it('may say what changes nothing', () => {
    const more = {
      attention_bias: false,
      mlp_bias: false,
      partial_rotary_factor: 1.0,
      num_experts: 0,
      attn_logit_softcapping: null,
      sliding_window: 4096,
      max_window_layers: 28,
      use_qk_norm: true,
      attention_dropout: 0.1,
      unsloth_version: '2026.1',
      temperature: 0.6,
      architectures: null,
    };
    expect(read({ ...v4, ...more })).toEqual(read(v4));
  });

  it('is read back as it was written', () => {
    const config = read(v4);
    const written = configToHuggingFace(config, 'float16');
    expect(read(written)).toEqual(config);
    expect(written).toMatchObject({
      rope_theta: 5e6,
      rope_parameters: { rope_theta: 5e6, rope_type: 'default' },
      torch_dtype: 'float16',
      dtype: 'float16',
    });
  });
});

it('linear and Llama 3 scaling of RoPE are read, in either place', () => {
  const linear = { rope_type: 'linear', factor: 4 };
  const llama3 = {
    rope_type: 'llama3',
    factor: 32,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  };
  for (const ropeScaling of [linear, llama3]) {
    const scaled = { ...read(v4), ropeScaling };
    expect(read({ ...v4, rope_scaling: ropeScaling })).toEqual(scaled);
    expect(read({ ...v4, rope_parameters: { rope_theta: v4.rope_theta, ...ropeScaling } })).toEqual(scaled);
  }
});

describe('a configuration is refused, and the key named,', () => {
  it('whose base of RoPE stands nowhere, or twice with two values', () => {
    expect(refusal(without(v4, 'rope_theta'))).toBe(
      'config.json is not a model configuration that tinystar can run: rope_theta stands neither by itself nor in rope_parameters, and without it the model computes something else; give the configuration that the model was published with, or serve the model and give its address.',
    );
    expect(refusal({ ...v4, rope_theta: null })).toContain('rope_theta stands neither');
    expect(refusal({ ...v5, rope_theta: 1e6 })).toContain(
      'rope_theta is 1000000 and rope_parameters.rope_theta is 5000000; keep the one',
    );
  });

  it.each(['dynamic', 'yarn', 'longrope', 'proportional'])(
    'whose RoPE is scaled as %s, in either place and under either name',
    (type) => {
      for (const [where, rope] of [
        ['rope_parameters', { rope_parameters: { rope_theta: 5e6, rope_type: type, factor: 4 } }],
        ['rope_scaling', { rope_theta: 5e6, rope_scaling: { type, factor: 4 } }],
        ['rope_scaling', { rope_theta: 5e6, rope_scaling: { rope_type: type, factor: 4 } }],
        [
          'rope_parameters.full_attention',
          { rope_parameters: { full_attention: { rope_theta: 5e6, rope_type: type, factor: 4 } } },
        ],
      ] as const) {
        expect(refusal({ ...shape, ...rope })).toContain(`${where} scales RoPE (rope_type "${type}")`);
      }
    },
  );

  it('whose scaling of RoPE is incomplete, or told twice with two values', () => {
    const llama3 = { type: 'llama3', factor: 4, low_freq_factor: 1, high_freq_factor: 'x' };
    expect(refusal({ ...v4, rope_scaling: llama3 })).toContain(
      'rope_scaling.high_freq_factor is "x" and must be a number; rope_scaling lacks original_max_position_embeddings;',
    );
    const linear = { rope_type: 'linear', factor: 4 };
    expect(
      refusal({ ...v5, rope_parameters: { rope_theta: 5e6, ...linear, factor: 8 }, rope_scaling: linear }),
    ).toContain('rope_parameters and rope_scaling scale RoPE in two ways; keep the one');
  });

  it.each([
    ['partial_rotary_factor', 0.5],
    ['attention_bias', true],
    ['mlp_bias', true],
    ['use_sliding_window', true],
    ['hidden_act', 'gelu'],
    ['num_experts', 128],
    ['num_local_experts', 8],
    ['attn_logit_softcapping', 50],
    ['final_logit_softcapping', 30],
    ['query_pre_attn_scalar', 256],
    ['logit_scale', 0.0625],
    ['residual_multiplier', 0.22],
    ['use_qk_norm', false],
    ['is_causal', false],
    ['attention_value_scale', 0.612],
    ['text_config', { quantization_config: {} }],
    ['attn_output_gate', true],
    ['vision_config', { depth: 2 }],
    ['attention_chunk_size', 8192],
    ['vocab_size', '96'],
    ['vocab_size', 95.5],
    ['hidden_size', -32],
    ['head_dim', 15],
    ['head_dim', null],
    ['rms_norm_eps', Number.NaN],
    ['rms_norm_eps', 0],
    ['rope_theta', Number.NaN],
    ['rope_theta', '1e6'],
    ['rope_theta', -1e4],
    ['num_hidden_layers', true],
    ['num_hidden_layers', Number.POSITIVE_INFINITY],
    ['tie_word_embeddings', 'yes'],
    ['rope_scaling', 'yarn'],
    ['layer_types', ['full_attention', 'sliding_attention']],
    ['layer_types', ['full_attention']],
    ['layer_types', 'full_attention'],
    ['num_key_value_heads', 3],
    ['model_type', 'qwen3_moe'],
    ['model_type', 'qwen2_moe'],
    ['model_type', 'qwen3_vl'],
  ])('that says %s: %s', (key, value) => {
    const message = refusal({ ...v4, [key]: value });
    expect(message).toMatch(/^config\.json is not a model configuration that tinystar can run: [^\n]+\.$/);
    expect(message).toContain(key);
  });

  it.each([
    'model_type',
    'vocab_size',
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'num_key_value_heads',
    'rms_norm_eps',
    'hidden_act',
    'max_position_embeddings',
  ])('that lacks %s, where nothing else says it', (key) => {
    expect(refusal(without(v4, key))).toContain(key);
  });

  it('that is of another architecture, or no map', () => {
    expect(refusal({ ...v4, architectures: [{ name: 'x' }] })).toContain('its architecture is {"name":"x"}');
    expect(refusal({ ...v4, architectures: ['Qwen3ForSequenceClassification'] })).toContain(
      'its architecture is Qwen3ForSequenceClassification',
    );
    expect(refusal([])).toContain('it is not a map');
  });

  it('with all of its faults in one sentence', () => {
    expect(refusal({ ...v4, hidden_act: 'gelu', attention_bias: true, rms_norm_eps: null })).toBe(
      'config.json is not a model configuration that tinystar can run: rms_norm_eps is null and must be a number; hidden_act is "gelu" and must be silu, the only activation that tinystar computes; attention_bias is true, which tinystar does not compute; give the configuration that the model was published with, or serve the model and give its address.',
    );
  });
});

it('whatever stands in a configuration, it is read or refused in one sentence', () => {
  const values = [
    undefined,
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    Number.POSITIVE_INFINITY,
    '',
    'x',
    [],
    [null],
    ['x', {}],
    {},
    { a: 1 },
  ];
  const keys = [...Object.keys({ ...v4, ...v5 }), 'qk_norm', 'num_experts', 'quantization_config'];
  for (const base of [v4, v5]) {
    for (const key of keys) {
      for (const value of [
        ...values,
        ...values.map((inner) => ({ rope_theta: inner, rope_type: inner, full_attention: inner })),
      ]) {
        let message = 'is not a model configuration.';
        try {
          configFromHuggingFace({ ...base, [key]: value }, 'config.json');
        } catch (thrown) {
          message = thrown instanceof UserError ? thrown.message : `not for people: ${String(thrown)}`;
        }
        expect(message, `${key}: ${JSON.stringify(value)}`).toMatch(/is not a model configuration[^\n]*\.$/);
      }
    }
  }
});
