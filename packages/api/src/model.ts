/** A model that answers: prompts through its own chat template, completions taken apart again. */
import { availableParallelism } from 'node:os';
import { InternalError, UserError } from '../../../src/base/errors.ts';
import { Owned } from '../../../src/base/owned.ts';
import { ggufTokenizer } from '../../../src/chat/gguf-tokenizer.ts';
import { toTools } from '../../../src/chat/tool-documents.ts';
import { ChatTemplate, type ChatInput, type Thinking } from '../../../src/chat/template.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { Device } from '../../../src/ggml/device.ts';
import { loadModel as loadWeights } from '../../../src/model/checkpoint/checkpoint.ts';
import {
  checkpointAt,
  checkpointName,
  requireCheckpoint,
} from '../../../src/model/checkpoint/checkpoint-path.ts';
import { exportGguf, type GgufDType } from '../../../src/model/checkpoint/gguf.ts';
import { Local, type LocalParts } from '../../../src/sampling/local.ts';
import type { SamplingOptions } from '../../../src/sampling/sampler.ts';
import type { ParameterSet } from '../../../src/tensor/parameters.ts';
import { ServedModel } from '../../serve/src/model.ts';
import {
  call,
  type Called,
  type CallOptions,
  type CallPart,
  conversationOf,
  type Request,
  stream,
} from './calling.ts';
import { type Functions, FunctionSet } from './functions.ts';
import { turnIn, type Turn } from './turn.ts';

export interface LoadOptions {
  /** `cpu`, `gpu` or the name of a device; `cpu` unless told. */
  readonly device?: string;
  /** Processor threads; all that the machine has unless told. */
  readonly threads?: number;
  /** Thoughts on or off, whatever the chat template's own default is. */
  readonly thinking?: Thinking;
  /** File of `savePrefixes`; one that is not there, or that another model or version wrote, counts as empty. */
  readonly prefixes?: string;
}

/** Sampling of answers: greedy, one a prompt and 512 tokens at most, unless told. */
export interface GenerateOptions extends Partial<SamplingOptions> {
  /**
   * Calls name a tool of the conversation, with arguments that obey its schema, or a UserError says which part of it cannot be
   * held; default: the model writes what it likes.
   */
  readonly constrained?: boolean;
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
  readonly #source: string;
  readonly #parts: LocalParts & { readonly weights: ParameterSet };
  readonly #sampler: Local;
  readonly #owned = new Owned();
  #served: ServedModel | undefined;
  #isClosed = false;

  /** Use `loadModel`. */
  constructor(
    path: string,
    { device = 'cpu', threads = availableParallelism(), thinking, prefixes }: LoadOptions,
  ) {
    requireCheckpoint(path);
    const source = checkpointAt(path);
    this.#source = source;
    const tokenizer = Tokenizer.load(source);
    const template = ChatTemplate.of(tokenizer).fixed(thinking);
    [this.#parts, this.#sampler] = this.#owned.opening(() => {
      const opened = this.#owned.add(Device.open(device, threads));
      const { config, parameters } = loadWeights(opened, source, { trainable: false });
      const weights = this.#owned.add(parameters);
      const parts = { name: checkpointName(source), config, weights, tokenizer, template };
      const sampler = this.#owned.add(new Local(opened, parts));
      if (prefixes !== undefined)
        this.#served = new ServedModel(source, { opened: { device: opened, ...parts }, prefixes });
      return [parts, sampler];
    });
  }

  /** Engine of `call`: it answers conversations as they come, as `tinystar serve` does. Throws a UserError once it is closed. */
  get served(): ServedModel {
    if (this.#isClosed) throw new UserError('CLOSED', `${this.#parts.name} is closed; load it again.`);
    const opened = { device: this.#sampler.device, ...this.#parts };
    return (this.#served ??= new ServedModel(this.#source, { opened }));
  }

  /** Prompt of a conversation: what the model reads, up to where its answer begins. */
  prompt(conversation: ChatInput): string {
    return this.#parts.template.prompt(conversation);
  }

  /** Token ids of a text; special tokens are recognised. */
  encode(text: string): number[] {
    return [...this.#parts.tokenizer.encode(text)];
  }

  /** Text of token ids. */
  decode(ids: readonly number[]): string {
    return this.#parts.tokenizer.decode(ids);
  }

  /**
   * Answers conversations, or whole prompts, each as soon as all of its answers are finished: many at once are much
   * faster than one by one. Throws a UserError for a prompt that fills the context.
   */
  async *generate(
    inputs: readonly (ChatInput | string)[],
    options: GenerateOptions = {},
  ): AsyncGenerator<Answer, void, undefined> {
    const { constrained: isConstrained = false, ...given } = options;
    const prompts = inputs.map((input) =>
      typeof input === 'string'
        ? { text: input }
        : {
            text: this.prompt(input),
            ...(isConstrained ? { rules: { tools: toTools(input.tools) } } : {}),
          },
    );
    const sampling = { temperature: 0, generate_max_len: 512, ...given };
    for await (const { index, samples, failure } of this.#sampler.sample(prompts, sampling)) {
      if (failure !== undefined)
        throw new UserError('PROMPT_TOO_LONG', `Prompt ${index} is not answered: ${failure}.`);
      const input = inputs[index];
      const tools = typeof input === 'object' ? toTools(input.tools) : [];
      const context = { format: this.#parts.template.format, prompt: prompts[index]?.text ?? '', tools };
      for (const { text, length, finish } of samples)
        yield { prompt: index, text, tokens: length, finish, ...turnIn(text, context) };
    }
  }

  /** The first answer to one conversation, or to a whole prompt. */
  async answer(input: ChatInput | string, options: GenerateOptions = {}): Promise<Answer> {
    for await (const answer of this.generate([input], { ...options, n_samples_per_prompt: 1 })) return answer;
    throw new InternalError('a prompt was not answered');
  }

  /**
   * Answers a request by calls of functions, whose arguments obey their schemas and have their types. What prompts begin with,
   * above all the functions, is computed once and kept for the next requests; many may be asked at a time, which is
   * much faster than one by one. Throws a UserError for a request that fills the context, and the signal's reason.
   *
   * @example
   * const functions = { set_timer: { description: 'Starts a timer.', parameters: z.object({ minutes: z.number() }) } };
   * const { calls, reply } = await model.call('Set a timer for 5 minutes', functions);
   * for (const call of calls) if (call.name === 'set_timer') start(call.arguments.minutes);
   */
  async call<const F extends Functions>(
    request: Request,
    functions: F,
    options: CallOptions = {},
  ): Promise<Called<F>> {
    return call(this.served, request, functions, options);
  }

  /** Answers as `call` does, bit by bit: texts, calls as soon as they are complete, and at last the whole answer. Leaving the loop ends it. */
  stream<const F extends Functions>(
    request: Request,
    functions: F,
    options: CallOptions = {},
  ): AsyncGenerator<CallPart<F>, void, undefined> {
    return stream(this.served, request, functions, options);
  }

  /**
   * Computes what requests with these functions (and system messages) begin with, and keeps it as long as the model is open; returns its number of tokens. It takes 8 bytes a token, layer and key-value head for each of the head's dimensions.
   */
  async pin(functions: Functions, { messages = [] }: Pick<CallOptions, 'messages'> = {}): Promise<number> {
    return this.served.pin(conversationOf([], await FunctionSet.of(functions), { messages }));
  }

  /** Writes what was pinned to a file, at once or not at all, for `loadModel(path, { prefixes: file })`. */
  savePrefixes(file: string): void {
    this.served.savePrefixes(file);
  }

  /** Writes the model as a GGUF file with tokenizer and chat template inside, which llama.cpp and others run. */
  exportGguf(file: string, options: { readonly dtype?: GgufDType; readonly name?: string } = {}): void {
    const { config, weights } = this.#parts;
    exportGguf(file, config, weights, ggufTokenizer(this.#source), options);
  }

  /** Frees what it holds, after the step that is being computed; it is of no use afterwards, and calls that are not answered fail. */
  close(): void {
    this.#isClosed = true;
    const free = (): void => this.#owned[Symbol.dispose]();
    if (this.#served === undefined) free();
    else void this.#served.close().finally(free);
    this.#served = undefined;
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
