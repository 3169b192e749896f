/** A GGUF file as the one who answers a benchmark, run by llama.cpp on the CPU: what is measured is the file that a device gets. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { UserError } from '../base/errors.ts';
import { digestOf } from '../base/identity.ts';
import { DEFAULT_TEMPLATE } from '../chat/default-template.ts';
import { ChatTemplate } from '../chat/template.ts';
import { ggufSpecialTokens } from '../chat/tokenizer-source.ts';
import type { Message } from '../chat/messages.ts';
import { LlamaModel } from '../ggml/llama.ts';
import { chatAnswers, chatPrompts } from './chat.ts';
import type { Answer, AnsweringModel, AskOptions } from './answering.ts';

/** Tokens of prompt and answer together: enough for all but the longest of BFCL's turns, at 3.7 GB of cache for Qwen3-0.6B. */
const CONTEXT_TOKENS = 16_384;

/** Below it sampling takes the likeliest token but where two are all but equal; BFCL's own setting is 0.001. */
const GREEDY_BELOW = 0.01;

export class GgufModel implements AnsweringModel {
  readonly name: string;
  readonly identity: string;
  readonly #model: LlamaModel;
  readonly #path: string;

  private constructor(path: string, model: LlamaModel) {
    this.name = basename(path);
    this.identity = digestOf(path);
    this.#model = model;
    this.#path = path;
  }

  /** Loads a file; throws a UserError with llama.cpp's own words if it cannot. */
  static open(path: string, threads = availableParallelism()): GgufModel {
    return new GgufModel(path, LlamaModel.load(path, { contextTokens: CONTEXT_TOKENS, threads }));
  }

  async *chat(
    conversations: readonly (readonly Message[])[],
    options: AskOptions,
  ): AsyncGenerator<Answer, void, undefined> {
    const template = new ChatTemplate(
      this.#model.metadata('tokenizer.chat_template') ?? DEFAULT_TEMPLATE,
      ggufSpecialTokens(this.#path),
    );
    yield* chatAnswers(this.complete(chatPrompts(template, conversations, options), options), options);
  }

  /** One prompt after the other, greedily. Throws a UserError for temperatures that are not next to none. */
  async *complete(
    prompts: readonly string[],
    { maxTokens, temperature, signal }: AskOptions,
  ): AsyncGenerator<Answer, void, undefined> {
    if (temperature > GREEDY_BELOW) {
      throw new UserError(
        'GGUF_TEMPERATURE',
        `GGUF files are asked for the likeliest token only, not at temperature ${temperature}; use --temperature 0.`,
      );
    }
    for (const [index, prompt] of prompts.entries()) {
      signal?.throwIfAborted();
      const ids = this.#model.tokenize(prompt);
      const room = Math.min(maxTokens, this.#model.contextTokens - ids.length);
      if (room < 1) {
        yield { index, text: '', tokens: 0, end: 'full' };
        continue;
      }
      const written = await this.#model.continueGreedily(ids, room, {
        stopAtEnd: true,
        ...(signal === undefined ? {} : { signal }),
      });
      const last = written.at(-1);
      const end = last !== undefined && this.#model.isEnd(last) ? 'stop' : 'length';
      yield { index, text: this.#model.detokenize(written), tokens: written.length, end };
    }
  }

  [Symbol.dispose](): void {
    this.#model[Symbol.dispose]();
  }
}
