/** A checkpoint, or a model that was opened already, as the one who answers a benchmark. */
import { identityOf } from '../base/identity.ts';
import type { Message } from '../chat/messages.ts';
import { ChatTemplate } from '../chat/template.ts';
import { Tokenizer } from '../chat/tokenizer.ts';
import { Device } from '../ggml/device.ts';
import {
  checkpointAt,
  checkpointContents,
  checkpointName,
  requireCheckpoint,
} from '../model/checkpoint/checkpoint-path.ts';
import { type LoadedModel, loadModel } from '../model/checkpoint/checkpoint.ts';
import { Generator } from '../model/generate/generation.ts';
import { chatAnswers, chatPrompts } from './chat.ts';
import type { Answer, AnsweringModel, AskOptions } from './answering.ts';

/** A model on a device, and how it is spoken to. */
export interface LocalParts extends LoadedModel {
  readonly name: string;
  readonly identity: string;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

export class LocalModel implements AnsweringModel {
  readonly name: string;
  readonly identity: string;
  readonly device: Device;
  readonly #parts: LocalParts;
  readonly #generator: Generator;
  /** What goes with it, last things first. */
  readonly #owned: readonly Disposable[];

  /** The parts stay the caller's; `owned` is disposed of with the model. */
  constructor(device: Device, parts: LocalParts, owned: readonly Disposable[] = []) {
    this.name = parts.name;
    this.identity = parts.identity;
    this.device = device;
    this.#parts = parts;
    this.#generator = new Generator(device, parts.config, parts.parameters);
    this.#owned = owned;
  }

  /** Loads a Hugging Face folder, or the model of a run's stage; throws a UserError if it is none. */
  static open(path: string, deviceName: string): LocalModel {
    const folder = checkpointAt(path);
    requireCheckpoint(path, "a server's address that begins with http");
    const tokenizer = Tokenizer.load(folder);
    const device = Device.open(deviceName);
    try {
      const parts = {
        name: checkpointName(folder),
        identity: identityOf(checkpointContents(folder)),
        tokenizer,
        template: ChatTemplate.of(tokenizer),
        ...loadModel(device, folder, { trainable: false }),
      };
      return new LocalModel(device, parts, [parts.parameters, device]);
    } catch (thrown) {
      device[Symbol.dispose]();
      throw thrown;
    }
  }

  async *chat(
    conversations: readonly (readonly Message[])[],
    options: AskOptions,
  ): AsyncGenerator<Answer, void, undefined> {
    const prompts = chatPrompts(this.#parts.template, conversations, options);
    yield* chatAnswers(this.complete(prompts, options), options);
  }

  async *complete(prompts: readonly string[], options: AskOptions): AsyncGenerator<Answer, void, undefined> {
    const { maxTokens, temperature, topP = 1, seed = 0, signal } = options;
    const { config, tokenizer } = this.#parts;
    const encoded = prompts.map((prompt, index) => ({ index, ids: tokenizer.encode(prompt) }));
    const fits = encoded.filter(({ ids }) => ids.length < config.maxPositions);
    for (const { index, ids } of encoded) {
      if (ids.length >= config.maxPositions) yield { index, text: '', tokens: 0, end: 'full' };
    }
    const drawn = this.#generator.stream(
      fits.map(({ ids }) => ids),
      {
        temperature,
        topP,
        maxTokens,
        seed,
        stopIds: tokenizer.stopIds,
        ...(signal === undefined ? {} : { signal }),
      },
    );
    for await (const { prompt, samples } of drawn) {
      const [sample] = samples;
      const index = fits[prompt]?.index;
      if (sample === undefined || index === undefined) continue;
      const text = tokenizer.decode(sample.tokens, { skipSpecial: true });
      yield { index, text, tokens: sample.tokens.length, end: sample.finish };
    }
  }

  [Symbol.dispose](): void {
    this.#generator[Symbol.dispose]();
    for (const one of this.#owned) one[Symbol.dispose]();
  }
}
