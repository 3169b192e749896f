/** A model that answers: prompts through its own chat template, completions taken apart again. */
import { availableParallelism } from 'node:os';
import { InternalError } from '../base/errors.ts';
import { ggufTokenizer } from '../chat/gguf-tokenizer.ts';
import { ChatTemplate, type ChatInput, type Thinking } from '../chat/template.ts';
import { Tokenizer } from '../chat/tokenizer.ts';
import { Device } from '../ggml/device.ts';
import { exportGguf, type GgufDType } from '../model/checkpoint/gguf.ts';
import { type LoadedModel, loadModel as loadWeights } from '../model/checkpoint/checkpoint.ts';
import { Generator } from '../model/generate/generation.ts';
import { Owned } from './owned.ts';
import { readTurn, type Turn } from './turn.ts';

export interface LoadOptions {
  /** `cpu`, `gpu` or the name of a device; `cpu` unless told. */
  readonly device?: string;
  /** Processor threads; all that the machine has unless told. */
  readonly threads?: number;
  /** Thoughts on or off, whatever the chat template's own default is. */
  readonly thinking?: Thinking;
}

/** How answers are drawn, by the names of recipes. */
export interface AnswerOptions {
  /** Divides the logits; 0, which is the default, is greedy. */
  readonly temperature?: number;
  /** 1 is off. */
  readonly top_p?: number;
  /** -1 is off. */
  readonly top_k?: number;
  /** Most tokens of an answer; 512 unless told. */
  readonly generate_max_len?: number;
  readonly n_samples_per_prompt?: number;
  /** The same seed and prompts give the same answers. */
  readonly seed?: number;
  /** Its reason is thrown when it fires. */
  readonly signal?: AbortSignal;
}

/** One answer, taken apart. */
export interface Answer extends Turn {
  /** Index of the prompt that it answers. */
  readonly prompt: number;
  /** All that the model wrote, thoughts and tags included, special tokens left out. */
  readonly text: string;
  readonly tokens: number;
  /** `length`: it was cut at `generate_max_len` or the end of the context. */
  readonly finish: 'stop' | 'length';
}

/** A loaded model. Its memory is outside of JavaScript's heap: take it with `using`, or `close()` it. */
export class Model implements Disposable {
  readonly #path: string;
  readonly #tokenizer: Tokenizer;
  readonly #template: ChatTemplate;
  readonly #loaded: LoadedModel;
  readonly #generator: Generator;
  readonly #owned = new Owned();

  /** Use `loadModel`. */
  constructor(path: string, { device = 'cpu', threads, thinking }: LoadOptions) {
    this.#path = path;
    this.#tokenizer = Tokenizer.load(path);
    this.#template = ChatTemplate.of(this.#tokenizer).fixed(thinking);
    [this.#loaded, this.#generator] = this.#owned.opening(() => {
      const opened = this.#owned.add(Device.open(device, threads ?? availableParallelism()));
      const loaded = loadWeights(opened, path, { trainable: false });
      this.#owned.add(loaded.parameters);
      return [loaded, this.#owned.add(new Generator(opened, loaded.config, loaded.parameters))];
    });
  }

  /** Prompt of a conversation: what the model reads, up to where its answer begins. */
  prompt(conversation: ChatInput): string {
    return this.#template.prompt(conversation);
  }

  /** Token ids of a text; special tokens are recognised. */
  encode(text: string): number[] {
    return [...this.#tokenizer.encode(text)];
  }

  /** Text of token ids. */
  decode(ids: readonly number[]): string {
    return this.#tokenizer.decode(ids);
  }

  /**
   * Answers conversations, or whole prompts, each as soon as all of its answers are finished: many at once are much
   * faster than one by one. Throws a UserError for a prompt that fills the context.
   */
  async *answers(
    inputs: readonly (ChatInput | string)[],
    options: AnswerOptions = {},
  ): AsyncGenerator<Answer, void, undefined> {
    const { temperature = 0, top_p: topP = 1, top_k: topK = -1, generate_max_len: maxTokens = 512 } = options;
    const { n_samples_per_prompt: samples = 1, seed = 0, signal } = options;
    const ids = inputs.map((input) =>
      this.#tokenizer.encode(typeof input === 'string' ? input : this.prompt(input)),
    );
    const drawn = this.#generator.stream(ids, {
      temperature,
      topP,
      topK,
      maxTokens,
      samples,
      seed,
      stopIds: this.#tokenizer.stopIds,
      ...(signal === undefined ? {} : { signal }),
    });
    for await (const { prompt, samples: all } of drawn) {
      for (const { tokens, finish } of all) {
        const text = this.#tokenizer.decode(tokens, { skipSpecial: true });
        yield { prompt, text, tokens: tokens.length, finish, ...readTurn(text) };
      }
    }
  }

  /** The first answer to one conversation, or to a whole prompt. */
  async answer(input: ChatInput | string, options: AnswerOptions = {}): Promise<Answer> {
    for await (const answer of this.answers([input], { ...options, n_samples_per_prompt: 1 })) return answer;
    throw new InternalError('a prompt was not answered');
  }

  /** Writes the model as a GGUF file with tokenizer and chat template inside, which llama.cpp and others run. */
  exportGguf(file: string, options: { readonly dtype?: GgufDType; readonly name?: string } = {}): void {
    const { config, parameters } = this.#loaded;
    exportGguf(file, config, parameters, ggufTokenizer(this.#path), options);
  }

  /** Frees what it holds; it is of no use afterwards. */
  close(): void {
    this.#owned[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Loads a checkpoint: a Hugging Face folder or a GGUF file. Throws a UserError that says what is wrong with it.
 *
 * @example
 * using model = loadModel(bases.teacher);
 * const { message } = await model.answer({
 *   messages: [{ role: 'user', content: 'Set a timer for 5 minutes' }],
 *   tools: [{ name: 'set_timer', description: 'Starts a timer.', parameters: { type: 'object', properties: { minutes: { type: 'number' } } } }],
 * });
 * console.log(message.toolCalls);
 */
export const loadModel = (path: string, options: LoadOptions = {}): Model => new Model(path, options);
