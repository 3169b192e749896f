/** libllama's functions, bound once a process. Everything here is private to src/ggml/llama.ts. */
import koffi from 'koffi';
import { UserError } from '../base/errors.ts';
import { listDevices } from './device.ts';
import { bind, called, loadNative, openLibrary, quietly } from './library.ts';
import {
  CONTEXT_PARAMS,
  layoutDifference,
  MODEL_PARAMS,
  type Params,
  QUANTIZE_PARAMS,
  typesOf,
} from './llama-params.ts';
import type { Pointer, Signature } from './signatures.ts';

/** libllama's functions, see signatures.ts. */
const FUNCTIONS = {
  llama_backend_init: ['void', []],
  llama_model_load_from_file: ['ptr', ['str', 'model_params']],
  llama_model_free: ['void', ['ptr']],
  llama_model_get_vocab: ['ptr', ['ptr']],
  llama_model_n_ctx_train: ['i32', ['ptr']],
  llama_model_meta_val_str: ['i32', ['ptr', 'str', 'bytes', 'usize']],
  llama_init_from_model: ['ptr', ['ptr', 'context_params']],
  llama_free: ['void', ['ptr']],
  llama_get_memory: ['ptr', ['ptr']],
  llama_memory_clear: ['void', ['ptr', 'bool']],
  llama_batch_get_one: ['batch', ['ptr', 'i32']],
  llama_get_logits_ith: ['ptr', ['ptr', 'i32']],
  llama_vocab_n_tokens: ['i32', ['ptr']],
  llama_vocab_is_eog: ['bool', ['ptr', 'i32']],
  llama_tokenize: ['i32', ['ptr', 'bytes', 'i32', 'bytes', 'i32', 'bool', 'bool']],
  llama_detokenize: ['i32', ['ptr', 'bytes', 'i32', 'bytes', 'i32', 'bool', 'bool']],
  llama_model_quantize: ['u32', ['str', 'str', 'quantize_params']],
} as const satisfies Record<string, Signature>;

export type Llama = ReturnType<typeof load>;

function load() {
  const { files } = openLibrary();
  // Loads the CPU backend, which libllama takes from the same registry.
  listDevices();
  const lib = loadNative(files.llama);
  koffi.struct('llama_batch', {
    n_tokens: 'int32_t',
    token: 'void *',
    embd: 'void *',
    pos: 'void *',
    n_seq_id: 'void *',
    seq_id: 'void *',
    logits: 'void *',
  });
  /** Declares a struct; its default values, which must be those of the version that is known. */
  const defaults = (struct: string, fields: typeof MODEL_PARAMS, name: string): Params => {
    koffi.struct(struct, typesOf(fields));
    const params = lib.func(`${struct} ${name}()`)() as Params;
    const difference = layoutDifference(params, fields);
    if (difference === undefined) return params;
    throw new UserError(
      'ENGINE_LAYOUT',
      `${files.llama} is not the libllama that tinystar knows: its default ${difference}; reinstall with npm ci.`,
    );
  };
  const modelDefaults = defaults('llama_model_params', MODEL_PARAMS, 'llama_model_default_params');
  const contextDefaults = defaults('llama_context_params', CONTEXT_PARAMS, 'llama_context_default_params');
  const quantizeDefaults = defaults(
    'llama_quantize_params',
    QUANTIZE_PARAMS,
    'llama_model_quantize_default_params',
  );
  const native = bind(lib, FUNCTIONS, files.llama);
  const decode = lib.func('int32_t llama_decode(void *context, llama_batch batch)');
  const setLog = lib.func('llama_log_set', 'void', ['void *', 'void *']);
  const noDevices = koffi.alloc('void *', 1) as Pointer;
  koffi.encode(noDevices, 'void *', null);
  native.llama_backend_init();
  return {
    native,
    /** Resolves to a status; 0 is success. */
    decode: (context: Pointer, batch: object) => called(decode, context, batch),
    /** An empty list of devices: with none at all llama.cpp takes every GPU that it finds. */
    noDevices,
    modelDefaults,
    contextDefaults,
    quantizeDefaults,
    /** Runs `action` with llama.cpp's messages kept from the terminal; returns the errors among them. */
    quietly: <T>(action: () => T) => quietly(setLog, action),
  };
}

let loaded: Llama | undefined;

/** Loads libllama at the first call; throws a UserError when it is another version than the one known. */
export function openLlama(): Llama {
  loaded ??= load();
  return loaded;
}
