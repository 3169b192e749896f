/** libllama's functions, bound once a process. Everything here is private to src/ggml/llama.ts. */
import koffi from 'koffi';
import { InternalError, UserError } from '../base/errors.ts';
import { listDevices } from './device.ts';
import { loadNative, openLibrary } from './library.ts';
import {
  CONTEXT_DEFAULTS,
  CONTEXT_FIELDS,
  layoutDifference,
  MODEL_DEFAULTS,
  MODEL_FIELDS,
  type Params,
  QUANTIZE_DEFAULTS,
  QUANTIZE_FIELDS,
} from './llama-params.ts';
import type { Pointer } from './signatures.ts';

/** The functions that are used, as typed by us; `Batch` and `Params` go by value. */
export interface Llama {
  loadModel(path: string, params: Params): Pointer | null;
  freeModel(model: Pointer): void;
  vocabOf(model: Pointer): Pointer;
  newContext(model: Pointer, params: Params): Pointer | null;
  freeContext(context: Pointer): void;
  memoryOf(context: Pointer): Pointer;
  clearMemory(memory: Pointer, data: boolean): void;
  batchOf(tokens: Pointer, count: number): object;
  decode(context: Pointer, batch: object): Promise<number>;
  logitsAt(context: Pointer, index: number): Pointer | null;
  vocabSize(vocab: Pointer): number;
  trainedContext(model: Pointer): number;
  metadata(model: Pointer, key: string, into: Buffer, size: number): number;
  isEnd(vocab: Pointer, token: number): boolean;
  tokenize(
    vocab: Pointer,
    text: Buffer,
    length: number,
    into: Int32Array,
    most: number,
    addSpecial: boolean,
    parseSpecial: boolean,
  ): number;
  detokenize(
    vocab: Pointer,
    tokens: Int32Array,
    count: number,
    into: Buffer,
    most: number,
    removeSpecial: boolean,
    unparseSpecial: boolean,
  ): number;
  /** An empty list of devices: with none at all llama.cpp takes every GPU that it finds. */
  readonly noDevices: Pointer;
  readonly modelDefaults: Params;
  readonly contextDefaults: Params;
  /** Writes the GGUF file `source` again as `target`, with other types; 0 is success. */
  quantize(source: string, target: string, params: Params): number;
  readonly quantizeDefaults: Params;
  /** Runs `action` with llama.cpp's messages kept from the terminal; returns the errors among them. */
  quietly<T>(action: () => T): { result: T; errors: string };
}

/** ggml's log level of errors, and of pieces that continue a message. */
const [LEVEL_ERROR, LEVEL_CONTINUED] = [4, 5];

function bind(): Llama {
  const { files } = openLibrary();
  // Loads the CPU backend, which libllama takes from the same registry.
  listDevices();
  const lib = loadNative(files.llama);
  const modelParams = koffi.struct(MODEL_FIELDS);
  const contextParams = koffi.struct(CONTEXT_FIELDS);
  const batch = koffi.struct({
    n_tokens: 'int32_t',
    token: 'void *',
    embd: 'void *',
    pos: 'void *',
    n_seq_id: 'void *',
    seq_id: 'void *',
    logits: 'void *',
  });
  const modelDefaults = lib.func('llama_model_default_params', modelParams, [])() as Params;
  const contextDefaults = lib.func('llama_context_default_params', contextParams, [])() as Params;
  const quantizeParams = koffi.struct(QUANTIZE_FIELDS);
  const quantizeDefaults = lib.func('llama_model_quantize_default_params', quantizeParams, [])() as Params;
  const difference =
    layoutDifference(modelDefaults, MODEL_DEFAULTS) ??
    layoutDifference(contextDefaults, CONTEXT_DEFAULTS) ??
    layoutDifference(quantizeDefaults, QUANTIZE_DEFAULTS);
  if (difference !== undefined) {
    throw new UserError(
      'ENGINE_LAYOUT',
      `${files.llama} is not the libllama that tinystar knows: its default ${difference}; reinstall with npm ci.`,
    );
  }
  const decode = lib.func('llama_decode', 'int32_t', ['void *', batch]);
  const logType = koffi.pointer(
    koffi.proto('void llama_log_callback(int level, const char *text, void *data)'),
  );
  const setLog = lib.func('llama_log_set', 'void', [logType, 'void *']);
  const noDevices = koffi.alloc('void *', 1) as Pointer;
  koffi.encode(noDevices, 'void *', null);
  lib.func('llama_backend_init', 'void', [])();
  return {
    loadModel: lib.func('llama_model_load_from_file', 'void *', ['const char *', modelParams]),
    freeModel: lib.func('llama_model_free', 'void', ['void *']),
    vocabOf: lib.func('llama_model_get_vocab', 'void *', ['void *']),
    newContext: lib.func('llama_init_from_model', 'void *', ['void *', contextParams]),
    freeContext: lib.func('llama_free', 'void', ['void *']),
    memoryOf: lib.func('llama_get_memory', 'void *', ['void *']),
    clearMemory: lib.func('llama_memory_clear', 'void', ['void *', 'bool']),
    batchOf: lib.func('llama_batch_get_one', batch, ['void *', 'int32_t']),
    decode: (context, tokens) =>
      new Promise((resolve, reject) => {
        decode.async(context, tokens, (error: unknown, status: number) => {
          if (error)
            reject(error instanceof Error ? error : new InternalError('llama_decode could not be called'));
          else resolve(status);
        });
      }),
    logitsAt: lib.func('llama_get_logits_ith', 'void *', ['void *', 'int32_t']),
    vocabSize: lib.func('llama_vocab_n_tokens', 'int32_t', ['void *']),
    trainedContext: lib.func('llama_model_n_ctx_train', 'int32_t', ['void *']),
    metadata: lib.func('llama_model_meta_val_str', 'int32_t', ['void *', 'const char *', 'void *', 'size_t']),
    isEnd: lib.func('llama_vocab_is_eog', 'bool', ['void *', 'int32_t']),
    tokenize: lib.func('llama_tokenize', 'int32_t', [
      'void *',
      'void *',
      'int32_t',
      'void *',
      'int32_t',
      'bool',
      'bool',
    ]),
    detokenize: lib.func('llama_detokenize', 'int32_t', [
      'void *',
      'void *',
      'int32_t',
      'void *',
      'int32_t',
      'bool',
      'bool',
    ]),
    noDevices,
    modelDefaults,
    contextDefaults,
    quantize: lib.func('llama_model_quantize', 'uint32_t', [
      'const char *',
      'const char *',
      koffi.pointer(quantizeParams),
    ]),
    quantizeDefaults,
    quietly: (action) => {
      const errors: string[] = [];
      let last = 0;
      const callback = koffi.register((level: number, text: string) => {
        last = level === LEVEL_CONTINUED ? last : level;
        if (last === LEVEL_ERROR) errors.push(text);
      }, logType);
      setLog(callback, null);
      try {
        const result = action();
        return { result, errors: errors.join('').trim().replaceAll('\n', '; ') };
      } finally {
        setLog(null, null);
        koffi.unregister(callback);
      }
    },
  };
}

let bound: Llama | undefined;

/** Loads libllama at the first call; throws a UserError when it is another version than the one known. */
export function openLlama(): Llama {
  bound ??= bind();
  return bound;
}
