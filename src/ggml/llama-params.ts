/**
 * The structs that libllama takes, as llama.h of the pinned version declares them (release v0.4.0,
 * commit 80fb11ac). They change between releases without a word from the linker, and a stale layout reads
 * garbage: so the library's own default values are compared with those of its source before it is used.
 */

export type Params = Readonly<Record<string, unknown>>;

/** A struct's fields, each with its C type and its default value. */
type Fields = Readonly<Record<string, readonly [type: string, value: unknown]>>;
const pointer = ['void *', null] as const;
const int = (value: number) => ['int32_t', value] as const;
const flag = (value: boolean) => ['bool', value] as const;

/** With the values that `llama_model_default_params` sets in src/llama-model.cpp. */
export const MODEL_PARAMS: Fields = {
  devices: pointer,
  tensor_buft_overrides: pointer,
  n_gpu_layers: int(-1),
  split_mode: int(1),
  load_mode: int(-1),
  lazy_mode: int(1),
  main_gpu: int(0),
  tensor_split: pointer,
  progress_callback: pointer,
  progress_callback_user_data: pointer,
  kv_overrides: pointer,
  vocab_only: flag(false),
  check_tensors: flag(false),
  use_extra_bufts: flag(true),
  no_host: flag(false),
  no_alloc: flag(false),
  load_mtp: flag(false),
};

/** With those that `llama_context_default_params` sets in src/llama-context.cpp. */
export const CONTEXT_PARAMS: Fields = {
  n_ctx: ['uint32_t', 512],
  n_batch: ['uint32_t', 2048],
  n_ubatch: ['uint32_t', 512],
  n_seq_max: ['uint32_t', 1],
  n_rs_seq: ['uint32_t', 0],
  n_outputs_max: ['uint32_t', 0],
  n_outputs_max_per_seq: ['uint32_t', 1],
  n_threads: int(4),
  n_threads_batch: int(4),
  ctx_type: int(0),
  rope_scaling_type: int(-1),
  pooling_type: int(-1),
  attention_type: int(-1),
  flash_attn_type: int(-1),
  rope_freq_base: ['float', 0],
  rope_freq_scale: ['float', 0],
  yarn_ext_factor: ['float', -1],
  yarn_attn_factor: ['float', -1],
  yarn_beta_fast: ['float', -1],
  yarn_beta_slow: ['float', -1],
  yarn_orig_ctx: ['uint32_t', 0],
  defrag_thold: ['float', -1],
  cb_eval: pointer,
  cb_eval_user_data: pointer,
  type_k: int(1),
  type_v: int(1),
  abort_callback: pointer,
  abort_callback_data: pointer,
  embeddings: flag(false),
  offload_kqv: flag(true),
  no_perf: flag(true),
  op_offload: flag(true),
  swa_full: flag(true),
  kv_unified: flag(false),
  samplers: pointer,
  n_samplers: ['size_t', 0],
  ctx_other: pointer,
};

/** With those that `llama_model_quantize_default_params` sets; 43 is the number of ggml's types, which stands for none. */
export const QUANTIZE_PARAMS: Fields = {
  nthread: int(0),
  ftype: int(7),
  output_tensor_type: int(43),
  token_embedding_type: int(43),
  allow_requantize: flag(false),
  quantize_output_tensor: flag(true),
  only_copy: flag(false),
  pure: flag(false),
  keep_split: flag(false),
  dry_run: flag(false),
  imatrix: pointer,
  kv_overrides: pointer,
  tensor_types: pointer,
  prune_layers: pointer,
};

/** C types of the fields, and room for those of a longer struct: a library of another version must not write past ours. */
export const typesOf = (fields: Fields): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(fields).map(([name, [type]]) => [name, type])),
  slack: 'uint8_t[256]',
});

/** The first field whose value is not the expected one, as words; undefined where all are. */
export function layoutDifference(got: Params, want: Fields): string | undefined {
  for (const [field, [, value]] of Object.entries(want)) {
    if (got[field] !== value) return `${field} is ${String(got[field])}, not ${String(value)}`;
  }
  return undefined;
}
