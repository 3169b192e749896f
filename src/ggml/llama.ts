/**
 * A small binding to libllama, llama.cpp's own runtime, from the same npm package: loads a GGUF file on the CPU,
 * tokenizes, and continues greedily. It shares no code with our forward pass and tokenizer, so it judges them.
 */
import { existsSync } from 'node:fs';
import koffi from 'koffi';
import { InternalError, UserError } from '../base/errors.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import { orUndefined } from './library.ts';
import { type Llama, openLlama } from './llama-binding.ts';
import type { Pointer } from './signatures.ts';

export interface LlamaOptions {
  readonly threads?: number;
  /** Tokens that a prompt and its continuation may have together; never more than the model was trained for. */
  readonly contextTokens?: number;
}

/** A GGUF model run by llama.cpp, with an f32 cache and without flash attention: as exact as llama.cpp is. */
export class LlamaModel implements Disposable {
  readonly vocabSize: number;
  readonly contextTokens: number;
  readonly #llama: Llama;
  readonly #model: Pointer;
  readonly #context: Pointer;
  readonly #vocab: Pointer;
  /** Native memory of the batch's tokens: llama.cpp keeps the pointer until the batch is decoded. */
  readonly #tokens: Pointer;
  #open = true;
  #busy = false;

  private constructor(llama: Llama, model: Pointer, context: Pointer, contextTokens: number) {
    this.#llama = llama;
    this.#model = model;
    this.#context = context;
    this.#vocab = llama.native.llama_model_get_vocab(model);
    this.#tokens = koffi.alloc('int32_t', contextTokens) as Pointer;
    this.vocabSize = llama.native.llama_vocab_n_tokens(this.#vocab);
    this.contextTokens = contextTokens;
  }

  /** Loads a GGUF file. Throws a UserError with llama.cpp's own words if it cannot. */
  static load(path: string, { threads = 2, contextTokens = 2048 }: LlamaOptions = {}): LlamaModel {
    if (!existsSync(path))
      throw new UserError('FILE', `Cannot read ${path}: it does not exist; check the path.`);
    const llama = openLlama();
    const cpuOnly = { ...llama.modelDefaults, devices: llama.noDevices, n_gpu_layers: 0 };
    const { native } = llama;
    const loaded = llama.quietly(() => orUndefined(() => native.llama_model_load_from_file(path, cpuOnly)));
    const model = loaded.result;
    if (model === undefined) {
      throw new UserError('GGUF_LOAD', `llama.cpp cannot load ${path}: ${loaded.errors}; export it again.`);
    }
    const tokens = Math.min(contextTokens, native.llama_model_n_ctx_train(model));
    const params = {
      ...llama.contextDefaults,
      n_ctx: tokens,
      n_batch: tokens,
      n_threads: threads,
      n_threads_batch: threads,
      flash_attn_type: 0,
      type_k: 0,
      type_v: 0,
    };
    const { result: context, errors } = llama.quietly(() =>
      orUndefined(() => native.llama_init_from_model(model, params)),
    );
    if (context === undefined) {
      llama.quietly(() => native.llama_model_free(model));
      throw new UserError(
        'GGUF_LOAD',
        `llama.cpp cannot run ${path}: ${errors}; use a shorter context or a smaller model.`,
      );
    }
    return new LlamaModel(llama, model, context, tokens);
  }

  /** Text to ids, by llama.cpp's tokenizer; <|im_start|> and its like are recognised. */
  tokenize(text: string): TokenIds {
    this.#check();
    const bytes = Buffer.from(text, 'utf8');
    // No token is shorter than a byte.
    const ids = new Int32Array(bytes.length + 1);
    const { llama_tokenize: tokenize } = this.#llama.native;
    const count = tokenize(this.#vocab, bytes, bytes.length, ids, ids.length, false, true);
    if (count < 0) throw new InternalError(`llama_tokenize: ${-count} tokens do not fit ${ids.length}`);
    return asTokenIds(ids.slice(0, count));
  }

  /** Ids to text, without special tokens such as <|im_end|> unless `special`; broken characters become U+FFFD. */
  detokenize(ids: TokenIds, special = false): string {
    this.#check();
    if (ids.length === 0) return '';
    let bytes = Buffer.alloc(16 * ids.length);
    const { llama_detokenize: detokenize } = this.#llama.native;
    const write = (): number => detokenize(this.#vocab, ids, ids.length, bytes, bytes.length, false, special);
    let count = write();
    if (count < 0) {
      // Tokens of white space may be longer; the answer is then the room that is needed.
      bytes = Buffer.alloc(-count);
      count = write();
    }
    return bytes.toString('utf8', 0, count);
  }

  /** Tells whether a token ends a generation. */
  isEnd(id: number): boolean {
    this.#check();
    return this.#llama.native.llama_vocab_is_eog(this.#vocab, id);
  }

  /** A value of the file's header as text, or undefined; of an array only that it is one. */
  metadata(key: string): string | undefined {
    this.#check();
    const { llama_model_meta_val_str: read } = this.#llama.native;
    const size = read(this.#model, key, Buffer.alloc(1), 1);
    if (size < 0) return undefined;
    const text = Buffer.alloc(size + 1);
    read(this.#model, key, text, text.length);
    return text.toString('utf8', 0, size);
  }

  /** Logits of what comes after `ids`. */
  async logitsAfter(ids: TokenIds): Promise<Float32Array> {
    return this.#fromStart(ids.length, () => this.#decode(ids));
  }

  /** Logits before each token of `continuation`, given `prompt` and the tokens before it: one row a token. */
  async logitsAlong(prompt: TokenIds, continuation: TokenIds): Promise<Float32Array[]> {
    return this.#fromStart(prompt.length + continuation.length, async () => {
      const rows: Float32Array[] = [];
      let next = prompt;
      for (const id of continuation) {
        rows.push(await this.#decode(next));
        next = asTokenIds([id]);
      }
      return rows;
    });
  }

  /** The `count` most probable tokens after `prompt`, each given those before it; ends early only on request, or throws `signal`'s reason. */
  async continueGreedily(
    prompt: TokenIds,
    count: number,
    { stopAtEnd = false, signal }: { stopAtEnd?: boolean; signal?: AbortSignal } = {},
  ): Promise<TokenIds> {
    return this.#fromStart(prompt.length + count, async () => {
      const ids: number[] = [];
      let next = prompt;
      while (ids.length < count) {
        signal?.throwIfAborted();
        const logits = await this.#decode(next);
        const best = logits.reduce((at, logit, i) => (logit > (logits[at] ?? 0) ? i : at), 0);
        ids.push(best);
        if (stopAtEnd && this.isEnd(best)) break;
        next = asTokenIds([best]);
      }
      return asTokenIds(ids);
    });
  }

  #check(): void {
    if (!this.#open) throw new InternalError('llama: the model is closed');
  }

  /** Runs `action` with an empty cache; one at a time, as there is one cache. */
  async #fromStart<T>(tokens: number, action: () => Promise<T>): Promise<T> {
    this.#check();
    if (this.#busy) throw new InternalError('llama: the model is already computing');
    if (tokens > this.contextTokens) {
      throw new UserError(
        'CONTEXT',
        `${tokens} tokens do not fit a context of ${this.contextTokens}; load the model with a longer one.`,
      );
    }
    const { native } = this.#llama;
    native.llama_memory_clear(native.llama_get_memory(this.#context), true);
    this.#busy = true;
    try {
      return await action();
    } finally {
      this.#busy = false;
    }
  }

  async #decode(ids: TokenIds): Promise<Float32Array> {
    for (const id of ids) {
      if (id < 0 || id >= this.vocabSize)
        throw new InternalError(`llama: token ${id} is not in a vocabulary of ${this.vocabSize}`);
    }
    if (ids.length === 0) throw new InternalError('llama: there is nothing to decode');
    koffi.encode(this.#tokens, 'int32_t', ids, ids.length);
    const { native } = this.#llama;
    const status = await this.#llama.decode(
      this.#context,
      native.llama_batch_get_one(this.#tokens, ids.length),
    );
    const logits = orUndefined(() => native.llama_get_logits_ith(this.#context, -1));
    if (status !== 0 || logits === undefined)
      throw new UserError('COMPUTE', `llama.cpp failed with status ${status}; see its messages above.`);
    // A copy: the next call overwrites what is there.
    return koffi.decode(logits, 'float', this.vocabSize) as Float32Array;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    if (this.#busy) throw new InternalError('llama: closed while it is computing');
    this.#open = false;
    koffi.free(this.#tokens);
    this.#llama.quietly(() => {
      this.#llama.native.llama_free(this.#context);
      this.#llama.native.llama_model_free(this.#model);
    });
  }
}
