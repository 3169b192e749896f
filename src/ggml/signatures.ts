/**
 * The C functions of ggml and gguf that tinystar uses, each with its prototype, as data: the loader binds them,
 * the compiler derives their TypeScript types, `doctor` counts them. Names and meanings are those of ggml.h,
 * ggml-backend.h, ggml-alloc.h and gguf.h of the pinned version.
 *
 * Kinds: `ptr` an opaque pointer (null allowed), `i32`/`i64`/`usize` integers, `f32` a float, `bool`, `str` a
 * C string, `strs` an array of them that C copies, `bytes` a typed array that is read or written in place and
 * not kept after the call; the others are structs.
 */
import type { Params } from './llama-params.ts';

export const KINDS = {
  void: 'void',
  ptr: 'void *',
  i32: 'int32_t',
  u32: 'uint32_t',
  i64: 'int64_t',
  usize: 'size_t',
  f32: 'float',
  bool: 'bool',
  str: 'const char *',
  strs: 'const char **',
  bytes: 'void *',
  init: 'ggml_init_params',
  gguf_init: 'gguf_init_params',
  model_params: 'llama_model_params',
  context_params: 'llama_context_params',
  quantize_params: 'llama_quantize_params *',
  batch: 'llama_batch',
} as const;
export type Kind = keyof typeof KINDS;

/** One C function: what it returns, then what it takes. */
export type Signature = readonly [returns: Kind, takes: readonly Kind[]];

/** Exported by libggml-base. */
export const BASE_FUNCTIONS = {
  ggml_version: ['str', []],
  ggml_type_name: ['str', ['i32']],
  ggml_row_size: ['usize', ['i32', 'i64']],
  ggml_get_type_traits: ['ptr', ['i32']],
  ggml_fp32_to_fp16_row: ['void', ['bytes', 'bytes', 'i64']],
  ggml_fp16_to_fp32_row: ['void', ['bytes', 'bytes', 'i64']],
  ggml_fp32_to_bf16_row: ['void', ['bytes', 'bytes', 'i64']],
  ggml_bf16_to_fp32_row: ['void', ['bytes', 'bytes', 'i64']],
  ggml_tensor_overhead: ['usize', []],
  ggml_graph_overhead_custom: ['usize', ['usize', 'bool']],

  ggml_init: ['ptr', ['init']],
  ggml_free: ['void', ['ptr']],
  ggml_used_mem: ['usize', ['ptr']],
  ggml_new_tensor_4d: ['ptr', ['ptr', 'i32', 'i64', 'i64', 'i64', 'i64']],
  ggml_set_name: ['ptr', ['ptr', 'str']],
  ggml_set_param: ['void', ['ptr']],
  ggml_set_output: ['void', ['ptr']],
  ggml_nbytes: ['usize', ['ptr']],
  ggml_op_desc: ['str', ['ptr']],

  ggml_reshape_4d: ['ptr', ['ptr', 'ptr', 'i64', 'i64', 'i64', 'i64']],
  ggml_view_4d: ['ptr', ['ptr', 'ptr', 'i64', 'i64', 'i64', 'i64', 'usize', 'usize', 'usize', 'usize']],
  ggml_permute: ['ptr', ['ptr', 'ptr', 'i32', 'i32', 'i32', 'i32']],
  ggml_cont: ['ptr', ['ptr', 'ptr']],
  ggml_cast: ['ptr', ['ptr', 'ptr', 'i32']],
  ggml_cpy: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_concat: ['ptr', ['ptr', 'ptr', 'ptr', 'i32']],
  ggml_acc_inplace: ['ptr', ['ptr', 'ptr', 'ptr', 'usize', 'usize', 'usize', 'usize']],
  ggml_repeat: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_repeat_back: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_fill: ['ptr', ['ptr', 'ptr', 'f32']],

  ggml_add: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_add_inplace: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_sub: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_mul: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_mul_inplace: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_div: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_scale: ['ptr', ['ptr', 'ptr', 'f32']],
  ggml_scale_bias: ['ptr', ['ptr', 'ptr', 'f32', 'f32']],
  ggml_clamp: ['ptr', ['ptr', 'ptr', 'f32', 'f32']],
  ggml_exp: ['ptr', ['ptr', 'ptr']],
  ggml_log: ['ptr', ['ptr', 'ptr']],
  ggml_abs: ['ptr', ['ptr', 'ptr']],
  ggml_sgn: ['ptr', ['ptr', 'ptr']],
  ggml_step: ['ptr', ['ptr', 'ptr']],
  ggml_sqrt: ['ptr', ['ptr', 'ptr']],
  ggml_sqr: ['ptr', ['ptr', 'ptr']],
  ggml_relu: ['ptr', ['ptr', 'ptr']],
  ggml_sigmoid: ['ptr', ['ptr', 'ptr']],
  ggml_softplus: ['ptr', ['ptr', 'ptr']],
  ggml_silu: ['ptr', ['ptr', 'ptr']],
  ggml_silu_back: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_sum: ['ptr', ['ptr', 'ptr']],
  ggml_sum_rows: ['ptr', ['ptr', 'ptr']],
  ggml_argmax: ['ptr', ['ptr', 'ptr']],
  ggml_top_k: ['ptr', ['ptr', 'ptr', 'i32']],

  ggml_mul_mat: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_out_prod: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_get_rows: ['ptr', ['ptr', 'ptr', 'ptr']],
  ggml_get_rows_back: ['ptr', ['ptr', 'ptr', 'ptr', 'ptr']],
  ggml_set_rows: ['ptr', ['ptr', 'ptr', 'ptr', 'ptr']],
  ggml_rms_norm: ['ptr', ['ptr', 'ptr', 'f32']],
  ggml_rms_norm_back: ['ptr', ['ptr', 'ptr', 'ptr', 'f32']],
  ggml_soft_max_ext: ['ptr', ['ptr', 'ptr', 'ptr', 'f32', 'f32']],
  ggml_soft_max_ext_back: ['ptr', ['ptr', 'ptr', 'ptr', 'f32', 'f32']],
  ggml_soft_max_ext_back_inplace: ['ptr', ['ptr', 'ptr', 'ptr', 'f32', 'f32']],
  ggml_rope_ext: [
    'ptr',
    ['ptr', 'ptr', 'ptr', 'ptr', 'i32', 'i32', 'i32', 'f32', 'f32', 'f32', 'f32', 'f32', 'f32'],
  ],
  ggml_rope_ext_back: [
    'ptr',
    ['ptr', 'ptr', 'ptr', 'ptr', 'i32', 'i32', 'i32', 'f32', 'f32', 'f32', 'f32', 'f32', 'f32'],
  ],
  ggml_opt_step_adamw: ['ptr', ['ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr']],

  ggml_new_graph_custom: ['ptr', ['ptr', 'usize', 'bool']],
  ggml_build_forward_expand: ['void', ['ptr', 'ptr']],
  ggml_graph_add_node: ['void', ['ptr', 'ptr']],
  ggml_graph_n_nodes: ['i32', ['ptr']],
  ggml_graph_node: ['ptr', ['ptr', 'i32']],

  ggml_backend_get_default_buffer_type: ['ptr', ['ptr']],
  ggml_backend_get_device: ['ptr', ['ptr']],
  ggml_backend_alloc_ctx_tensors: ['ptr', ['ptr', 'ptr']],
  ggml_backend_cpu_buffer_from_ptr: ['ptr', ['ptr', 'usize']],
  ggml_backend_tensor_alloc: ['i32', ['ptr', 'ptr', 'ptr']],
  ggml_backend_buffer_get_size: ['usize', ['ptr']],
  ggml_backend_buffer_clear: ['void', ['ptr', 'i32']],
  ggml_backend_buffer_free: ['void', ['ptr']],
  ggml_backend_graph_compute: ['i32', ['ptr', 'ptr']],
  ggml_backend_sched_new: ['ptr', ['bytes', 'ptr', 'i32', 'usize', 'bool', 'bool']],
  ggml_backend_sched_free: ['void', ['ptr']],
  ggml_backend_sched_reset: ['void', ['ptr']],
  ggml_backend_sched_alloc_graph: ['bool', ['ptr', 'ptr']],
  ggml_backend_sched_set_tensor_backend: ['void', ['ptr', 'ptr', 'ptr']],
  ggml_backend_sched_graph_compute: ['i32', ['ptr', 'ptr']],
  ggml_backend_sched_get_buffer_size: ['usize', ['ptr', 'ptr']],
  ggml_backend_tensor_set: ['void', ['ptr', 'bytes', 'usize', 'usize']],
  ggml_backend_tensor_get: ['void', ['ptr', 'bytes', 'usize', 'usize']],
  ggml_backend_free: ['void', ['ptr']],
  ggml_backend_dev_name: ['str', ['ptr']],
  ggml_backend_dev_description: ['str', ['ptr']],
  ggml_backend_dev_memory: ['void', ['ptr', 'bytes', 'bytes']],
  ggml_backend_dev_type: ['i32', ['ptr']],
  ggml_backend_dev_init: ['ptr', ['ptr', 'str']],
  ggml_backend_dev_supports_op: ['bool', ['ptr', 'ptr']],
  ggml_backend_dev_backend_reg: ['ptr', ['ptr']],
  ggml_backend_reg_get_proc_address: ['ptr', ['ptr', 'str']],
  ggml_gallocr_new: ['ptr', ['ptr']],
  ggml_gallocr_free: ['void', ['ptr']],
  ggml_gallocr_alloc_graph: ['bool', ['ptr', 'ptr']],
  ggml_gallocr_reserve_n_size: ['void', ['ptr', 'ptr', 'ptr', 'ptr', 'bytes']],
  ggml_gallocr_get_buffer_size: ['usize', ['ptr', 'i32']],

  gguf_init_empty: ['ptr', []],
  gguf_init_from_file: ['ptr', ['str', 'gguf_init']],
  gguf_free: ['void', ['ptr']],
  gguf_set_val_u32: ['void', ['ptr', 'str', 'u32']],
  gguf_set_val_f32: ['void', ['ptr', 'str', 'f32']],
  gguf_set_val_bool: ['void', ['ptr', 'str', 'bool']],
  gguf_set_val_str: ['void', ['ptr', 'str', 'str']],
  gguf_set_arr_data: ['void', ['ptr', 'str', 'i32', 'bytes', 'usize']],
  gguf_set_arr_str: ['void', ['ptr', 'str', 'strs', 'usize']],
  gguf_add_tensor: ['void', ['ptr', 'ptr']],
  gguf_get_alignment: ['usize', ['ptr']],
  gguf_get_tensor_offset: ['usize', ['ptr', 'i64']],
  gguf_write_to_file: ['bool', ['ptr', 'str', 'bool']],
  gguf_get_data_offset: ['usize', ['ptr']],
  gguf_get_n_kv: ['i64', ['ptr']],
  gguf_get_key: ['str', ['ptr', 'i64']],
  gguf_find_key: ['i64', ['ptr', 'str']],
  gguf_get_kv_type: ['i32', ['ptr', 'i64']],
  gguf_get_val_data: ['ptr', ['ptr', 'i64']],
  gguf_get_val_str: ['str', ['ptr', 'i64']],
  gguf_get_arr_type: ['i32', ['ptr', 'i64']],
  gguf_get_arr_n: ['usize', ['ptr', 'i64']],
  gguf_get_arr_data: ['ptr', ['ptr', 'i64']],
  gguf_get_arr_str: ['str', ['ptr', 'i64', 'usize']],
  gguf_get_n_tensors: ['i64', ['ptr']],
  gguf_get_tensor_name: ['str', ['ptr', 'i64']],
  gguf_get_tensor_type: ['i32', ['ptr', 'i64']],
  gguf_get_tensor_ne: ['ptr', ['ptr', 'i64']],
  gguf_get_tensor_size: ['usize', ['ptr', 'i64']],
} as const satisfies Record<string, Signature>;

/** Exported by libggml, which loads the backends (CPU variants, Vulkan, CUDA, Metal). */
export const REGISTRY_FUNCTIONS = {
  ggml_backend_load_all_from_path: ['void', ['str']],
  ggml_backend_dev_count: ['usize', []],
  ggml_backend_dev_get: ['ptr', ['usize']],
} as const satisfies Record<string, Signature>;

declare const pointerBrand: unique symbol;
/** The address of something that native code owns. */
export type Pointer = bigint & { readonly [pointerBrand]: true };

interface KindTypes {
  void: void;
  ptr: Pointer | null;
  i32: number;
  u32: number;
  i64: number;
  usize: number;
  f32: number;
  bool: boolean;
  str: string | null;
  strs: readonly string[];
  bytes: NodeJS.ArrayBufferView | ArrayBuffer;
  init: { mem_size: number; mem_buffer: null; no_alloc: boolean };
  gguf_init: { no_alloc: boolean; ctx: null };
  model_params: Params;
  context_params: Params;
  quantize_params: Params;
  batch: object;
}

type Arguments<T extends readonly Kind[]> = { -readonly [I in keyof T]: KindTypes[T[I]] };
/** Results are never null: the binding throws when C returns a null pointer. */
type Result<K extends Kind> = K extends 'ptr' ? Pointer : K extends 'str' ? string : KindTypes[K];
export type Bound<T extends Record<string, Signature>> = {
  readonly [Name in keyof T]: (...args: Arguments<T[Name][1]>) => Result<T[Name][0]>;
};
export type Ggml = Bound<typeof BASE_FUNCTIONS> & Bound<typeof REGISTRY_FUNCTIONS>;
