/** A checkpoint, or a model that was opened already, on a device of this machine. */
import { required } from '../base/errors.ts';
import { identityOf } from '../base/identity.ts';
import type { TokenIds } from '../base/token-ids.ts';
import { ChatTemplate } from '../chat/template.ts';
import { plainText } from '../chat/thought.ts';
import { paddedVocabulary, Tokenizer } from '../chat/tokenizer.ts';
import { TokenSymbols } from '../../packages/constrain/src/tokens.ts';
import { Device } from '../ggml/device.ts';
import type { ModelConfig } from '../model/arch/config.ts';
import type { WeightSource } from '../model/arch/forward.ts';
import {
  checkpointAt,
  checkpointContents,
  checkpointName,
  requireCheckpoint,
} from '../model/checkpoint/checkpoint-path.ts';
import { loadModel } from '../model/checkpoint/checkpoint.ts';
import { opensThought } from '../chat/generation.ts';
import { Generator } from '../model/generate/generation.ts';
import { type ScoredCompletion, type ScoreOptions, Scorer } from '../model/tree/scoring.ts';
import type { PromptTree } from '../model/tree/tree.ts';
import type { Answer, Prompt, SampleOptions, Sampler } from './sampler.ts';

/** The text of a prompt: its own, or its conversation through a chat template. Throws a UserError where that cannot render it. */
export function promptText(
  { text, messages = [], tools }: Prompt,
  template: ChatTemplate,
  { enable_thinking: thinking, open_thought: isOpen = false }: SampleOptions,
): string {
  if (text !== undefined) return text;
  const input = tools === undefined ? { messages } : { messages, tools };
  return template.prompt(input, thinking) + (isOpen ? template.format.think.open : '');
}

/** Beginning of an answer to that text, beside what is drawn. */
export const openedWith = (
  prompt: Prompt,
  { format: { think } }: ChatTemplate,
  { open_thought: isOpen = false }: SampleOptions,
): string => (isOpen && prompt.text === undefined ? think.open : '');

/** A model that is open, and how it is spoken to. */
export interface LocalParts {
  readonly name: string;
  /** Default: the name. */
  readonly identity?: string;
  readonly config: ModelConfig;
  readonly weights: WeightSource;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

export class Local implements Sampler {
  readonly name: string;
  readonly identity: string;
  readonly device: Device;
  readonly givesTopK = true;
  readonly template: ChatTemplate;
  readonly #parts: LocalParts;
  readonly #generator: Generator;
  #scorer: Scorer | undefined;
  #symbols: TokenSymbols | undefined;
  /** Disposed of with the model, in this order. */
  readonly #owned: readonly Disposable[];

  /** Weights stay the caller's, and may change between calls; `owned` is disposed of with the model. */
  constructor(device: Device, parts: LocalParts, owned: readonly Disposable[] = []) {
    this.name = parts.name;
    this.identity = parts.identity ?? parts.name;
    this.device = device;
    this.#parts = parts;
    this.template = parts.template;
    this.#generator = new Generator(device, parts.config, parts.weights);
    this.#owned = owned;
  }

  /** Loads a Hugging Face folder, a GGUF file, or the model of a run's stage; throws a UserError if it is none. */
  static open(path: string, deviceName: string): Local {
    const source = checkpointAt(path);
    requireCheckpoint(path, "a server's address that begins with http");
    const tokenizer = Tokenizer.load(source);
    const device = Device.open(deviceName);
    try {
      const { config, parameters } = loadModel(device, source, { trainable: false });
      const parts = {
        name: checkpointName(source),
        identity: identityOf(checkpointContents(source)),
        config,
        weights: parameters,
        tokenizer,
        template: ChatTemplate.of(tokenizer),
      };
      return new Local(device, parts, [parameters, device]);
    } catch (thrown) {
      device[Symbol.dispose]();
      throw thrown;
    }
  }

  async *sample(prompts: Iterable<Prompt>, options: SampleOptions): AsyncGenerator<Answer, void, undefined> {
    const { config, tokenizer, template } = this.#parts;
    const { reply, skip_special_tokens: skipSpecial = true, ...given } = options;
    const asked = Array.from(prompts, (prompt, index) => {
      const written = (): string => promptText(prompt, template, options);
      return {
        index,
        ids: prompt.ids ?? tokenizer.encode(written()),
        opened: openedWith(prompt, template, options),
        rules: prompt.rules && { ...prompt.rules, isThinking: opensThought(written(), template.format) },
      };
    });
    const fits = asked.filter(({ ids }) => ids.length < config.contextLength);
    for (const { index, ids } of asked) {
      const failure = `it has ${ids.length} tokens, and ${this.name} has room for ${config.contextLength - 1} before an answer; shorten its tools`;
      if (ids.length >= config.contextLength) yield { index, samples: [], failure, isFull: true };
    }
    const drawn = this.#generator.stream(
      fits.map(({ ids }) => ids),
      {
        ...given,
        stopIds: tokenizer.stopIds,
        constraint: (at) => {
          const rules = fits[at]?.rules;
          if (rules === undefined) return undefined;
          this.#symbols ??= new TokenSymbols(tokenizer);
          return this.#symbols.constraint(template.format, rules);
        },
        ...(reply === undefined ? {} : { reply: async (stopped) => (await reply(stopped))?.ids }),
      },
    );
    for await (const { prompt, samples } of drawn) {
      const { index, opened } = required(fits[prompt], 'the prompt of an answer');
      const textOf = (tokens: TokenIds): string =>
        opened + (skipSpecial ? plainText(tokens, tokenizer, template.format) : tokenizer.decode(tokens));
      yield {
        index,
        samples: samples.map((one) => ({ ...one, text: textOf(one.tokens), length: one.tokens.length })),
      };
    }
  }

  score(trees: readonly PromptTree[], options: ScoreOptions): Promise<ScoredCompletion[][]> {
    const { config, weights, tokenizer } = this.#parts;
    this.#scorer ??= new Scorer(this.device, config, weights, paddedVocabulary(tokenizer));
    return this.#scorer.score(trees, options);
  }

  [Symbol.dispose](): void {
    this.#scorer?.[Symbol.dispose]();
    this.#generator[Symbol.dispose]();
    for (const one of this.#owned) one[Symbol.dispose]();
  }
}
