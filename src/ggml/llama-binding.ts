/** libllama's functions, bound once a process. Everything here is private to src/ggml/llama.ts. */
import koffi from 'koffi';
import { UserError } from '../base/errors.ts';
import { listDevices } from './device.ts';
import { called, loadNative, openLibrary, quietly } from './library.ts';
import {
  CONTEXT_PARAMS,
  layoutDifference,
  MODEL_PARAMS,
  type Params,
  QUANTIZE_PARAMS,
  typesOf,
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

function bind(): Llama {
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
  const decode = lib.func('int32_t llama_decode(void *context, llama_batch batch)');
  const setLog = lib.func('llama_log_set', 'void', ['void *', 'void *']);
  const noDevices = koffi.alloc('void *', 1) as Pointer;
  koffi.encode(noDevices, 'void *', null);
  lib.func('llama_backend_init', 'void', [])();
  return {
    loadModel: lib.func('void *llama_model_load_from_file(const char *path, llama_model_params params)'),
    freeModel: lib.func('void llama_model_free(void *model)'),
    vocabOf: lib.func('void *llama_model_get_vocab(void *model)'),
    newContext: lib.func('void *llama_init_from_model(void *model, llama_context_params params)'),
    freeContext: lib.func('void llama_free(void *context)'),
    memoryOf: lib.func('void *llama_get_memory(void *context)'),
    clearMemory: lib.func('void llama_memory_clear(void *memory, bool data)'),
    batchOf: lib.func('llama_batch llama_batch_get_one(void *tokens, int32_t count)'),
    decode: (context, tokens) => called(decode, context, tokens),
    logitsAt: lib.func('void *llama_get_logits_ith(void *context, int32_t index)'),
    vocabSize: lib.func('int32_t llama_vocab_n_tokens(void *vocab)'),
    trainedContext: lib.func('int32_t llama_model_n_ctx_train(void *model)'),
    metadata: lib.func(
      'int32_t llama_model_meta_val_str(void *model, const char *key, void *into, size_t size)',
    ),
    isEnd: lib.func('bool llama_vocab_is_eog(void *vocab, int32_t token)'),
    tokenize: lib.func(
      'int32_t llama_tokenize(void *vocab, void *text, int32_t length, void *into, int32_t most, bool add, bool parse)',
    ),
    detokenize: lib.func(
      'int32_t llama_detokenize(void *vocab, void *ids, int32_t count, void *into, int32_t most, bool remove, bool unparse)',
    ),
    noDevices,
    modelDefaults,
    contextDefaults,
    quantize: lib.func(
      'uint32_t llama_model_quantize(const char *from, const char *to, llama_quantize_params *params)',
    ),
    quantizeDefaults,
    quietly: (action) => quietly(setLog, action),
  };
}

let bound: Llama | undefined;

/** Loads libllama at the first call; throws a UserError when it is another version than the one known. */
export function openLlama(): Llama {
  bound ??= bind();
  return bound;
}
