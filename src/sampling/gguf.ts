/** A GGUF file in llama.cpp's own engine on the CPU, for `--engine llama.cpp`: another program's answers to compare ours with. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { UserError } from '../base/errors.ts';
import { digestOf } from '../base/identity.ts';
import { asTokenIds } from '../base/token-ids.ts';
import { ChatTemplate } from '../chat/template.ts';
import { ggufSpecialTokens } from '../chat/tokenizer-source.ts';
import { LlamaModel } from '../ggml/llama.ts';
import { isGguf } from '../model/checkpoint/checkpoint-path.ts';
import { openedWith, promptText } from './local.ts';
import type { Answer, Prompt, SampleOptions, Sampler } from './sampler.ts';

/** Engines that can run GGUF files: this program's own, or llama.cpp's. */
export const ENGINES = ['tinystar', 'llama.cpp'] as const;
export type Engine = (typeof ENGINES)[number];

/** Opens a GGUF file; throws a UserError for anything else. */
export function openGguf(path: string): Gguf {
  if (isGguf(path) && !/^https?:/.test(path)) return new Gguf(path);
  throw new UserError(
    'ENGINE',
    `llama.cpp's engine runs GGUF files, and ${path} is none; export it with \`tinystar export\`, or leave out the engine.`,
  );
}

/** Tokens of prompt and answer together: enough for all but the longest of BFCL's turns, at 3.7 GB of cache for Qwen3-0.6B. */
const CONTEXT_TOKENS = 16_384;

/** Below it sampling is greedy but where two tokens are all but equal; BFCL's own setting is 0.001. */
const GREEDY_BELOW = 0.01;

export class Gguf implements Sampler {
  readonly name: string;
  readonly identity: string;
  readonly givesTopK = false;
  readonly template: ChatTemplate;
  readonly #model: LlamaModel;

  /** Loads a file; throws a UserError with llama.cpp's own words if it cannot. */
  constructor(path: string, threads = availableParallelism()) {
    this.name = basename(path);
    this.identity = `llama.cpp ${digestOf(path)}`;
    this.#model = LlamaModel.load(path, { contextTokens: CONTEXT_TOKENS, threads });
    this.template = ChatTemplate.of({
      chatTemplate: this.#model.metadata('tokenizer.chat_template'),
      specialTokens: ggufSpecialTokens(path),
    });
  }

  get contextTokens(): number {
    return this.#model.contextTokens;
  }

  /** Answers one prompt after the other, greedily. Throws a UserError for options that ask for more. */
  async *sample(prompts: Iterable<Prompt>, options: SampleOptions): AsyncGenerator<Answer, void, undefined> {
    const { temperature, generate_max_len, n_samples_per_prompt = 1, reply, signal } = options;
    if (temperature > GREEDY_BELOW || n_samples_per_prompt > 1 || reply !== undefined) {
      throw new UserError(
        'ENGINE',
        `llama.cpp's engine is asked for one greedy answer to a prompt, not for ${n_samples_per_prompt} at temperature ${temperature}; use --temperature 0, or leave out --engine.`,
      );
    }
    const model = this.#model;
    const { template } = this;
    let index = -1;
    for (const prompt of prompts) {
      signal?.throwIfAborted();
      index += 1;
      const ids = prompt.ids ?? model.tokenize(promptText(prompt, template, options));
      const room = Math.min(generate_max_len, model.contextTokens - ids.length);
      if (room < 1) {
        const failure = `it has ${ids.length} tokens, and llama.cpp is given room for ${model.contextTokens - 1}`;
        yield { index, samples: [], failure, isFull: true };
        continue;
      }
      const tokens = await model.continueGreedily(ids, room, {
        stopAtEnd: true,
        ...(signal === undefined ? {} : { signal }),
      });
      // Special tokens that calls are written with are in the text, and its end is not.
      const said = asTokenIds(tokens.filter((id) => !model.isEnd(id)));
      const last = tokens.at(-1);
      const sample = {
        text:
          openedWith(prompt, template, options) + model.detokenize(said, template.format.special.length > 0),
        tokens: asTokenIds(tokens),
        length: tokens.length,
        logprobs: new Float32Array(0),
        drawn: new Uint8Array(tokens.length).fill(1),
        finish: last !== undefined && model.isEnd(last) ? ('stop' as const) : ('length' as const),
      };
      yield { index, samples: [sample] };
    }
  }

  [Symbol.dispose](): void {
    this.#model[Symbol.dispose]();
  }
}
